"""What blocks left open of a search for spheres is replayed, with their certain cells in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..boxes import Box
from ..compiling import njit
from .balls import Widths
from .queue import pop, push
from .searches import Spheres
from .spheres import BlockSpheres
from .sums import spread
from .taking import Integers, Values


def settle(
    blocks: Sequence[BlockSpheres], cutout: Box, spheres: Spheres
) -> tuple[Integers, Integers]:
    """Return all cells of a cutout, in the order in which the whole would have them.

    Takes some 60 bytes for each cell, open voxel and voxel under one.

    Parameters
    ----------
    blocks : sequence of BlockSpheres
        Of cores that together are the cutout, without overlap; in any order.
    cutout : Box
    spheres : Spheres

    Returns
    -------
    zyx : int64 array, shape (n, 3)
        In the channel's coordinates.
    sums : int64 array, shape (n,)
        The largest first; of equal ones, the first in raster order.
    """
    corner, shape = np.array(cutout.corner_zyx), cutout.shape_zyx
    strides = np.array([shape[1] * shape[2], shape[2], 1])

    def together(*names: str) -> Integers:
        parts = [getattr(block, name) for block in blocks for name in names]
        return np.concatenate([*parts, np.empty((0, *parts[0].shape[1:]), parts[0].dtype)])

    certain = sum(len(block.certain) for block in blocks)
    places = np.concatenate([together("certain"), together("open")]) - corner
    sums = np.concatenate([together("certain_sums"), together("open_sums")])
    at = places @ strides
    order = np.argsort(at)
    at, sums, is_open = at[order], sums[order], order >= certain
    under, first = np.unique((together("under") - corner) @ strides, return_index=True)
    values = together("values")[first].astype(np.uint8)
    top = int(sums.max(initial=0))
    keys = (top - sums) * len(at) + np.arange(len(at))
    keys.sort()
    taken, taken_sums = _replay(
        *(at, sums, is_open, under, values, keys, top, shape),
        *(spheres.summed, spheres.cleared, spheres.least),
    )
    rows = np.stack(np.unravel_index(at[taken], shape), axis=1).astype(np.int64)
    return rows.reshape(-1, 3) + corner, taken_sums


@njit(cache=True, nogil=True)
def _replay(
    at: Integers,
    sums: Integers,
    is_open: Values,
    under: Integers,
    values: Values,
    keys: Integers,
    top: int,
    shape: tuple[int, int, int],
    summed: Widths,
    cleared: Widths,
    least: int,
) -> tuple[Integers, Integers]:
    """Take candidates, which are given in raster order; return which were, and their sums."""
    many = len(at)
    taken, taken_sums = np.empty(many, np.int64), np.empty(many, np.int64)
    found, read, heap = 0, 0, 0
    while read < len(keys) or heap > 0:
        key, read, heap = pop(keys, read, heap)
        one, was = key % many, top - key // many
        now = sums[one]
        if now < least:
            continue
        if now < was:
            heap = push(keys, (top - now) * many + one, heap)
            continue
        taken[found], taken_sums[found] = one, now
        found += 1
        _clear(at[one], at, sums, is_open, under, values, shape, summed, cleared)
    return taken[:found].copy(), taken_sums[:found].copy()


@njit(cache=True, nogil=True)
def _clear(
    place: int,
    at: Integers,
    sums: Integers,
    is_open: Values,
    under: Integers,
    values: Values,
    shape: tuple[int, int, int],
    summed: Widths,
    cleared: Widths,
) -> None:
    """Clear a ball, and subtract from the sums of open candidates what was in it."""
    depth, height, width = shape
    z, y, x = place // (height * width), place // width % height, place % width
    reach_z, reach_y = cleared.shape[0] // 2, cleared.shape[1] // 2
    reach_x = cleared[reach_z, reach_y]
    gone = np.zeros((2 * reach_z + 1, 2 * reach_y + 1, 2 * reach_x + 1), np.uint8)
    some = False
    for w in range(max(z - reach_z, 0), min(z + reach_z + 1, depth)):
        for v in range(max(y - reach_y, 0), min(y + reach_y + 1, height)):
            wide = cleared[w - z + reach_z, v - y + reach_y]
            row = (w * height + v) * width
            last = row + min(x + wide, width - 1)
            i = np.searchsorted(under, row + max(x - wide, 0))
            while wide >= 0 and i < len(under) and under[i] <= last:
                if values[i] > 0:
                    gone[w - z + reach_z, v - y + reach_y, under[i] - row - x + reach_x] = values[i]
                    values[i] = 0
                    some = True
                i += 1
    if not some:
        return
    more_z, more_y = summed.shape[0] // 2, summed.shape[1] // 2
    more_x = summed[more_z, more_y]
    far_z, far_y, far_x = reach_z + more_z, reach_y + more_y, reach_x + more_x
    less = np.zeros((2 * far_z + 1, 2 * far_y + 1, 2 * far_x + 1), np.int32)
    spread(gone, summed, less, (more_z, more_y, more_x), 1)
    for w in range(max(z - far_z, 0), min(z + far_z + 1, depth)):
        for v in range(max(y - far_y, 0), min(y + far_y + 1, height)):
            row = (w * height + v) * width
            last = row + min(x + far_x, width - 1)
            i = np.searchsorted(at, row + max(x - far_x, 0))
            while i < len(at) and at[i] <= last:
                if is_open[i]:
                    sums[i] -= less[w - z + far_z, v - y + far_y, at[i] - row - x + far_x]
                i += 1
