"""What is measured of the segments of a block, in numbers that add up over blocks.

All sums are of whole numbers, so nothing depends on how a cutout is cut, or in which order blocks
are added (`voxels.totals`). What is compiled is imported where it is used: who plans needs it not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .labelling import Ids, Labels

if TYPE_CHECKING:
    from .contingency import Table

INTENSITIES = ("uint8", "int8", "uint16", "int16")
"""Types of images that are measured: squares of a block of these add up in 64 bits."""

_COUNTS_BYTES = 2**28
"""Of the histograms that are counted in one pass."""

Columns = dict[str, NDArray[Any]]


class Measured(NamedTuple):
    """What is known of the segments of a block: row `k` is label `k + 1`.

    Attributes
    ----------
    labels : uint32 array, shape (Z, Y, X)
        Number of each voxel's segment, from 1, by id; 0 is no segment.
    segments : dict of array, shape (n,)
        `segment_id` in order, `voxel_count`; `sum_z`, `lower_z`, `upper_z` and so on: sums of
        coordinates and half-open box, counted from the block's first voxel; where there is an
        image, `value_sum`, `square_sum`, `value_min`, `value_max` of its values, counted from the
        smallest of its type.
    histogram : dict of array, shape (m,), optional
        `label`, `bin`, and `voxel_count` above 0; by label, then bin.
    contacts : dict of array, shape (l,)
        `label`, `other` (a larger label, or 0), and `faces_z`, `faces_y`, `faces_x`: faces of
        voxels that the two share, by the axis that these are across; by label, then other.
    """

    labels: Labels
    segments: Columns
    histogram: Columns | None
    contacts: Columns


def measure(voxels: Ids, image: NDArray[Any] | None = None, bins: int = 256) -> Measured:
    """Measure the segments of a block.

    Takes 14 bytes a voxel beside the arrays, and what is found.

    Parameters
    ----------
    voxels : unsigned integer array, shape (Z, Y, X)
        Segment ids; 0 is none. Fewer than 2^31 voxels.
    image : array of a type of `INTENSITIES`, shape (Z, Y, X), optional
    bins : int
        Parts of the range of the image's type: a power of 2, and no more than it has values.

    Raises
    ------
    ValueError
        If the block is too large, or the image has another shape.
    """
    if voxels.size >= 2**31:
        raise ValueError(f"a block of {voxels.size} voxels is too large: choose fewer than 2^31")
    if image is not None and image.shape != voxels.shape:
        raise ValueError(f"the image has shape {image.shape}, and the block {voxels.shape}")
    ids, labels = numbered(voxels)
    found, histogram = segments(ids, labels), None
    if image is not None:
        sums, histogram = _intensities(labels, len(ids) - 1, image, bins)
        names = ("value_sum", "square_sum", "value_min", "value_max")
        found |= dict(zip(names, sums.T, strict=True))
    touching = [_touching_along(labels, axis) for axis in range(3)]
    return Measured(labels, found, histogram, _contacts(touching, "label", "other"))


def segments(ids: NDArray[np.uint64], labels: Labels) -> Columns:
    """Return `Measured.segments` of a block without an image, of what `numbered` gives."""
    from .kernels import statistics

    found = statistics(labels, len(ids) - 1)[1:]
    columns: Columns = {"segment_id": ids[1:], "voxel_count": found[:, 0]}
    for axis, name in enumerate("zyx"):
        columns[f"sum_{name}"] = found[:, 1 + axis]
        columns[f"lower_{name}"] = found[:, 4 + 2 * axis]
        columns[f"upper_{name}"] = found[:, 5 + 2 * axis]
    return columns


def seam(axis: int, before: tuple[Labels, Ids], after: tuple[Labels, Ids]) -> Columns:
    """Return the contacts of two blocks' segments across their seam.

    Parameters
    ----------
    axis : int
        Which of z, y, x the seam is across.
    before, after : tuple of array
        The blocks' planes of labels that face each other, and the segment ids of their labels.

    Returns
    -------
    dict of array
        As `Measured.contacts`, by `segment_id` and `other_id`.
    """
    nothing = np.zeros(0, np.uint64)
    near, far = (with_none(ids)[labels.astype(np.intp)] for labels, ids in (before, after))
    touching: list[Any] = [(nothing, nothing, np.zeros(0, np.int64))] * 3
    touching[axis] = _touching(near, far)
    return _contacts(touching, "segment_id", "other_id")


def summed(columns: Columns, keys: Sequence[str]) -> Columns:
    """Add up rows that have the same keys; these come in order."""
    from .contingency import firsts, totals

    order = np.lexsort([columns[name] for name in reversed(keys)])
    ordered = {name: column[order] for name, column in columns.items()}
    starts = firsts(*(ordered[name] for name in keys))
    return {
        name: column[starts] if name in keys else totals(column, starts)
        for name, column in ordered.items()
    }


def with_none(ids: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the ids of a block's labels by label: 0 for label 0."""
    return np.concatenate([np.zeros(1, np.uint64), ids.astype(np.uint64, copy=False)])


