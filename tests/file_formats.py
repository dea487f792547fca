"""Volumes in single files, each as its format's own library writes it; skipped where that lacks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from formats import CHUNK, OFFSET, SIZE, Voxels
from voxels.boxes import Box

h5py = pytest.importorskip("h5py")

Written = tuple[str, tuple[int, ...]]
"""A URI, and where the volume starts."""

PLACED = [start * size for start, size in zip(OFFSET, SIZE, strict=True)]

BOXES = [Box(4, 9, -5, 6, 7, 8), Box(3, 31, -4, 19, 9, 26), Box(12, 13, 3, 4, 14, 16)]
"""Odd ones, within OFFSET and SHAPE: XYZ."""


def hdf5(path: Path, voxels: Voxels, **options: Any) -> Written:
    """Write a dataset as CREMI and funlib do, compressed."""
    options = {"chunks": CHUNK, "compression": "gzip", "shuffle": True} | options
    with h5py.File(path / "volume.h5", "w") as file:
        dataset = file.create_dataset("volumes/ids", data=voxels, **options)
        dataset.attrs.update(resolution=SIZE, offset=PLACED, units=["nm"] * 3)
    return f"hdf5://file://{path}/volume.h5#/volumes/ids", OFFSET


def nwb(path: Path, voxels: Voxels, metres: bool = True) -> Written:
    """Write a series of two volumes as pynwb lays it out, of which the second is meant."""
    with h5py.File(path / "volume.nwb", "w") as file:
        plane = file.create_group("general/optophysiology/plane")
        for name, values in (("grid_spacing", SIZE[::-1]), ("origin_coords", PLACED[::-1])):
            lengths = plane.create_dataset(name, data=[value * 1e-9 for value in values])
            lengths.attrs["unit"] = "meters"
        series = file.create_group("acquisition/stack")
        series.attrs["neurodata_type"] = "TwoPhotonSeries"
        series["imaging_plane"] = h5py.SoftLink("/general/optophysiology/plane")
        data = series.create_dataset(
            "data", (2, *voxels.shape[::-1]), voxels.dtype, chunks=(1, *CHUNK[::-1])
        )
        data[1] = voxels.T
        data.attrs.update(resolution=-1.0, conversion=1.0, unit="n.a.")
    return f"nwb://file://{path}/volume.nwb#/acquisition/stack", OFFSET


WRITERS: dict[str, Callable[[Path, Voxels], Written]] = {"hdf5": hdf5}
