"""Downsampling: voxels that stand for the windows of voxels that they are made of.

Windows count from coordinate 0 of the channel, so that how a volume is cut decides nothing. Where
it ends within a window, the voxels that are there count.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import Box, grid

_SLAB_BYTES = 2**26
"""What is read of the finest level at a time."""

METHODS = ("mean", "mode")


def coarser(box: Box, factor_zyx: Sequence[int]) -> Box:
    """Box of the windows that have voxels in a box.

    Examples
    --------
    >>> coarser(Box.parse("-3-4_0-7_1-2"), (2, 2, 2)).name
    '-2-2_0-4_0-1'
    """
    lower = [a // f for a, f in zip(box.corner_zyx, factor_zyx, strict=True)]
    upper = [-(-b // f) for b, f in zip(box.end_zyx, factor_zyx, strict=True)]
    return Box.of(lower, [b - a for a, b in zip(lower, upper, strict=True)])


def downsample(
    fine: NDArray[Any],
    corner_zyx: Sequence[int],
    factor_zyx: Sequence[int],
    method: str,
    coarse: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Make one voxel of each window.

    Parameters
    ----------
    fine : array, shape (Z, Y, X), C order
        Integers, floats or booleans.
    corner_zyx : sequence of 3 int
        Coordinates of its first voxel.
    factor_zyx : sequence of 3 int
        Sides of a window.
    method : {"mean", "mode"}
        The mean of a window, rounded to the nearest, half to even; of floats, NaN where all voxels
        are NaN, which do not count otherwise. Or the most frequent value, of several the one that
        comes first in C order; floats are the same where their bits are.
    coarse : array, optional
        Where the voxels are written; of the same dtype.

    Returns
    -------
    array
        The voxels of the `coarser` box.
    """
    from . import windows  # numba takes a while: only for those who downsample

    if coarse is None:
        shape = coarser(Box.of(corner_zyx, fine.shape), factor_zyx).shape_zyx
        coarse = np.empty(shape, fine.dtype)
    z, y, x = factor_zyx
    phase_z, phase_y, phase_x = (a % f for a, f in zip(corner_zyx, factor_zyx, strict=True))
    loop = {"mean": windows.mean, "mode": windows.mode}[method]
    loop(fine, (z, y, x), (phase_z, phase_y, phase_x), coarse)
    return coarse


def pyramid(
    read: Callable[[Box], NDArray[Any]],
    box: Box,
    dtype: str,
    steps_zyx: Sequence[Sequence[int]],
    method: str,
    layer: int = 1,
) -> Iterator[NDArray[Any]]:
    """Yield the levels above a box, each made of the one before.

    Of the finest level there are never more than 64 MiB in memory, or one layer.

    Parameters
    ----------
    read : callable
        Takes a part of the box, returns its voxels, ZYX.
    box : Box
    dtype : str
        Of the voxels.
    steps_zyx : sequence of sequence of 3 int
        For each level, the sides of its windows in voxels of the level before.
    method : {"mean", "mode"}
        As for `downsample`.
    layer : int
        Planes that are read at once, such as those of a chunk.
    """
    first, *others = steps_zyx
    inside = coarser(box, first)
    level = np.empty(inside.shape_zyx, dtype)
    _, height, width = box.shape_zyx
    depth = -(-layer // first[0]) * first[0]
    depth *= max(1, _SLAB_BYTES // (depth * height * width * level.itemsize))
    for slab in grid(box, (depth, height, width), (0, box.y0, box.x0)):
        part = coarser(slab, first)
        into = level[part.z0 - inside.z0 : part.z1 - inside.z0]
        downsample(read(slab), slab.corner_zyx, first, method, into)
    yield level
    for step in others:
        level = downsample(level, inside.corner_zyx, step, method)
        inside = coarser(inside, step)
        yield level
