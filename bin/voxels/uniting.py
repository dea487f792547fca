"""The loop that merges the regions of a graph, compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiling import njit
from .fractions_heap import down, less, remove, up

Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def merge(
    ends: Integers,
    n: int,
    sums: Integers,
    counts: Integers,
    bins: NDArray[np.integer[Any]],
    quantile: int,
    numerator: int,
    denominator: int,
) -> Integers:
    """Return rows of region kept, region gone, numerator and denominator of the score.

    Regions are places in a list of ids. Two that are merged go on in the place of the one that has
    more pairs, so that only those of the other one are walked through.
    """
    n_edges = len(ends)
    score, over = np.empty(n_edges, np.int64), np.empty(n_edges, np.int64)
    first, last = np.full(n, -1), np.full(n, -1)  # a list of pairs for each region
    following = np.full(2 * n_edges, -1)
    pairs = np.zeros(n, np.int64)
    smallest = np.arange(n)
    for edge in range(n_edges):
        score[edge], over[edge] = _score(edge, sums, counts, bins, quantile)
        for side in range(2):
            _append(ends[edge, side], 2 * edge + side, first, last, following)
            pairs[ends[edge, side]] += 1
    keys, values = _table(ends, np.ones(n_edges, np.bool_), 4 * n_edges + 8)
    filled: Any = n_edges
    heap, place = np.arange(n_edges), np.arange(n_edges)
    for at in range(n_edges // 2 - 1, -1, -1):
        down(heap, place, n_edges, at, score, over)
    alive = np.ones(n_edges, np.bool_)
    size, merged = n_edges, 0
    rows = np.empty((max(n - 1, 0), 4), np.int64)
    while size:
        edge = heap[0]
        if less(score[edge], over[edge], numerator, denominator):
            break
        size = remove(heap, place, size, 0, score, over)
        alive[edge] = False
        into, small = ends[edge, 0], ends[edge, 1]
        if pairs[small] > pairs[into]:
            into, small = small, into
        one, other = smallest[into], smallest[small]
        rows[merged] = min(one, other), max(one, other), score[edge], over[edge]
        smallest[into] = min(one, other)
        merged += 1
        slot = first[small]
        while slot >= 0:
            own, side = slot >> 1, slot & 1
            slot = following[slot]
            if not alive[own]:
                continue
            ends[own, side] = into
            third = ends[own, 1 - side]
            at = _find(keys, into, third)
            if keys[at] == -1:
                keys[at], values[at] = _key(into, third), own
                filled += 1
                pairs[into] += 1
                if 2 * filled > len(keys):
                    keys, values = _table(ends, alive, len(keys))
                    filled = np.int64(np.count_nonzero(keys >= 0))
                continue
            stays, goes = min(own, values[at]), max(own, values[at])
            values[at] = stays
            alive[goes] = False
            size = remove(heap, place, size, place[goes], score, over)
            sums[stays] += sums[goes]
            counts[stays] += counts[goes]
            if quantile >= 0:
                bins[stays] += bins[goes]
            score[stays], over[stays] = _score(stays, sums, counts, bins, quantile)
            up(heap, place, place[stays], score, over)
            down(heap, place, size, place[stays], score, over)
        if first[small] >= 0:
            if first[into] < 0:
                first[into] = first[small]
            else:
                following[last[into]] = first[small]
            last[into] = last[small]
    return rows[:merged].copy()


@njit(cache=True, nogil=True)
def _score(
    edge: int, sums: Integers, counts: Integers, bins: NDArray[np.integer[Any]], quantile: int
) -> tuple[int, int]:
    if quantile < 0:
        return sums[edge], counts[edge]
    before, seen = quantile * counts[edge] // 100, 0
    for value in range(bins.shape[1]):
        seen += bins[edge, value]
        if seen > before:
            return value, 1
    return 0, 1


@njit(cache=True, nogil=True)
def _append(region: int, slot: int, first: Integers, last: Integers, following: Integers) -> None:
    if first[region] < 0:
        first[region] = slot
    else:
        following[last[region]] = slot
    last[region] = slot


@njit(cache=True, nogil=True)
def _key(one: int, other: int) -> int:
    return min(one, other) << 32 | max(one, other)


@njit(cache=True, nogil=True)
def _find(keys: Integers, one: int, other: int) -> Any:
    """Return the place of a pair in a table with open addresses, or that where it would be."""
    key, mask = _key(one, other), len(keys) - 1
    at = key * 0x9E3779B97F4A7C1 >> 20 & mask
    while keys[at] != -1 and keys[at] != key:
        at = at + 1 & mask
    return at


@njit(cache=True, nogil=True)
def _table(ends: Integers, alive: NDArray[np.bool_], least: int) -> tuple[Integers, Integers]:
    """Return which edge is between two regions, of those that are there, by open addresses."""
    room = 8
    while room < least:
        room *= 2
    keys, values = np.full(room, -1), np.zeros(room, np.int64)
    for edge in range(len(ends)):
        if alive[edge]:
            at = _find(keys, ends[edge, 0], ends[edge, 1])
            keys[at], values[at] = _key(ends[edge, 0], ends[edge, 1]), edge
    return keys, values


@njit(cache=True, nogil=True)
def first_below(score: Integers, over: Integers, numerator: int, denominator: int) -> int:
    """Return the place of the first fraction that is less than another one; the end, if none is."""
    for at in range(len(score)):
        if less(score[at], over[at], numerator, denominator):
            return at
    return len(score)


def compile_all() -> None:
    """Compile what there is."""
    none = np.zeros(0, np.int64)
    merge(np.zeros((0, 2), np.int64), 0, none, none, np.zeros((0, 256), np.uint32), -1, 0, 1)
    first_below(none, none, 0, 1)
