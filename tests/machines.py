"""Machines and users with stores of their own, on one database."""

from pathlib import Path
from typing import Any

import pytest
from bossflow.upkeep import verify
from pipeline import Pipeline


@pytest.fixture
def lab(pipeline: Pipeline) -> Pipeline:
    """Return a pipeline whose stores other machines and users have, too."""
    return pipeline


def on(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Be on another machine from here on."""
    monkeypatch.setenv("BOSSFLOW_MACHINE", name)


def swap(one: Path, other: Path) -> None:
    """Have at one path what another machine has there."""
    aside = one.with_name("aside")
    for path, target in ((one, aside), (other, one), (aside, other)):
        if path.exists():
            path.rename(target)


def made(run: dict[str, Any]) -> tuple[int, int]:
    """Return how many bundles a run made, and how many rows were there already."""
    assert run["plan"]["problem"] is None, run["plan"]["problem"]
    assert run["verdict"] == {"missing": None}, run["verdict"]
    known = sum(sum(batch["known"].values()) for batch in run["recorded"])
    return run["states"].count("made"), known


def executions(request: str) -> set[str]:
    return verify.made_for(request)
