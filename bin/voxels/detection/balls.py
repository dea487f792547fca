"""Balls of voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Widths = NDArray[np.int64]
"""A ball, symmetric about its middle: by steps along z and y, the largest along x; else -1."""


def ball(radius_nm: float, voxel_size_nm: Sequence[float]) -> Widths:
    """Return the ball of the voxels whose middles are at most a radius from that of one.

    Parameters
    ----------
    radius_nm : float
    voxel_size_nm : sequence of 3 float
        ZYX.

    Returns
    -------
    int64 array, shape (2 z + 1, 2 y + 1)
        By the steps along z and y, from the most negative: the largest step along x, or -1 where
        no voxel is in the ball.

    Raises
    ------
    ValueError
        If the radius is below 0, or a voxel size is not above 0.

    Examples
    --------
    >>> ball(2.0, (2.0, 1.0, 1.0)).tolist()
    [[-1, -1, 0, -1, -1], [0, 1, 2, 1, 0], [-1, -1, 0, -1, -1]]
    """
    if not (0 <= radius_nm < np.inf and 0 < min(voxel_size_nm) <= max(voxel_size_nm) < np.inf):
        raise ValueError(f"no ball of {radius_nm} nm in voxels of {list(voxel_size_nm)} nm")
    z, y, x = ((np.arange(int(radius_nm / size) + 2) * size) ** 2 for size in voxel_size_nm)
    z, y = (np.concatenate([half[:0:-1], half]) for half in (z, y))
    rest = radius_nm**2 - (z[:, None] + y)
    widths = np.searchsorted(x, rest, side="right").astype(np.int64) - 1
    kept = [np.flatnonzero((widths >= 0).any(axis=1 - axis)) for axis in (0, 1)]
    return np.ascontiguousarray(widths[np.ix_(*kept)])


def extents(widths: Widths) -> tuple[int, int, int]:
    """Return how many voxels a ball reaches along each axis, ZYX."""
    return widths.shape[0] // 2, widths.shape[1] // 2, int(widths.max())


def size(widths: Widths) -> int:
    """Count the voxels of a ball."""
    return int((2 * widths[widths >= 0] + 1).sum())
