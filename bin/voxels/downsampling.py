"""Downsampling: voxels that stand for the windows of voxels that they are made of.

Windows count from coordinate 0 of the channel, so that how a volume is cut decides nothing. Where
it ends within a window, the voxels that are there count.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import Box, grid

_PART_BYTES = 2**23
"""What is read of the finest level at a time."""

_AT_ONCE = 2
"""Parts that are read or reduced side by side."""

METHODS = ("mean", "mode")


class Chunks(NamedTuple):
    """A grid of chunks: their shape, and where one of them begins, both ZYX."""

    shape_zyx: Sequence[int] = (1, 1, 1)
    corner_zyx: Sequence[int] = (0, 0, 0)


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
    chunks: Chunks,
) -> Iterator[NDArray[Any]]:
    """Yield the levels above a box, each made of the one before.

    Of the finest level a few parts of 8 MiB are in memory, or of a chunk: so much a processor
    keeps close by. While one is read, others are reduced.

    Parameters
    ----------
    read : callable
        Takes a part of the box, returns its voxels, ZYX; threads call it.
    box : Box
    dtype : str
        Of the voxels.
    steps_zyx : sequence of sequence of 3 int
        For each level, the sides of its windows in voxels of the level before.
    method : {"mean", "mode"}
        As for `downsample`.
    chunks : Chunks
        What is read at once, whatever of it is asked for.
    """
    first, *others = steps_zyx
    inside = coarser(box, first)
    level = np.empty(inside.shape_zyx, dtype)

    def reduce(part: Box) -> None:
        made = level[coarser(part, first).slices(inside.corner_zyx)]
        downsample(read(part), part.corner_zyx, first, method, made)

    start, *rest = _parts(box, first, chunks, level.itemsize)
    reduce(start)  # what is opened or compiled first is so once
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for _ in pool.map(reduce, rest):
            pass
    finally:
        pool.shutdown(cancel_futures=True)
    yield level
    for step in others:
        level = downsample(level, inside.corner_zyx, step, method)
        inside = coarser(inside, step)
        yield level


def _parts(box: Box, step_zyx: Sequence[int], chunks: Chunks, itemsize: int) -> list[Box]:
    """Cut a box between windows, along y and x only where chunks end there too."""
    sides, corner = [*box.shape_zyx], [*box.corner_zyx]
    for axis, (step, side, start) in enumerate(zip(step_zyx, *chunks, strict=True)):
        if side % step == 0 and start % step == 0:
            sides[axis], corner[axis] = side, start
        elif axis == 0:
            sides[0], corner[0] = -(-side // step) * step, 0
    for axis in (2, 1, 0):
        length = box.shape_zyx[axis]
        held = prod(map(min, sides, box.shape_zyx)) * itemsize
        sides[axis] *= max(1, min(_PART_BYTES // held, -(-length // sides[axis])))
    return grid(box, sides, corner)
