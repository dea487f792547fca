"""Voxels of single segments as runs along x, so that they take memory by what there is of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import rows

Runs = NDArray[np.int32]
"""Runs of a segment's voxels, shape (n, 4): z, y, x0, x1 (half-open), by z, y, x0; none touch."""


def runs_of(
    voxels_zyx: NDArray[np.unsignedinteger[Any]], corner_zyx: Sequence[int]
) -> tuple[NDArray[np.uint64], NDArray[np.int64], Runs]:
    """Find the runs of all segments of a block.

    Parameters
    ----------
    voxels_zyx : array of unsigned integers, shape (Z, Y, X)
        Segment ids; 0 is no segment.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.

    Returns
    -------
    ids : uint64 array, shape (n,)
        Ascending.
    offsets : int64 array, shape (n + 1,)
        Where each segment's begin in `runs`, and where the last one's end.
    runs : Runs
        Of each segment by z, y, x0, in channel coordinates. 16 bytes each, and 56 while they are
        found.

    Raises
    ------
    ValueError
        If the voxels are of another kind, or a coordinate does not fit into 32 bits.
    """
    if voxels_zyx.ndim != 3 or voxels_zyx.dtype.kind != "u":
        what = f"{voxels_zyx.ndim} axes of {voxels_zyx.dtype}"
        raise ValueError(f"voxels have {what}: they must have 3 of unsigned integers")
    for start, side in zip(corner_zyx, voxels_zyx.shape, strict=True):
        if start < -(2**31) or start + side >= 2**31:
            raise ValueError(f"coordinates {start} to {start + side} do not fit into 32 bits")
    count = rows.count(voxels_zyx)
    owner, runs = np.empty(count, np.uint64), np.empty((count, 4), np.int32)
    z, y, x = map(int, corner_zyx)
    rows.fill(voxels_zyx, (z, y, x), owner, runs)
    order = np.argsort(owner, kind="stable")
    ids, counts = np.unique(owner, return_counts=True)
    return ids, np.concatenate([[0], np.cumsum(counts)]), runs[order]


def joined(parts: Iterable[Runs]) -> Runs:
    """Unite the runs that blocks have of one segment, in any order; those that touch become one.

    The result follows from the voxels alone, and not from how they were cut.

    Raises
    ------
    ValueError
        If two overlap.
    """
    runs = np.concatenate([np.empty((0, 4), np.int32), *parts])
    runs = runs[np.lexsort(runs.T[2::-1])]
    if (left := rows.unite(runs)) < 0:
        raise ValueError("a voxel is in two blocks")
    return runs[:left].copy()
