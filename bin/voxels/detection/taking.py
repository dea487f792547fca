"""Spheres are taken one after the other: the loops over a block's voxels."""

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .balls import Widths
from .queue import Keys, pop, push
from .sums import spread

Integers = NDArray[np.int64]
Values = NDArray[np.uint8]

CLEAN, UNCERTAIN, OPEN = 0, 1, 2
"""What a voxel is: if it is taken while uncertain, it is open."""


@njit(cache=True, nogil=True)
def keys_of(
    sums: NDArray[np.int32],
    place: tuple[int, int, int],
    shape: tuple[int, int, int],
    least: int,
    top: int,
) -> Keys:
    """Return a key of each voxel whose sum is large enough: by its sum, down, and raster up."""
    number = 0
    for z in range(sums.shape[0]):
        for y in range(sums.shape[1]):
            for x in range(sums.shape[2]):
                number += sums[z, y, x] >= least
    keys = np.empty(number, np.int64)
    voxels, number = shape[0] * shape[1] * shape[2], 0
    for z in range(sums.shape[0]):
        for y in range(sums.shape[1]):
            row = ((place[0] + z) * shape[1] + place[1] + y) * shape[2] + place[2]
            for x in range(sums.shape[2]):
                if sums[z, y, x] >= least:
                    keys[number] = np.int64(top - sums[z, y, x]) * voxels + row + x
                    number += 1
    return keys


@njit(cache=True, nogil=True)
def take(
    values: Values,
    sums: NDArray[np.int32],
    state: NDArray[np.uint8],
    keys: Keys,
    top: int,
    summed: Widths,
    cleared: Widths,
    reach: Widths,
    least: int,
) -> tuple[Integers, Integers]:
    """Take voxels in order; return the places of those that are certain, and their sums."""
    voxels, plane, width = sums.size, sums.shape[1] * sums.shape[2], sums.shape[2]
    places, taken = np.empty((64, 3), np.int64), np.empty(64, np.int64)
    found, read, heap = 0, 0, 0
    while read < len(keys) or heap > 0:
        key, read, heap = pop(keys, read, heap)
        at, was = key % voxels, top - key // voxels
        z, y, x = at // plane, at // width % sums.shape[1], at % width
        now = sums[z, y, x]
        if now < least:
            continue
        if now < was:
            heap = push(keys, (top - now) * voxels + at, heap)
        elif state[z, y, x] == CLEAN:
            if found == len(taken):
                places = np.concatenate((places, np.empty_like(places)))
                taken = np.concatenate((taken, np.empty_like(taken)))
            places[found, 0], places[found, 1], places[found, 2] = z, y, x
            taken[found] = now
            found += 1
            _clear(values, sums, z, y, x, summed, cleared)
        else:
            _open(state, z, y, x, reach)
    return places[:found].copy(), taken[:found].copy()


@njit(cache=True, nogil=True)
def _clear(
    values: Values,
    sums: NDArray[np.int32],
    z: int,
    y: int,
    x: int,
    summed: Widths,
    cleared: Widths,
) -> None:
    """Clear a ball, and subtract from all sums what was in it."""
    reach_z, reach_y = cleared.shape[0] // 2, cleared.shape[1] // 2
    reach_x = cleared[reach_z, reach_y]
    z0, z1 = max(z - reach_z, 0), min(z + reach_z + 1, values.shape[0])
    y0, y1 = max(y - reach_y, 0), min(y + reach_y + 1, values.shape[1])
    x0, x1 = max(x - reach_x, 0), min(x + reach_x + 1, values.shape[2])
    gone = np.zeros((z1 - z0, y1 - y0, x1 - x0), np.uint8)
    for w in range(z0, z1):
        for v in range(y0, y1):
            wide = cleared[w - z + reach_z, v - y + reach_y]
            for u in range(max(x - wide, 0), min(x + wide + 1, values.shape[2])):
                gone[w - z0, v - y0, u - x0] = values[w, v, u]
                values[w, v, u] = 0
    spread(gone, summed, sums, (z0, y0, x0), -1)


@njit(cache=True, nogil=True)
def _open(state: NDArray[np.uint8], z: int, y: int, x: int, reach: Widths) -> None:
    """Make a voxel open, and all within reach uncertain.

    Where a neighbour is open already, what is within its reach is known to be.
    """
    depth, height, width = state.shape
    reach_z, reach_y = reach.shape[0] // 2, reach.shape[1] // 2
    state[z, y, x] = OPEN
    dz, dy, dx = 0, 0, 0
    if x > 0 and state[z, y, x - 1] == OPEN:
        dx = -1
    elif x + 1 < width and state[z, y, x + 1] == OPEN:
        dx = 1
    elif y > 0 and state[z, y - 1, x] == OPEN:
        dy = -1
    elif y + 1 < height and state[z, y + 1, x] == OPEN:
        dy = 1
    elif z > 0 and state[z - 1, y, x] == OPEN:
        dz = -1
    elif z + 1 < depth and state[z + 1, y, x] == OPEN:
        dz = 1
    known = dz != 0 or dy != 0 or dx != 0
    for w in range(max(z - reach_z, 0), min(z + reach_z + 1, depth)):
        for v in range(max(y - reach_y, 0), min(y + reach_y + 1, height)):
            wide = reach[w - z + reach_z, v - y + reach_y]
            if wide < 0:
                continue
            theirs = np.int64(-1)  # as wide is the neighbour's reach there
            from_z, from_y = w - z - dz + reach_z, v - y - dy + reach_y
            if known and 0 <= from_z < reach.shape[0] and 0 <= from_y < reach.shape[1]:
                theirs = reach[from_z, from_y]
            for u in range(max(x - wide, 0), min(x + wide + 1, x + dx - theirs, width)):
                if state[w, v, u] == CLEAN:
                    state[w, v, u] = UNCERTAIN
            for u in range(max(x - wide, x + dx + theirs + 1, 0), min(x + wide + 1, width)):
                if state[w, v, u] == CLEAN:
                    state[w, v, u] = UNCERTAIN
