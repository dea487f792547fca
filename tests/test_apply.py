"""Workflow apply: a function of blocks with their halo gives what it gives of the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from applying import Applying
from applying import applying as applying
from making import noise, read_level, write_precomputed
from scipy import ndimage

CORNER = (-7, 13, 21)
CUTTINGS: list[dict[str, Any]] = [
    {"block_shape": "16,16,16"},
    {"block_shape": "8,24,40", "stage": True},
    {"block_shape": "32,8,8", "x_range": "30,71", "z_range": "-5,20"},
    {"block_shape": "8,64,8", "volume_format": "zarr"},
    {"block_shape": "64,64,64", "y_range": "20,29"},
]
SMOOTH = {"arguments": '{"sigma": 2}', "halo": "8,8,8", "chunk_shape": "8,8,8"}


@pytest.mark.parametrize("cutting", CUTTINGS)
def test_a_filter_of_blocks_is_that_of_the_whole(
    applying: Applying, tmp_path: Path, cutting: dict[str, Any]
) -> None:
    """Bit for bit, at the cutout's border too, where a filter's own rule holds."""
    voxels = noise((37, 50, 61), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, CORNER)
    asked = {"source": f"precomputed://{volume}"} | SMOOTH | cutting
    done = applying.apply("smooth", **asked)
    for axis, name in enumerate(("z_range", "y_range", "x_range")):
        if name in cutting:
            start, stop = (int(end) - CORNER[axis] for end in cutting[name].split(","))
            voxels = voxels.take(range(start, stop), axis)
    whole = ndimage.gaussian_filter(voxels.astype(np.float32), 2, truncate=4.0)
    found, _ = read_level(applying.made(done)["applied_volume"], 0)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.view("u4"), whole.view("u4"))
    assert applying.apply("smooth", **asked)["plan"]["tasks"] == []
