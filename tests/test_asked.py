"""Volumes as users' tools leave them, labelled as a whole and compared with cc3d."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lab import read_volume, whole
from scipy import ndimage
from steps import Cutouts
from test_changes import made
from test_sources import plain_zarr

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


TYPES = {
    "scipy": ndimage.label(mask())[0],
    "mask": mask(),
    "int8": np.random.default_rng(4).integers(0, 3, SHAPE, np.int8),
    "whole floats": np.random.default_rng(5).integers(0, 3, SHAPE).astype("f4"),
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("stage", [False, True])
def test_segments_of_any_type_are_labelled(cutouts: Cutouts, name: str, stage: bool) -> None:
    voxels = TYPES[name]
    source = plain_zarr(cutouts.directory / "a.zarr", voxels, 2)
    found = volume_of(cutouts.label(**ASKED | {"source": source, "stage": stage}))
    np.testing.assert_array_equal(found, whole(voxels.astype("u4"), 18, 2))


@pytest.mark.parametrize("above", ["0.5", 0.5, "0.50"])
def test_a_probability_map_is_cut_at_a_decimal(cutouts: Cutouts, above: Any) -> None:
    voxels = np.random.default_rng(6).random(SHAPE, np.float32)
    voxels[3:5] = np.nan
    source = plain_zarr(cutouts.directory / "a.zarr", voxels)
    asked = ASKED | {"source": source, "component_of": "foreground"}
    found = volume_of(cutouts.label(**asked, foreground_above=above))
    np.testing.assert_array_equal(found, whole((voxels > 0.5).astype("u1"), 18, 2))
    if above == "0.5":
        assert "nothing to compute" in cutouts.label(**asked, foreground_above="0.500")["summary"]


def test_negative_ids_fail_the_run_with_their_place(cutouts: Cutouts) -> None:
    voxels = np.ones(SHAPE, np.int16)
    voxels[17, 20, 25] = -1
    source = plain_zarr(cutouts.directory / "a.zarr", voxels)
    ran = cutouts.label(**ASKED | {"source": source})
    assert "failed" in ran["states"]
    assert "voxel 25,20,17 (x,y,z) is -1, which is no segment id" in ran["verdict"]["missing"]


def test_a_type_that_holds_no_numbers_is_refused(cutouts: Cutouts) -> None:
    source = plain_zarr(cutouts.directory / "a.zarr", np.ones(SHAPE, "c8"))
    problem = cutouts.plan(**ASKED | {"source": source})[0]["problem"]
    assert problem.startswith(f"{source} has dtype complex64: only uint8, ")
