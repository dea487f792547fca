"""A volume in files that changes, and what is told of a run on it."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tensorstore as ts
from bossflow.kit import digests
from steps import Cutouts, write_volume

SHAPE = {"block_shape": [16, 16, 16]}
BLOCKS = 2


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


def array(cutouts: Cutouts) -> Any:
    kvstore = {"driver": "file", "path": str(cutouts.volume / "0")}
    return ts.open({"driver": "zarr", "kvstore": kvstore}).result()


def change(cutouts: Cutouts) -> None:
    """Write other voxels into the second block."""
    voxels = array(cutouts)
    voxels[20:30, 2:9, 2:9] = 9
    assert int(voxels[25, 4, 4].read().result()) == 9


def touch(cutouts: Cutouts) -> None:
    for path in digests.files_below(cutouts.volume):
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


def made(ran: dict[str, Any]) -> Counter[str]:
    assert ran["plan"]["problem"] is None, ran["plan"]["problem"]
    assert ran["verdict"] == {"missing": None}, ran["verdict"]
    assert set(ran["states"]) <= {"made"}
    return Counter(
        {name: number for one in ran["recorded"] for name, number in one["recorded"].items()}
    )


def said(ran: dict[str, Any]) -> str:
    return "\n".join(ran["plan"]["notes"])


def tasks_told(plan: dict[str, Any]) -> int:
    """Return how many tasks a dry run says there would be."""
    told = re.search(r"\n  to run     (\d+) tasks?, about \d+ s on one core", plan["text"])
    return int(told[1]) if told else 0
