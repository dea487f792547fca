"""The loops over a block's voxels that find the edges between its regions, compiled.

Tables grow elsewhere: arrays that change within a loop take numba nine times as long. So a loop
goes from row to row along x, and returns where it came to before a table is more than half full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiling import njit

Integers = NDArray[np.int64]
Numbers = NDArray[np.uint32]


@njit(cache=True, nogil=True)
def number(
    regions: NDArray[np.unsignedinteger[Any]],
    offset: tuple[int, int, int],
    row: int,
    used: int,
    slots: Integers,
    ids: NDArray[np.uint64],
    counts: Integers,
    numbers: Numbers,
) -> tuple[int, int]:
    """Give numbers to the ids of rows, in the order in which they come, and 0 to 0.

    Parameters
    ----------
    regions, numbers : array, shape (Z, Y, X)
        Ids; is filled with their numbers.
    offset : tuple of 3 int
        From where on voxels are counted.
    row, used : int
        The first row, and how many ids have numbers before it.
    slots : int64 array
        A table of numbers with open addresses; -1 where none is.
    ids, counts : array
        By number: ids; voxels.

    Returns
    -------
    row, used : int
        Where there was no more room.
    """
    depth, height, width = regions.shape
    while row < depth * height and 2 * (used + width) <= len(slots):
        z, y = row // height, row % height
        here, above, before = regions[z, y], regions[z, max(y - 1, 0)], regions[max(z - 1, 0), y]
        own = numbers[z, y]
        known_above, known_before = numbers[z, max(y - 1, 0)], numbers[max(z - 1, 0), y]
        first = offset[2] if z >= offset[0] and y >= offset[1] else width
        for x in range(width):
            if x > 0 and here[x] == here[x - 1]:
                which = own[x - 1]
            elif y > 0 and here[x] == above[x]:
                which = known_above[x]
            elif z > 0 and here[x] == before[x]:
                which = known_before[x]
            else:
                at = _slot_of(slots, ids, np.uint64(here[x]))
                if slots[at] < 0:
                    slots[at] = used
                    ids[used] = here[x]
                    used += 1
                which = np.uint32(slots[at])
            own[x] = which
            if x >= first:
                counts[which] += 1
        row += 1
    return row, used


@njit(cache=True, nogil=True)
def place(ids: NDArray[np.uint64], used: int, slots: Integers) -> None:
    """Fill an empty table of the numbers of ids."""
    for which in range(used):
        slots[_slot_of(slots, ids, ids[which])] = which


@njit(cache=True, nogil=True, inline="always")
def _slot_of(slots: Integers, ids: NDArray[np.uint64], one: np.uint64) -> Any:
    mask = len(slots) - 1
    mixed = one * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(24)) & mask
    while slots[at] >= 0 and ids[slots[at]] != one:
        at = at + 1 & mask
    return at


@njit(cache=True, nogil=True)
def faces(numbers: Numbers, offset: tuple[int, int, int], axis: int) -> int:
    """Count the edges along an axis whose voxels are of two regions; `edges` says which."""
    depth, height, width = numbers.shape
    found = 0
    z0, y0, x0 = _firsts(offset, axis)
    for z in range(z0, depth):
        for y in range(y0, height):
            here = numbers[z, y]
            there = numbers[z - 1, y] if axis == 0 else numbers[z, y - 1] if axis == 1 else here
            back = 1 if axis == 2 else 0
            for x in range(x0, width):
                one, other = here[x], there[x - back]
                found += one != other and one != 0 and other != 0
    return found


@njit(cache=True, nogil=True, inline="always")
def _firsts(offset: tuple[int, int, int], axis: int) -> tuple[int, int, int]:
    """Return the first voxel of a block that has one before it along an axis."""
    z0, y0, x0 = offset
    if axis == 0:
        return max(z0, 1), y0, x0
    if axis == 1:
        return z0, max(y0, 1), x0
    return z0, y0, max(x0, 1)


@njit(cache=True, nogil=True)
def edges(
    numbers: Numbers,
    affinities: NDArray[np.unsignedinteger[Any]],
    offset: tuple[int, int, int],
    axis: int,
    shift: int,
    row: int,
    used: int,
    filled: int,
    table: Integers,
    sums: Integers,
    owners: Numbers,
    bins: NDArray[np.uint8],
) -> tuple[int, int, int]:
    """Add up the edges of rows, along an axis, by the pair of regions that they are between.

    Parameters
    ----------
    numbers : uint32 array, shape (Z, Y, X)
        Of the block and, where `offset` is 1, of a plane before it.
    affinities : uint8 or uint16 array
        Of the block.
    offset : tuple of 3 int
    axis, shift : int
        By how many bits affinities are wider than bins.
    row, used, filled : int
        The first row of the block; how many pairs, and edges, there are before.
    table : int64 array, shape (m, 2)
        Of pairs, with open addresses: both regions in one number, or -1; and the pair's number.
    sums : int64 array, shape (m / 2, 3)
        By pair: sum, count and maximum.
    owners, bins : array
        By edge: its pair; the upper 8 bits.

    Returns
    -------
    row, used, filled : int
        Where there was no more room.
    """
    depth, height, width = affinities.shape
    dz, dy, dx = offset
    z0, y0, x0 = _firsts(offset, axis)
    back = 1 if axis == 2 else 0
    mask = len(table) - 1
    while row < depth * height and 2 * (used + width) <= len(table):
        z, y = row // height, row % height
        row += 1
        w, v = z + dz, y + dy
        if w < z0 or v < y0:
            continue
        here = numbers[w, v]
        there = numbers[w - 1, v] if axis == 0 else numbers[w, v - 1] if axis == 1 else here
        last, pair = np.int64(-1), np.int64(0)
        for x in range(x0, dx + width):
            one, other = np.int64(here[x]), np.int64(there[x - back])
            if one == other or one == 0 or other == 0:
                continue
            key = min(one, other) << 32 | max(one, other)
            if key != last:
                at = _mixed(key) & mask
                while table[at, 0] != -1 and table[at, 0] != key:
                    at = at + 1 & mask
                if table[at, 0] == -1:
                    table[at, 0], table[at, 1] = key, used
                    used += 1
                last, pair = key, table[at, 1]
            edge = np.int64(affinities[z, y, x - dx])
            sums[pair, 0] += edge
            sums[pair, 1] += 1
            sums[pair, 2] = max(sums[pair, 2], edge)
            owners[filled] = pair
            bins[filled] = edge >> shift
            filled += 1
    return row, used, filled


@njit(cache=True, nogil=True)
def move(table: Integers, larger: Integers) -> None:
    """Move the pairs of a table into a larger, empty one."""
    mask = len(larger) - 1
    for entry in range(len(table)):
        if table[entry, 0] != -1:
            at = _mixed(table[entry, 0]) & mask
            while larger[at, 0] != -1:
                at = at + 1 & mask
            larger[at] = table[entry]


@njit(cache=True, nogil=True, inline="always")
def _mixed(key: np.int64) -> Any:
    return np.int64(np.uint64(key) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(24))


@njit(cache=True, nogil=True)
def histograms(
    owners: Numbers,
    bins: NDArray[np.uint8],
    starts: Integers,
    ordered: NDArray[np.uint8],
    bin_count: Integers,
    edge_count: Numbers,
) -> int:
    """Count the bins of pairs' edges; return how many of them, of all pairs, are not empty.

    Parameters
    ----------
    owners, bins : array, shape (n,)
        By edge: its pair; its bin.
    starts : int64 array, shape (m + 1,)
        By pair, where its edges begin in `ordered`, and where all end.
    ordered : uint8 array, shape (n,)
        Is filled: first with bins by pair, then with those that are not empty, one after the other.
    bin_count : int64 array, shape (m,)
        Is filled: by pair, how many these are.
    edge_count : uint32 array, shape (n,)
        Is filled: of each of these, how many edges there are.
    """
    at = starts[:-1].copy()
    for edge in range(len(owners)):
        owner = owners[edge]
        ordered[at[owner]] = bins[edge]
        at[owner] += 1
    counts = np.zeros(256, np.uint32)
    found = 0
    for pair in range(len(bin_count)):
        low: Any = 255
        high: Any = 0
        for edge in range(starts[pair], starts[pair + 1]):
            one: Any = np.int64(ordered[edge])
            counts[one] += 1
            low, high = min(low, one), max(high, one)
        before = found
        for one in range(low, high + 1):
            if counts[one]:
                ordered[found], edge_count[found] = one, counts[one]
                counts[one] = 0
                found += 1
        bin_count[pair] = found - before
    return found


def compile_all(voxels: Numbers) -> None:
    """Compile what there is, of voxels that are 0."""
    slots, ids, counts = np.full(2**8, -1), np.zeros(2**7, np.uint64), np.zeros(2**7, np.int64)
    table, sums = np.full((2**8, 2), -1), np.zeros((2**7, 3), np.int64)
    owners, bins = np.zeros(0, np.uint32), np.zeros(0, np.uint8)
    whole = (0, 0, 0)
    place(ids, 1, slots)
    for dtype in ("uint32", "uint64"):
        number(voxels.astype(dtype), whole, 0, 1, slots, ids, counts, voxels.copy())
    faces(voxels, whole, 0)
    for dtype in ("uint8", "uint16"):
        edges(voxels, voxels.astype(dtype), whole, 0, 0, 0, 0, 0, table, sums, owners, bins)
    move(table, table.copy())
    histograms(owners, bins, counts[:1], bins, counts[:0], owners)
