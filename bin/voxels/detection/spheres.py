"""Greedy matched spheres: the ball with the largest sum is a cell, is cleared, and so on.

By definition, of a whole cutout of values from 0 to 255, with 0 outside: of all voxels the one with
the largest sum in the ball around it, and of several the first in raster order, is taken; a larger
ball around it is cleared; and so on, until no sum is as large as asked for.

This goes on one after the other only where balls touch. A block takes its voxels in the same order
(the sum down, raster up). Where something that it can't know might have come before, within both
radii together, a voxel is open, and makes all within both radii uncertain. So what is taken
elsewhere is certain: it is what the whole would have. `settling` replays what is open.

The algorithm, without blocks, is that of E. L. Dyer et al. (2017), Quantifying mesoscale
neuroanatomy using x-ray microtomography, eNeuro 4(5), doi:10.1523/ENEURO.0195-17.2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..boxes import Box
from .balls import extents
from .searches import Spheres
from .sums import spread
from .taking import CLEAN, OPEN, UNCERTAIN, Integers, Values, keys_of, take


class BlockSpheres(NamedTuple):
    """What a block knows of its core.

    Attributes
    ----------
    certain : int64 array, shape (n, 3)
        Cells, ZYX, in the channel's coordinates.
    certain_sums : int64 array, shape (n,)
        Their sums when they were taken.
    open : int64 array, shape (m, 3)
        Voxels that may be cells as well.
    open_sums : int64 array, shape (m,)
        Their sums before anything was cleared.
    under : int64 array, shape (k, 3)
        Voxels in the balls around these, as far as they are not 0, also beyond the core.
    values : uint8 array, shape (k,)
        Their values.
    """

    certain: Integers
    certain_sums: Integers
    open: Integers
    open_sums: Integers
    under: Integers
    values: Values


def detect(values: Values, box: Box, core: Box, cutout: Box, spheres: Spheres) -> BlockSpheres:
    """Find cells in a block's core, and what can't be known of it.

    Takes 6 bytes a voxel beside the values, and 8 of each whose sum is large enough.

    Parameters
    ----------
    values : uint8 array, shape (Z, Y, X)
    box : Box
        Where the values are: the core and what is around it.
    core, cutout : Box

    Raises
    ------
    ValueError
        If so little is known around the core that its sums are not, or the box is not within the
        cutout.
    """
    reach = extents(spheres.summed)
    known = _inset(box, cutout, reach)
    if not (cutout.contains(box) and known and known.contains(core)):
        raise ValueError(
            f"box {box.name} does not have the {','.join(map(str, reach))} voxels (zyx) that sums "
            f"need around block {core.name}"
        )
    values = np.ascontiguousarray(values)
    sums = np.zeros(values.shape, np.int32)
    spread(values, spheres.summed, sums, (0, 0, 0), 1)
    state = np.full(values.shape, UNCERTAIN, np.uint8)
    clean = _inset(known, cutout, extents(spheres.reach))
    if clean:
        state[clean.slices(box.corner_zyx)] = CLEAN
    inner = sums[known.slices(box.corner_zyx)]
    top = max(int(inner.max()), spheres.least)
    place = tuple(low - first for low, first in zip(known.corner_zyx, box.corner_zyx, strict=True))
    keys = keys_of(inner, place, values.shape, spheres.least, top)
    keys.sort()
    certain, certain_sums = take(values.copy(), sums, state, keys, top, *spheres)
    del keys
    within = core.slices(box.corner_zyx)
    start = np.array([part.start for part in within])
    undecided = np.argwhere(state[within] == OPEN) + start
    corner = np.array(box.corner_zyx)
    ours = ((certain >= start) & (certain < [part.stop for part in within])).all(axis=1)
    under = np.empty((0, 3), np.int64)
    if len(undecided):
        sums[:] = 0
        spread(values, spheres.summed, sums, (0, 0, 0), 1)
        open_sums = sums[tuple(undecided.T)].astype(np.int64)
        state[:] = 0
        state[tuple(undecided.T)] = 1
        sums[:] = 0
        spread(state, spheres.summed, sums, (0, 0, 0), 1)
        under = np.argwhere((sums > 0) & (values > 0))
    else:
        open_sums = np.empty(0, np.int64)
    return BlockSpheres(
        certain[ours] + corner,
        certain_sums[ours],
        undecided + corner,
        open_sums,
        under + corner,
        values[tuple(under.T)],
    )


def _inset(box: Box, cutout: Box, margin: Sequence[int]) -> Box | None:
    """Return a box without a margin, but where it is the cutout that ends; None if all is."""
    axes = zip(
        *(box.corner_zyx, box.end_zyx, cutout.corner_zyx, cutout.end_zyx), margin, strict=True
    )
    ranges = [
        (low if low == first else low + side, high if high == last else high - side)
        for low, high, first, last, side in axes
    ]
    if any(low >= high for low, high in ranges):
        return None
    return Box.of([low for low, _ in ranges], [high - low for low, high in ranges])
