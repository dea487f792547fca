"""An archive whose faults are planned, and a lab whose runs meet them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server.faults import KINDS, misbehaving
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from lab import CHANNEL, Lab, Outcome, make_voxels

VOXELS = make_voxels((20, 40, 40), 7)

EXPIRED = "set BOSSDB_TOKEN to one that may read it (this one may have expired), and run again"


# ---- PULL_BLOCK ----

RARE = ("zeros", "silence", "drip", "throttle", "limit")
STORM = {kind: 0.02 for kind in KINDS if kind not in RARE}


# ---- whole runs ----

BLOCKWISE = {"block_shape": [10, 20, 20], "connectivity": 26, "blocks_per_task": 2}


class Weather(Lab):
    """A lab whose archive misbehaves, at one address and with tokens that the test chooses."""

    token = "first"

    @contextmanager
    def serving(self, plan: Mapping[str, Any] | None = None) -> Iterator["Weather"]:
        volume = volume_of(self.voxels, self.offset_zyx, (30.0, 8.0, 8.0))
        served = misbehaving(archive.app({CHANNEL: volume}), plan or {})
        with serving(served) as self.host:
            yield self

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"BOSSDB_TOKEN": self.token}

    def run(self, **params: Any) -> Outcome:
        return super().run(**BLOCKWISE, **params)

    def pulled(self) -> int:
        return len(list((self.home / "store" / "PULL_BLOCK").glob("*/*/bundle.json")))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Weather]:
    made = Weather(tmp_path / "lab", VOXELS, (0, 0, 0))
    yield made
    made.bossflow("db", "stop")
