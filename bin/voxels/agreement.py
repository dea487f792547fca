"""How much two segmentations differ, by how they overlap: exactly, and as the field measures it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contingency import Counts, Ids, Table, firsts, totals

NUMBERS = "voxels", "segments_a", "segments_b"
ERRORS = "vi_split_bits", "vi_merge_bits", "vi_bits", "vi_nats", "adapted_rand_error"
SHARES = "precision", "recall", "rand_index"
"""What `measures` tells: of equal segmentations, errors are 0, and shares 1."""

SHOWN = 10
"""Segments that are listed, and parts of each."""


def measures(table: Table, background: str = "ignore") -> dict[str, Any]:
    """Tell how much two segmentations differ, the first taken for the truth.

    Sums are of whole numbers, and logarithms are added without rounding, so the same table gives
    the same values however it was put together. They are those of `skimage.metrics`
    (`variation_of_information`, `adapted_rand_error`), with two exceptions. Precision and recall
    are what its documentation says: it returns them the other way round (its issue 6485). And
    where there are no pairs, of which it says NaN, nothing is wrong.

    Parameters
    ----------
    table : Table
    background : {"ignore", "keep"}
        Whether voxels that are 0 in the first one are left out (`ignore_labels=(0,)`), or 0 is a
        segment like others.

    Returns
    -------
    dict
        `voxels` (those that count); `segments_a`, `segments_b` among these, without 0 if that is
        ignored; `vi_split_bits` (H(b|a)), `vi_merge_bits` (H(a|b)), `vi_bits` (their sum), and
        `vi_nats`; `adapted_rand_error`, `precision` (of the pairs of voxels that are together in
        the second one, those that are in the first), `recall` (the other way), `rand_index`. None
        where no voxel counts.

    References
    ----------
    M. Meilă (2007), Comparing clusterings: an information based distance, J. Multivariate Analysis
    98:873, doi:10.1016/j.jmva.2006.11.013; I. Arganda-Carreras et al. (2015), Crowdsourcing the
    creation of image segmentation algorithms for connectomics, Front. Neuroanat. 9:142,
    doi:10.3389/fnana.2015.00142; W. M. Rand (1971), Objective criteria for the evaluation of
    clustering methods, J. American Statistical Association 66:846.
    """
    if background == "ignore":
        table = table.only(table.a != 0)
    turned, total = table.transposed, sum(map(int, _halves(table.voxels)))
    of_a, of_b = (_marginal(one) for one in (table, turned))
    without = int(background == "ignore" and 0 in of_b[0])
    numbers = total, len(of_a[0]), len(of_b[0]) - without
    split, merge = _entropy(table.voxels, of_a[2], total), _entropy(turned.voxels, of_b[2], total)
    both, in_a, in_b = (_squares(one) for one in (table.voxels, of_a[1], of_b[1]))
    pairs, pairs_a, pairs_b, every = both - total, in_a - total, in_b - total, total * (total - 1)
    error = _share(pairs_a + pairs_b - 2 * pairs, pairs_a + pairs_b, 0.0)
    errors = split, merge, split + merge, (split + merge) * math.log(2), error
    shares = (
        _share(pairs, pairs_b, 1.0),
        _share(pairs, pairs_a, 1.0),
        _share(every - pairs_a - pairs_b + 2 * pairs, every, 1.0),
    )
    names = NUMBERS + ERRORS + SHARES
    told: dict[str, Any] = dict(zip(names, (*numbers, *errors, *shares), strict=True))
    return told if total else told | dict.fromkeys(ERRORS + SHARES)


def _marginal(table: Table) -> tuple[Ids, Counts, Counts]:
    """Return the ids of the first one, the voxels of each, and by row those of its first id."""
    starts = firsts(table.a)
    sizes = totals(table.voxels, starts)
    lengths = np.diff(np.append(starts, len(table.a)))
    return table.a[starts], sizes, np.repeat(sizes, lengths)


def _entropy(voxels: Counts, of: Counts, total: int) -> float:
    """Return the conditional entropy (bits) of pairs of which segments have so many voxels."""
    rest = (of - voxels) / of
    # each logarithm where it is accurate: a segment that lost a voxel of 10^12 too
    small = np.log(np.where(rest < 0.5, 1.0, voxels / of))
    logs = np.where(rest < 0.5, np.log1p(-np.minimum(rest, 0.5)), small)
    return math.fsum(voxels * -logs) / math.log(2) / total if total else 0.0


def _halves(numbers: NDArray[Any]) -> tuple[int, int]:
    """Return two whole numbers that add up to the sum of others, which 64 bits might not hold."""
    low = numbers & numbers.dtype.type(2**32 - 1)
    return int((numbers >> numbers.dtype.type(32)).sum()) << 32, int(low.sum())


def _squares(voxels: Counts) -> int:
    """Return the sum of squares, exactly."""
    large = voxels >= 2**32
    squares = voxels[~large].astype(np.uint64) ** np.uint64(2)
    return sum(_halves(squares)) + sum(int(one) ** 2 for one in voxels[large])


def _share(part: int, whole: int, of_nothing: float) -> float:
    return part / whole if whole else of_nothing  # of whole numbers: rounded once


def splits(table: Table, background: str = "ignore", shown: int = SHOWN) -> dict[str, Any]:
    """Tell which segments of the first one are several in the second.

    Those of `table.transposed` are the merges.

    Parameters
    ----------
    table : Table
    background : {"ignore", "keep"}
        Whether 0 is neither a segment nor a part of one, of either.
    shown : int
        How many are listed.

    Returns
    -------
    dict
        `number` of them, and the `largest`, each with `segment`, `voxels`, the number of its
        `parts`, and of these the `largest`, as lists of id and voxels.
    """
    if background == "ignore":
        table = table.only((table.a != 0) & (table.b != 0))
    starts = firsts(table.a)
    ends = np.append(starts[1:], len(table.a)).astype(np.intp)
    several = np.flatnonzero(ends - starts > 1)
    sizes = totals(table.voxels, starts)[several]
    largest = several[np.lexsort((table.a[starts[several]], -sizes))[:shown]]
    return {
        "number": len(several),
        "largest": [_listed(table, slice(starts[i], ends[i]), shown) for i in largest],
    }


def lost(table: Table) -> int:
    """Count the segments of the first one of which no voxel is in a segment of the second."""
    own = table.only(table.a != 0)
    kept = own.only(own.b != 0)
    return len(firsts(own.a)) - len(firsts(kept.a))


def _listed(table: Table, rows: slice, shown: int) -> dict[str, Any]:
    parts, voxels = table.b[rows], table.voxels[rows]
    order = np.lexsort((parts, -voxels))[:shown]
    return {
        "segment": int(table.a[rows.start]),
        "voxels": int(voxels.sum()),
        "parts": len(parts),
        "largest": [[int(parts[i]), int(voxels[i])] for i in order],
    }