def lowest(dtype: str) -> int:
    """Return from where the values of an image's type are counted."""
    return int(np.iinfo(dtype).min)


def bits(dtype: str) -> int:
    """Return how many bits a value of an image has."""
    return int(np.iinfo(dtype).bits)


def numbered(voxels: Ids) -> tuple[NDArray[np.uint64], Labels]:
    """Return the ids that occur, in order, and 0 first; and the place of each voxel's in these."""
    flat = np.ascontiguousarray(voxels).reshape(-1)
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ids, numbers = np.unique(flat[starts], return_inverse=True)
    if ids[0] != 0:
        ids, numbers = np.concatenate([ids[:1] * 0, ids]), numbers + 1
    lengths = np.diff(starts, append=len(flat))
    labels: Labels = np.repeat(numbers.astype(np.uint32), lengths).reshape(voxels.shape)
    return ids.astype(np.uint64), labels


def _intensities(
    labels: Labels, n: int, image: NDArray[Any], bins: int
) -> tuple[NDArray[np.int64], Columns]:
    """Return sums, squares and bounds of the values of labels 1 to n, and their histograms."""
    from .kernels import intensities

    unsigned = np.dtype(f"u{image.itemsize}")
    values = np.ascontiguousarray(image).view(unsigned).reshape(-1)
    if image.dtype.kind == "i":
        values = values ^ unsigned.type(1 << (bits(image.dtype.name) - 1))
    shift = bits(image.dtype.name) - (bins.bit_length() - 1)
    sums = np.zeros((n, 4), np.int64)
    sums[:, 2] = 2**16
    found = []
    step = max(1, _COUNTS_BYTES // (4 * bins))
    for start in range(0, n, step):
        some = sums[start : start + step]
        counts = np.zeros((len(some), bins), np.uint32)
        intensities(labels.reshape(-1), values, start + 1, shift, some, counts)
        label, at = np.nonzero(counts)
        found.append((label + start + 1, at, counts[label, at].astype(np.int64)))
    names = ("label", "bin", "voxel_count")
    empty = [(np.zeros(0, np.int64),) * 3]
    parts = zip(*(found or empty), strict=True)
    return sums, dict(zip(names, map(np.concatenate, parts), strict=True))


def _touching_along(labels: Labels, axis: int) -> Table:
    """Count the pairs of labels that differ from voxels to the next ones along an axis."""
    from .contingency import contingency
    from .kernels import differing

    step = [int(axis == other) for other in range(3)]
    pairs = np.empty((2, 0), np.uint32)
    pairs = np.empty((2, differing(labels, *step, *pairs)), np.uint32)
    differing(labels, *step, *pairs)
    return contingency(*pairs)


def _touching(a: NDArray[Any], b: NDArray[Any]) -> Table:
    """Count the pairs of arrays' values at the same places, where these differ."""
    from .contingency import contingency

    differ = a != b
    return contingency(a[differ], b[differ])


def _contacts(touching: Sequence[tuple[NDArray[Any], ...]], one: str, other: str) -> Columns:
    """Return contacts, of pairs (a, b, faces) across each axis, in whatever order of the two."""
    parts: list[Columns] = []
    for axis, (a, b, faces) in enumerate(touching):
        low, high = np.minimum(a, b), np.maximum(a, b)
        part = {one: np.where(low == 0, high, low), other: np.where(low == 0, low, high)}
        for name, at in zip("zyx", range(3), strict=True):
            part[f"faces_{name}"] = faces if at == axis else np.zeros_like(faces)
        parts.append({name: column[low != high] for name, column in part.items()})
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return summed(columns, (one, other))
