"""How two segmentations overlap: sparse tables of counts, which add up over blocks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiling import njit

Ids = NDArray[np.uint64]
Counts = NDArray[np.int64]

ROWS_AT_ONCE = 2**20
"""Rows that wait at least until they are added to a total."""


class Table(NamedTuple):
    """A sparse contingency table: only pairs that occur, ordered by `a`, then by `b`.

    Attributes
    ----------
    a, b : uint64 array, shape (n,)
        Segments of the two, by pair.
    voxels : int64 array, shape (n,)
        How many voxels are of both.
    """

    a: Ids
    b: Ids
    voxels: Counts

    @property
    def transposed(self) -> Table:
        """The same with `a` and `b` exchanged."""
        order = np.lexsort((self.a, self.b))
        return Table(self.b[order], self.a[order], self.voxels[order])

    def only(self, chosen: NDArray[np.bool_]) -> Table:
        """Return the pairs that are chosen."""
        return Table(self.a[chosen], self.b[chosen], self.voxels[chosen])


def contingency(a: NDArray[Any], b: NDArray[Any]) -> Table:
    """Count the pairs of ids that two arrays have at the same places.

    Takes a pass over runs of equal pairs, 16 bytes a voxel where a type is to be changed, and 24 to
    100 bytes for each pair that occurs.

    Parameters
    ----------
    a, b : array of integers or booleans, the same shape
        Signed ids count by their bits, as 64-bit ones.

    Raises
    ------
    ValueError
        If the shapes differ, or these are no integers.
    """
    if a.shape != b.shape:
        raise ValueError(f"arrays of shapes {a.shape} and {b.shape} have no voxels in common")
    narrow = all(one.dtype.kind in "bu" and one.dtype.itemsize <= 4 for one in (a, b))
    return _sum([_counted(*(_flat(one, narrow) for one in (a, b)))])


def _flat(ids: NDArray[Any], narrow: bool) -> NDArray[Any]:
    if ids.dtype.kind not in "biu":
        raise ValueError(f"voxels of type {ids.dtype.name} are no segment ids")
    flat = np.ascontiguousarray(ids).reshape(-1)
    if narrow:
        return flat.astype(np.uint32, copy=False)
    if ids.dtype.kind == "i":
        return flat.astype(np.int64, copy=False).view(np.uint64)
    return flat.astype(np.uint64, copy=False)


def _counted(a: NDArray[Any], b: NDArray[Any]) -> Table:
    """Return the pairs of two flat arrays, and how often each occurs; in no order."""
    table, at, used = _empty(1 << 12), 0, 0
    while at < len(a):
        at, used = _fill(a, b, at, used, *table)
        if at < len(a):
            larger = _empty(4 * len(table.voxels))
            _move(*table, *larger)
            table = larger
    return table.only(table.voxels > 0)


def _empty(size: int) -> Table:
    return Table(np.zeros(size, np.uint64), np.zeros(size, np.uint64), np.zeros(size, np.int64))


@njit(cache=True, nogil=True)
def _fill(
    a: NDArray[Any], b: NDArray[Any], at: int, used: int, first: Ids, second: Ids, voxels: Counts
) -> tuple[int, int]:
    """Count pairs from a place on, by runs, in a hash table with open addresses, until half full.

    It grows elsewhere: arrays that change within a loop take numba nine times as long.
    Returns the place that was come to, and how many pairs the hash table has.
    """
    most, number = len(voxels) // 2, len(a)
    while at < number and used < most:
        start, u, v = at, a[at], b[at]
        at += 1
        while at < number and a[at] == u and b[at] == v:
            at += 1
        place = _place(first, second, voxels, np.uint64(u), np.uint64(v))
        if voxels[place] == 0:
            first[place], second[place] = u, v
            used += 1
        voxels[place] += at - start
    return at, used


@njit(cache=True, nogil=True)
def _place(first: Ids, second: Ids, voxels: Counts, u: np.uint64, v: np.uint64) -> np.int64:
    """Return where a pair is, or where it is to go."""
    mixed = (u * np.uint64(0x9E3779B97F4A7C15)) ^ (v + np.uint64(0x7F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    last = len(voxels) - 1
    place = np.int64(mixed ^ (mixed >> np.uint64(31))) & last
    while voxels[place] and (first[place] != u or second[place] != v):
        place = (place + 1) & last
    return place


@njit(cache=True, nogil=True)
def _move(a: Ids, b: Ids, counts: Counts, first: Ids, second: Ids, voxels: Counts) -> None:
    """Move what one hash table has to another one."""
    for i in range(len(counts)):
        if counts[i]:
            place = _place(first, second, voxels, a[i], b[i])
            first[place], second[place], voxels[place] = a[i], b[i], counts[i]


def added(tables: Iterable[Table]) -> Table:
    """Add tables of disjoint blocks up, in whatever order they come.

    Takes the memory of the sum, twice, and of 2^20 rows or one table.
    """
    total = _sum([])
    waiting: list[Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += len(table.voxels)
        if rows > max(len(total.voxels), ROWS_AT_ONCE):
            total, waiting, rows = _sum([total, *waiting]), [], 0
    return _sum([total, *waiting])


def _sum(tables: list[Table]) -> Table:
    a, b, voxels = (np.concatenate(columns) for columns in zip(_empty(0), *tables, strict=True))
    order = np.lexsort((b, a))
    a, b, voxels = a[order], b[order], voxels[order]
    starts = firsts(a, b)
    return Table(a[starts], b[starts], totals(voxels, starts))


def firsts(*columns: NDArray[Any]) -> NDArray[np.intp]:
    """Return where rows differ from the one before."""
    new = np.ones(len(columns[0]), bool)
    new[1:] = np.logical_or.reduce([one[1:] != one[:-1] for one in columns])
    return np.flatnonzero(new)


def totals(voxels: Counts, starts: NDArray[np.intp]) -> Counts:
    """Return the sums of what is between starts."""
    return np.add.reduceat(voxels, starts) if len(starts) else voxels


def equal(table: Table) -> bool:
    """Say whether every voxel has the same id in both."""
    return bool(np.array_equal(table.a, table.b))


def same_segments(table: Table) -> bool:
    """Say whether both have the same segments, perhaps under other ids."""
    return len(table.voxels) == len(np.unique(table.a)) == len(np.unique(table.b))
