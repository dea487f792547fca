"""Which labels streamlines connect: whole numbers, which add up over parts in any order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parts import Affine, Streamlines, voxels_at

LENGTH_STEP, FA_STEP = 2.0**-24, 2.0**-32
"""What lengths (mm) and fractional anisotropies are counted in."""

Whole = NDArray[np.int64]


class Connections(NamedTuple):
    """Streamlines by the labels of their ends, ordered by `a`, then by `b`.

    Attributes
    ----------
    a, b : int64 array, shape (n,)
        Labels; `a` is not above `b`. 0 is where there is none.
    streamlines : int64 array, shape (n,)
        How many go from one to the other, either way.
    length, fa : int64 array, shape (n,)
        Sums over streamlines of their lengths, in `LENGTH_STEP`, and of the mean of the fractional
        anisotropy at their points, in `FA_STEP`.
    """

    a: Whole
    b: Whole
    streamlines: Whole
    length: Whole
    fa: Whole

    @property
    def mean_length_mm(self) -> NDArray[np.float64]:
        """The mean length of streamlines (mm)."""
        return np.asarray(self.length / self.streamlines * LENGTH_STEP, np.float64)

    @property
    def mean_fa(self) -> NDArray[np.float64]:
        """The mean over streamlines of their mean fractional anisotropy."""
        return np.asarray(self.fa / self.streamlines * FA_STEP, np.float64)


def connections(
    some: Streamlines, labels: NDArray[Any], fa: NDArray[np.float64], affine: Affine
) -> Connections:
    """Return which labels streamlines connect.

    A point has what the voxel with the nearest middle has. Steps between points are rounded to
    `LENGTH_STEP`, and fractional anisotropies to `FA_STEP`, before they are added: so sums don't
    depend on what streamlines are cut into. Takes about 100 bytes a point.

    Parameters
    ----------
    some : Streamlines
    labels : array of integers, shape (X, Y, Z)
        On the grid of the diffusion image.
    fa : float64 array, shape (X, Y, Z)
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).
    """
    first = some.offsets[:-1].astype(np.int64)
    last = some.offsets[1:].astype(np.int64) - 1
    voxels = voxels_at(some.positions, affine, labels.shape)
    flat = labels.reshape(-1)
    ends = np.stack([flat[voxels[first]], flat[voxels[last]]]).astype(np.int64)
    means = np.rint(fa.reshape(-1)[voxels] / FA_STEP).astype(np.int64)
    columns = (
        *(ends.min(axis=0), ends.max(axis=0)),
        np.ones(len(some), np.int64),
        lengths(some),
        _added(means, some.offsets) // some.lengths,
    )
    return _sum([Connections(*columns)])


def lengths(some: Streamlines) -> Whole:
    """Return how long streamlines are, in `LENGTH_STEP`."""
    steps = np.zeros(len(some.positions))
    steps[1:] = np.sqrt((np.diff(some.positions.astype(np.float64), axis=0) ** 2).sum(axis=1))
    steps[some.offsets[:-1].astype(np.int64)] = 0
    return _added(np.rint(steps / LENGTH_STEP).astype(np.int64), some.offsets)


def _added(values: Whole, offsets: NDArray[np.uint64]) -> Whole:
    """Return the sum over the points of each streamline."""
    before = np.append(0, np.cumsum(values))
    return np.asarray(np.diff(before[offsets.astype(np.int64)]), np.int64)


def added(tables: Iterable[Connections]) -> Connections:
    """Add what parts have up; takes the memory of the sum and of the largest one, three times."""
    total = _sum([])
    for table in tables:
        total = _sum([total, table])
    return total


def _sum(tables: list[Connections]) -> Connections:
    none = Connections(*(np.empty(0, np.int64) for _ in Connections._fields))
    a, b, *sums = (np.concatenate(columns) for columns in zip(none, *tables, strict=True))
    pairs, place = np.unique(np.stack([a, b], axis=1), axis=0, return_inverse=True)
    totals = [np.zeros(len(pairs), np.int64) for _ in sums]
    for total, values in zip(totals, sums, strict=True):
        np.add.at(total, place, values)
    return Connections(pairs[:, 0], pairs[:, 1], *totals)
