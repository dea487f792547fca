"""What was found, matched with the truth: by the most pairs, and of these by the nearest ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..contingency import Table, firsts, totals

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


DENSE = 2**22
"""Pairs of a cluster, also those that are not allowed, up to which all have a cost in memory."""


class Matches(NamedTuple):
    """Pairs of true and found objects, no object in two of them.

    Attributes
    ----------
    n_truth, n_found : int
        How many objects there are.
    truth, found : int64 array, shape (n,)
        Numbers of the pairs' objects, by those of the truth.
    cost : float64 array, shape (n,)
        How far each pair is apart.
    """

    n_truth: int
    n_found: int
    truth: Integers
    found: Integers
    cost: Floats

    def scores(self) -> dict[str, Any]:
        """Return numbers of objects, and shares: 1 where nothing is wrong.

        Returns
        -------
        dict
            `n_truth`, `n_found`, `true_positives`; `precision` (of what was found, what is true),
            `recall` (of what is true, what was found), `f1`, their harmonic mean.
        """
        true = len(self.truth)
        return {
            "n_truth": self.n_truth,
            "n_found": self.n_found,
            "true_positives": true,
            "precision": true / self.n_found if self.n_found else 1.0,
            "recall": true / self.n_truth if self.n_truth else 1.0,
            "f1": 2 * true / (self.n_truth + self.n_found) if self.n_truth + self.n_found else 1.0,
        }


def match_points(
    truth_zyx: NDArray[Any],
    found_zyx: NDArray[Any],
    distance_nm: float,
    voxel_size_nm: Sequence[float] = (1.0, 1.0, 1.0),
) -> Matches:
    """Match points that are at most so far apart.

    Parameters
    ----------
    truth_zyx, found_zyx : array, shape (n, 3) and (m, 3)
    distance_nm : float
    voxel_size_nm : sequence of 3 float
        Unit of the points, ZYX.

    Returns
    -------
    Matches
        Costs are distances (nm).

    Raises
    ------
    ValueError
        If a point is no number, or the distance is not above 0.
    """
    from scipy.spatial import cKDTree

    if not 0 < distance_nm < np.inf:
        raise ValueError(f"points are matched up to {distance_nm} nm: give a distance above 0")
    points = [
        np.asarray(each, np.float64).reshape(-1, 3) * np.asarray(voxel_size_nm, np.float64)
        for each in (truth_zyx, found_zyx)
    ]
    if not all(np.isfinite(each).all() for each in points):
        raise ValueError("points to be matched must have three finite coordinates each")
    # a little farther, and then exactly
    near = cKDTree(points[0]).query_ball_tree(cKDTree(points[1]), distance_nm * (1 + 1e-9))
    first = np.repeat(np.arange(len(near)), [len(each) for each in near])
    second = np.array([one for each in near for one in each], np.int64)
    apart = np.sqrt(((points[0][first] - points[1][second]) ** 2).sum(axis=1))
    close = apart <= distance_nm
    pairs = first[close], second[close], apart[close] / distance_nm
    matches = _most_pairs(len(points[0]), len(points[1]), *pairs)
    return matches._replace(cost=matches.cost * distance_nm)


def match_labels(table: Table, least: float = 0.5) -> Matches:
    """Match segments by their overlap: voxels that both have, as a share of those that any has.

    Parameters
    ----------
    table : Table
        Of the truth and what was found; 0 is no segment.
    least : float
        The smallest share of a pair, above 0.

    Returns
    -------
    Matches
        Costs are 1 - overlap; objects are numbered by their ids.

    Raises
    ------
    ValueError
        If the share is not above 0, or above 1.
    """
    if not 0 < least <= 1:
        raise ValueError(
            f"segments are matched from an overlap of {least} on: give a share above 0"
        )
    sizes, numbers = [], []
    for one in (table, table.transposed):
        starts = firsts(one.a)
        sizes.append(
            dict(zip(one.a[starts].tolist(), totals(one.voxels, starts).tolist(), strict=True))
        )
        numbers.append({name: at for at, name in enumerate(name for name in sizes[-1] if name)})
    both = table.only((table.a != 0) & (table.b != 0))
    a, b = both.a.tolist(), both.b.tolist()
    any_of = np.array([sizes[0][i] + sizes[1][j] for i, j in zip(a, b, strict=True)], np.int64)
    overlap = both.voxels / np.maximum(any_of - both.voxels, 1)
    close = overlap >= least
    rows = np.array([numbers[0][one] for one in a], np.int64)[close]
    columns = np.array([numbers[1][one] for one in b], np.int64)[close]
    return _most_pairs(len(numbers[0]), len(numbers[1]), rows, columns, 1 - overlap[close])


def _most_pairs(
    n_truth: int, n_found: int, rows: Integers, columns: Integers, cost: Floats
) -> Matches:
    """Match as many as can be, and of all such ways by the smallest sum of costs, from 0 to 1.

    The graph of pairs that are allowed falls into clusters, which are matched each by itself.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    many = n_truth + n_found
    graph = coo_array((np.ones(len(rows), np.int8), (rows, n_truth + columns)), (many, many))
    _, cluster = connected_components(graph, directed=False)
    order = np.lexsort((columns, rows, cluster[rows]))
    rows, columns, cost = rows[order], columns[order], cost[order]
    starts = np.flatnonzero(np.diff(cluster[rows], prepend=-1))
    ends = np.append(starts, len(rows))[1:]
    chosen = np.zeros(len(rows), np.bool_)
    chosen[starts[ends - starts == 1]] = True
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end - start > 1:
            chosen[start:end] = _of_cluster(rows[start:end], columns[start:end], cost[start:end])
    rows, columns, cost = rows[chosen], columns[chosen], cost[chosen]
    order = np.argsort(rows)
    return Matches(n_truth, n_found, rows[order], columns[order], cost[order])


def _of_cluster(rows: Integers, columns: Integers, cost: Floats) -> NDArray[np.bool_]:
    """Tell which pairs of a cluster are chosen."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    _, i = np.unique(rows, return_inverse=True)
    _, j = np.unique(columns, return_inverse=True)
    shape = int(i.max()) + 1, int(j.max()) + 1
    dear = float(len(rows) + 1)  # more than all that is allowed could cost
    partner = np.full(shape[0], -1)
    if shape[0] * shape[1] <= DENSE:
        costs = np.full(shape, dear)
        costs[i, j] = cost
        pairs: Sequence[NDArray[Any]] = linear_sum_assignment(costs)
    else:
        # each row may also have a column of its own; a cost of 0 would be no pair
        alone = np.arange(shape[0])
        costs = np.concatenate([cost + 1, np.full(shape[0], dear + 1)])
        places = np.concatenate([i, alone]), np.concatenate([j, shape[1] + alone])
        whole = csr_array((costs, places), (shape[0], shape[1] + shape[0]))
        pairs = min_weight_full_bipartite_matching(whole)
    partner[pairs[0]] = pairs[1]
    return np.asarray(partner[i] == j)
