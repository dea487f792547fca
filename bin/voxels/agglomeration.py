"""Regions of a graph merged by the affinities between them, the strongest first; exactly.

By definition: of all pairs of regions that touch, the one with the highest score is merged, and
what both had in common with a third region is added up; so on, until no score reaches the
threshold. Scores are fractions of whole numbers, which are compared without rounding. Of equal ones
that pair is first which has the first pair of the graph in it, in the order of ids.

Merges down to a threshold are the first of those down to a lower one, so several need one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiling import njit
from .fractions_heap import down, less, remove, up
from .region_graph import BINS, Ids, Integers, RegionGraph

_MOST = 2**62


class Merges(NamedTuple):
    """What was merged, one after the other.

    Attributes
    ----------
    kept, gone : uint64 array, shape (n,)
        The smallest id of each of the two, of which the smaller one is that of both from here on.
    numerator, denominator : int64 array, shape (n,)
        The score: of a mean the sum and the count of affinities, of a quantile the bin and 1.
    until : tuple of int
        By threshold, as these were given: how many of the merges reach it.
    """

    kept: Ids
    gone: Ids
    numerator: Integers
    denominator: Integers
    until: tuple[int, ...]


def agglomerate(
    graph: RegionGraph, thresholds: Sequence[Fraction], quantile: int | None = None
) -> Merges:
    """Merge the regions of a graph down to the lowest of some thresholds.

    Takes about 120 bytes a pair of regions; by quantile 2 KiB.

    Parameters
    ----------
    graph : RegionGraph
    thresholds : sequence of Fraction
        In the unit of affinities, or, by quantile, in bins; in any order.
    quantile : int, optional
        The score is that value, of n in ascending order, which comes after `quantile` percent of
        them, rounded down (0 to 99). Default: the mean.

    Raises
    ------
    ValueError
        If there is no threshold, or one is below 0; the quantile is none; or sums are too large.
    """
    if not thresholds or min(thresholds) < 0:
        raise ValueError("thresholds must be numbers from 0 on, one at least")
    if quantile is not None and not 0 <= quantile < 100:
        raise ValueError(f"quantile {quantile} is none: give a whole number of percent, 0 to 99")
    if max(int(graph.affinity_sum.sum()), 100 * int(graph.edge_count.sum())) > _MOST:
        raise ValueError("the affinities of the graph may not add up in 64 bits")
    low = min(thresholds).limit_denominator(_MOST)
    if low != min(thresholds) or low.numerator > _MOST:
        raise ValueError(f"threshold {min(thresholds)} is no fraction of numbers of 62 bits")
    ids = np.unique(np.concatenate([graph.region, graph.other]))
    ends = np.stack([np.searchsorted(ids, graph.region), np.searchsorted(ids, graph.other)], 1)
    bins = graph.histogram if quantile is not None else np.empty((0, BINS), np.int64)
    merges = _merge(
        ends.astype(np.int64).reshape(-1, 2), len(ids), graph.affinity_sum.copy(),
        graph.edge_count.copy(), bins.copy(), -1 if quantile is None else quantile,
        low.numerator, low.denominator,
    )  # fmt: skip
    kept, gone, numerator, denominator = merges.T
    scores = [Fraction(int(a), int(b)) for a, b in zip(numerator, denominator, strict=True)]
    until = []
    for threshold in thresholds:
        below = (number for number, score in enumerate(scores) if score < threshold)
        until.append(next(below, len(scores)))
    return Merges(ids[kept], ids[gone], numerator, denominator, tuple(until))


def regions_of(ids: Ids, merges: Merges, until: int) -> Ids:
    """Return the region of each id after so many merges: the smallest id in it.

    Parameters
    ----------
    ids : uint64 array, shape (n,)
        In ascending order; those that are in no merge stay as they are.
    merges : Merges
    until : int
    """
    regions = ids.copy()
    kept, gone = (np.searchsorted(ids, side[:until]) for side in (merges.kept, merges.gone))
    parents = np.arange(len(ids))
    parents[gone] = kept  # each is gone once, and smaller ones are kept
    while not np.array_equal(further := parents[parents], parents):
        parents = further
    return regions[parents]


@njit(cache=True, nogil=True)
def _merge(
    ends: Integers,
    n: int,
    sums: Integers,
    counts: Integers,
    bins: Integers,
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
    edge: int, sums: Integers, counts: Integers, bins: Integers, quantile: int
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
