"""Cubes of marching cubes: what a block leaves of the surfaces in it.

A cube lies between 2x2x2 voxels. Around the whole are zeros, so it has cubes at -1 too. Each is one
number, its position in the whole and its case, so cubes become one surface by sorting (`gathered`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .loops import count, fill

CASE_BITS = 8
_POSITION_BITS = 63 - CASE_BITS


class Cubes(NamedTuple):
    """Cubes of some segments, each segment's in order.

    Attributes
    ----------
    segment_ids : uint64 array, shape (n,)
        Ascending.
    offsets : int64 array, shape (n + 1,)
        Where each segment's begin in `cubes`, and where the last one's end.
    cubes : int64 array
        `position << 8 | case`. The position is the cube's in C order, and counts from that at
        (-1, -1, -1); the case has bit `4 z + 2 y + x` where that voxel is of the segment.
    shape_zyx : tuple of 3 int
        Voxels of the whole.
    """

    segment_ids: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    cubes: NDArray[np.int64]
    shape_zyx: tuple[int, int, int]

    def segment(self, at: int) -> NDArray[np.int64]:
        """Return the cubes of one segment, by its place in `segment_ids`."""
        return self.cubes[self.offsets[at] : self.offsets[at + 1]]


def of(
    labels_zyx: NDArray[np.unsignedinteger[Any]],
    corner_zyx: Sequence[int],
    shape_zyx: Sequence[int],
) -> Cubes:
    """Find the cubes at the surfaces of the segments in an array.

    Parameters
    ----------
    labels_zyx : array of unsigned integers, shape (Z, Y, X), C order
        0 is no segment; what is around the whole is there as zeros.
    corner_zyx : sequence of 3 int
        Coordinates of its first voxel, from the whole's first voxel: -1 of a zero before it.
    shape_zyx : sequence of 3 int
        Voxels of the whole.

    Returns
    -------
    Cubes
        Of all 2x2x2 voxels in the array that are not of one segment; 8 bytes for each segment
        that a cube meets.

    Raises
    ------
    ValueError
        If the array leaves the whole by more than one voxel, or the whole has too many voxels.
    """
    _check(labels_zyx, corner_zyx, shape_zyx)
    depth, height, width = map(int, shape_zyx)
    start = np.array([side + 1 for side in corner_zyx], np.int64)
    strides = np.array([(height + 1) * (width + 1), width + 1, 1], np.int64)
    labels = np.ascontiguousarray(labels_zyx)
    keys, counts = count(labels)
    used = np.flatnonzero(counts)
    order = used[np.argsort(keys[used])]
    offsets = np.concatenate([[0], np.cumsum(counts[order])])
    ends = np.zeros(len(keys), np.int64)
    ends[order] = offsets[:-1]
    cubes = np.empty(offsets[-1], np.int64)
    fill(labels, keys, ends, start @ strides, strides, cubes)
    return Cubes(keys[order], offsets, cubes, (depth, height, width))


def _check(labels: NDArray[Any], corner: Sequence[int], shape: Sequence[int]) -> None:
    """Refuse what is not voxels of a whole."""
    if labels.ndim != 3 or labels.dtype.kind != "u":
        what = f"{labels.ndim} axes of {labels.dtype}"
        raise ValueError(f"labels have {what}: they must have 3 of unsigned integers")
    if prod(side + 1 for side in shape) >> _POSITION_BITS:
        raise ValueError(f"a volume of {tuple(shape)} voxels has more than 2^{_POSITION_BITS}")
    sides = zip(corner, labels.shape, shape, strict=True)
    if any(start < -1 or start + side > end + 1 for start, side, end in sides):
        raise ValueError(
            f"an array of {labels.shape} voxels at {tuple(corner)} leaves {tuple(shape)} by more "
            "than one"
        )
