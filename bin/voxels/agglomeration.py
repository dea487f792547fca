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
from typing import NamedTuple

import numpy as np

from .region_graph import BINS, Ids, Integers, RegionGraph
from .uniting import first_below, merge

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

    Takes about 120 bytes a pair of regions; by quantile 1 KiB.

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
        If there is no threshold, or one is below 0; the quantile is none; or the graph, or what
        its affinities add up to, is too large.
    """
    if not thresholds or min(thresholds) < 0:
        raise ValueError("thresholds must be numbers from 0 on, one at least")
    if quantile is not None and not 0 <= quantile < 100:
        raise ValueError(f"quantile {quantile} is none: give a whole number of percent, 0 to 99")
    if max(int(graph.affinity_sum.sum()), 100 * int(graph.edge_count.sum())) > _MOST:
        raise ValueError("the affinities of the graph may not add up in 64 bits")
    low = _terms(min(thresholds))
    ids = np.unique(np.concatenate([graph.region, graph.other]))
    if len(ids) >= 2**31:
        raise ValueError("a graph of 2^31 regions or more is too large: choose a smaller cutout")
    ends = np.stack([np.searchsorted(ids, graph.region), np.searchsorted(ids, graph.other)], 1)
    bins = graph.histogram() if quantile is not None else np.empty((0, BINS), np.uint32)
    merges = merge(
        ends.astype(np.int64).reshape(-1, 2), len(ids), graph.affinity_sum.copy(),
        graph.edge_count.copy(), bins, -1 if quantile is None else quantile, *low,
    )  # fmt: skip
    kept, gone, numerator, denominator = merges.T.copy()
    until = (first_below(numerator, denominator, *_terms(one)) for one in thresholds)
    return Merges(ids[kept], ids[gone], numerator, denominator, tuple(until))


def _terms(threshold: Fraction) -> tuple[int, int]:
    """Return numerator and denominator, if 64 bits hold them."""
    if max(threshold.numerator, threshold.denominator) > _MOST:
        raise ValueError(f"threshold {threshold} is no fraction of numbers of 62 bits")
    return threshold.numerator, threshold.denominator


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
