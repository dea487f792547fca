"""Hostile values for a test, and a canary: a file that only a shell would make."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hostile
import pytest
from conftest import examples
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CANARY = Path(f"/tmp/bossflow-canary-{os.getpid()}")
SOURCE = "bossdb://lab/brain/neurons"
VALUES = hostile.values(CANARY)
CELLS = st.one_of(st.sampled_from([*hostile.commands(CANARY), *hostile.TEXTS]), st.text())


def many(number: int, **others: Any) -> settings:
    checks = list(HealthCheck)
    return settings(
        max_examples=examples(number), database=None, suppress_health_check=checks, **others
    )


@pytest.fixture(autouse=True)
def never_a_shell() -> Iterator[None]:
    yield
    assert not CANARY.exists()
