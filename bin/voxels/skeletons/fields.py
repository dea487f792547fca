"""Distances in a component of a segment: to its boundary, and from one of its voxels. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .rows import AROUND, ON_Y, ON_Z, Numbers, Voxels, around

NEVER = np.inf


@njit(cache=True, nogil=True)
def to_boundary(voxels: Voxels, size: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return each voxel's distance to the nearest that is not of the component, middle to middle.

    Along x, y, z one after the other, each a lower envelope of parabolas: P. F. Felzenszwalb and
    D. P. Huttenlocher, Theory of Computing 8 (2012) 415. What is beside a line of voxels is 0, so
    only voxels of the component are looked at.
    """
    places, n_voxels = voxels.places, len(voxels.runs)
    squares = np.empty(n_voxels, np.float64)
    for run in range(len(places) - 1):
        x0, x1, shift = places[run, 1], places[run, 2], places[run, 3]
        for x in range(x0, x1):
            side = min(x - x0 + 1, x1 - x) * size[2]
            squares[x + shift] = side * side
    following = np.empty(n_voxels, np.int32)
    longest = 64
    line, own = np.empty(longest, np.int32), np.empty(longest + 2, np.float64)
    vertex, start = np.empty(longest + 2, np.int64), np.empty(longest + 3, np.float64)
    for axis in (1, 0):
        begins = _follow(voxels, ON_Y if axis else ON_Z, following)
        for voxel in range(n_voxels):
            if not begins[voxel]:
                continue
            length, at = 0, voxel
            while at >= 0:
                if length == longest:
                    longest *= 2
                    longer = np.empty(longest, np.int32)
                    longer[:length] = line[:length]
                    line, own = longer, np.empty(longest + 2, np.float64)
                    vertex = np.empty(longest + 2, np.int64)
                    start = np.empty(longest + 3, np.float64)
                line[length] = at
                length += 1
                at = following[at]
            _envelope(line, length, squares, size[axis] * size[axis], own, vertex, start)
    distances = np.empty(n_voxels, np.float32)
    for voxel in range(n_voxels):
        distances[voxel] = np.sqrt(squares[voxel])
    return distances


@njit(cache=True, nogil=True)
def _follow(voxels: Voxels, which: int, following: Numbers) -> Any:
    """Fill the voxel that follows each one in the row beside; return which follow none."""
    places, beside = voxels.places, voxels.beside
    begins = np.ones(len(following), np.bool_)
    following[:] = -1
    for run in range(len(beside)):
        other = beside[run, which]
        if other < 0:
            continue
        row = places[other, 0]
        while places[other, 0] == row and places[other, 1] < places[run, 2]:
            start = max(places[run, 1], places[other, 1])
            for x in range(start, min(places[run, 2], places[other, 2])):
                there = x + places[other, 3]
                following[x + places[run, 3]] = there
                begins[there] = False
            other += 1
    return begins


@njit(cache=True, nogil=True)
def _envelope(
    line: Numbers,
    length: int,
    squares: NDArray[np.float64],
    unit: float,
    own: NDArray[np.float64],
    vertex: NDArray[np.int64],
    start: NDArray[np.float64],
) -> None:
    """Lower the squares of a line's voxels to what is nearest along it; 0 before and behind."""
    own[0] = own[length + 1] = 0.0
    for at in range(length):
        own[at + 1] = squares[line[at]]
    last = 0
    vertex[0], start[0], start[1] = 0, -NEVER, NEVER
    for at in range(1, length + 2):
        while True:
            low = vertex[last]
            meet = (own[at] - own[low]) / (2 * unit * (at - low)) + (at + low) / 2
            if meet > start[last]:
                break
            last -= 1
        last += 1
        vertex[last], start[last], start[last + 1] = at, meet, NEVER
    which = 0
    for at in range(1, length + 1):
        while start[which + 1] < at:
            which += 1
        away = at - vertex[which]
        squares[line[at - 1]] = own[vertex[which]] + away * away * unit


