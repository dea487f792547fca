"""A simulated volume in files, written block by block, and the cells that are in it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..boxes import Box, grid
from ..made_files import write
from ..made_metadata import create
from ..made_volumes import Volume
from ..pyramid import Level
from . import simulated

BLOCK_ZYX, CHUNK_ZYX = (128, 128, 128), (64, 64, 64)
"""A shard, and a chunk."""

IMAGE, TRUTH = "image.ome.zarr", "truth.csv"

Progress = Callable[[int], None]
"""Is told how many voxels were written."""


def simulate(directory: Path, shape_zyx: Sequence[int], seed: int, progress: Progress) -> int:
    """Write a simulated volume that begins at voxel 0, and where its cells are.

    Takes the memory of a few blocks, and 24 bytes a cell. A cell counts where its middle is inside;
    one whose middle is outside may be seen at the border all the same.

    Parameters
    ----------
    directory : Path
        Gets `image.ome.zarr` (OME-Zarr 0.5, uint8) and `truth.csv`: a row for each cell with
        `x_nm`, `y_nm` and `z_nm`, in raster order. The middle of the first voxel is at 0.
    shape_zyx : sequence of 3 int
    seed : int
        From 0 to 2^32 - 1.
    progress : callable

    Returns
    -------
    int
        How many cells are inside.
    """
    whole = Box.of((0, 0, 0), shape_zyx)
    volume = _volume(whole)
    path = directory / IMAGE
    found = []
    for box in grid(whole, BLOCK_ZYX, whole.corner_zyx):
        write(volume, 0, simulated.image(box, seed), box, path)
        found.append(simulated.cells(box, seed)[0])
        progress(box.voxel_count)
    create(volume, path)
    middles = np.concatenate(found)
    _write_truth(directory / TRUTH, middles[np.lexsort(middles.T[::-1])])
    return len(middles)


def _volume(box: Box) -> Volume:
    level = Level((1, 1, 1), box, CHUNK_ZYX, "0")
    voxels = "zarr", "uint8", "image", "raw", "zstd", ""
    return Volume(*voxels, (level,), (BLOCK_ZYX,), simulated.VOXEL_SIZE_NM)


def _write_truth(path: Path, middles: NDArray[np.float64]) -> None:
    """Write middles (voxels, ZYX) in nanometres, each as the shortest text of its float."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["x_nm", "y_nm", "z_nm"])
        rows.writerows((middles * simulated.VOXEL_SIZE_NM)[:, ::-1].tolist())
