"""Voxels of single segments as runs along x, so that they take memory by what there is of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        Of each segment by z, y, x0, in channel coordinates.
    """
    raise NotImplementedError


def joined(parts: Iterable[Runs]) -> Runs:
    """Unite the runs that blocks have of one segment, in whatever order; those that touch become one.

    Raises
    ------
    ValueError
        If two overlap.
    """
    raise NotImplementedError