@njit(cache=True, nogil=True)
def step_lengths(size: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the length of each step that `around` tells of."""
    lengths = np.empty(8, np.float64)
    for step in range(8):
        x, y, z = (step & 1) * size[2], (step >> 1 & 1) * size[1], (step >> 2) * size[0]
        lengths[step] = np.sqrt(x * x + y * y + z * z)
    return lengths


@njit(cache=True, nogil=True)
def from_voxel(
    first: int, voxels: Voxels, size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], Numbers]:
    """Return each voxel's distance from one, in steps between voxels that touch, and their order.

    The order is that of the distances, but for differences below the shortest side of a voxel.
    """
    n = len(voxels.runs)
    distances, order = np.full(n, NEVER), np.empty(n, np.int32)
    sources, starts = np.array([first], np.int32), np.zeros(1)
    from_voxels(sources, starts, NEVER, distances, voxels, size, order)
    return distances, order


@njit(cache=True, nogil=True)
def from_voxels(
    sources: Numbers,
    starts: NDArray[np.float64],
    most: float,
    distances: NDArray[np.float64],
    voxels: Voxels,
    size: NDArray[np.float64],
    order: Numbers,
) -> None:
    """Lower the distances of voxels to what they are from any of the sources, if not above `most`.

    `starts` are the distances of these. `order` gets the voxels, if it is not empty. Voxels are in
    lists by distance, which are narrower than a step is long: so all in the nearest one are settled
    (E. V. Denardo and B. L. Fox, Operations Research 27 (1979) 161).
    """
    lengths = step_lengths(size)
    share = 1 / (0.99 * size.min())
    heads = np.full(int((lengths[7] + starts.max()) * share) + 3, -1, np.int32)
    entries, pool = np.empty((256, 2), np.int32), np.array([-1, 0])
    found, steps = np.empty(AROUND, np.int32), np.empty(AROUND, np.uint8)
    waiting = done = now = 0
    for at in range(len(sources)):
        if starts[at] < distances[sources[at]]:
            distances[sources[at]] = starts[at]
            entries = put(sources[at], int(starts[at] * share), heads, entries, pool)
            waiting += 1
    while waiting:
        entry = heads[now % len(heads)]
        if entry < 0:
            now += 1
            continue
        voxel: Any = entries[entry, 0]
        take(entry, now % len(heads), heads, entries, pool)
        waiting -= 1
        here = distances[voxel]
        if int(here * share) != now:
            continue  # it was lowered, and taken from another list
        if done < len(order):
            order[done] = voxel
            done += 1
        for one in range(around(voxel, voxels, found, steps)):
            there, far = found[one], here + lengths[steps[one]]
            old = distances[there]
            if far >= old or far > most:
                continue
            distances[there] = far
            into = int(far * share)
            if old == NEVER or int(old * share) != into:
                entries = put(there, into % len(heads), heads, entries, pool)
                waiting += 1


@njit(cache=True, nogil=True)
def put(
    voxel: int, into: int, heads: Numbers, entries: Numbers, pool: NDArray[np.int64]
) -> Numbers:
    """Put a voxel into a list; return all lists' entries: a voxel, and which is behind it.

    `pool` has the first entry that is free, and how many there are.
    """
    entry = pool[0]
    if entry >= 0:
        pool[0] = entries[entry, 1]
    else:
        entry = pool[1]
        pool[1] += 1
        if entry == len(entries):
            longer = np.empty((2 * len(entries), 2), np.int32)
            longer[: len(entries)] = entries
            entries = longer
    entries[entry, 0], entries[entry, 1] = voxel, heads[into]
    heads[into] = entry
    return entries


@njit(cache=True, nogil=True)
def take(
    entry: int, out_of: int, heads: Numbers, entries: Numbers, pool: NDArray[np.int64]
) -> None:
    """Take the first entry out of a list."""
    heads[out_of] = entries[entry, 1]
    entries[entry, 1] = pool[0]
    pool[0] = entry
