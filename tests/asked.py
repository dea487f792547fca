"""Volumes as users' tools leave them, and what is asked of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from changing import made
from expected import read_volume
from formats import ome
from steps import Cutouts

SHAPE, CHUNK = (20, 24, 28), (8, 9, 10)
ASKED = {"stage": False, "block_shape": [16, 18, 20], "connectivity": 18, "min_voxels": 2}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = tmp_path  # each test names its source
    return made


def volume_of(ran: dict[str, Any]) -> np.ndarray:
    """Return the voxels of the one volume that a run made."""
    made(ran)
    url = ran["requests"].splitlines()[1].split(",")[2]
    return read_volume(url)[0]


def mask() -> np.ndarray:
    return np.random.default_rng(3).random(SHAPE) < 0.3


def several(path: Path, axes: str = "tczyx", n: int = 3) -> np.ndarray:
    """Return voxels, none of them zero, of which each time and channel has its own."""
    lengths = dict(zip("zyx", SHAPE, strict=True))
    shape = [lengths.get(axis, n) for axis in axes]
    return np.random.default_rng(7).integers(1, 200, shape, np.uint8)


def image(path: Path, axes: str = "tczyx", version: str = "0.5") -> str:
    """Write an OME-Zarr image of several times or channels."""
    uri = ome(path, np.ones(SHAPE, np.uint8), version, axes=axes)
    zarr_format = 2 if version == "0.4" else 3
    group = zarr.open_group(path, zarr_format=zarr_format)
    del group["0"]
    chunks = [dict(zip("zyx", CHUNK, strict=True)).get(axis, 2) for axis in axes]
    group.create_array("0", data=several(path, axes), chunks=chunks)
    return uri
