"""Which regions of a segmentation touch, and the affinities between them: sums that add up.

An edge's affinity is that of a voxel and the one before it along an axis, which are of two regions.
All of a pair of regions are added up as integers, so blocks add up to the whole, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import Box
from .compiling import njit
from .flooding import Affinities
from .watershed import DTYPES

Integers = NDArray[np.int64]
Ids = NDArray[np.uint64]

BINS = 256


class RegionGraph(NamedTuple):
    """Pairs of regions that touch; in the order of ids.

    Attributes
    ----------
    region, other : uint64 array, shape (n,)
        Ids, the smaller one first.
    affinity_sum : int64 array, shape (n,)
    edge_count : int64 array, shape (n,)
        Faces of voxels between them.
    affinity_max : int64 array, shape (n,)
    histogram : int64 array, shape (n, 256)
        How many affinities have each value; of 16 bits, each value of the upper 8.
    """

    region: Ids
    other: Ids
    affinity_sum: Integers
    edge_count: Integers
    affinity_max: Integers
    histogram: Integers

    @classmethod
    def of(cls, parts: Iterable[RegionGraph]) -> RegionGraph:
        """Add up the graphs of blocks that together are the whole, without overlap."""
        every = [cls.none(), *parts]
        ids = np.stack([np.concatenate([one[side] for one in every]) for side in (0, 1)], axis=1)
        pairs, own = np.unique(ids, axis=0, return_inverse=True)
        own, n = own.reshape(-1), len(pairs)
        sums = [np.zeros((n, *one.shape[1:]), np.int64) for one in cls.none()[2:]]
        for values, name in zip(sums, cls._fields[2:], strict=True):
            add = np.maximum if name == "affinity_max" else np.add
            add.at(values, own, np.concatenate([getattr(one, name) for one in every]))
        return cls(pairs[:, 0].copy(), pairs[:, 1].copy(), *sums)

    @classmethod
    def none(cls) -> RegionGraph:
        """Return the graph of nothing."""
        ids, numbers = np.empty(0, np.uint64), np.empty(0, np.int64)
        return cls(ids, ids, numbers, numbers, numbers, np.empty((0, BINS), np.int64))


def seen(core: Box, cutout: Box) -> Box:
    """Return the box of regions that a block needs: itself and one plane before its low sides."""
    corner = np.maximum(np.subtract(core.corner_zyx, 1), cutout.corner_zyx)
    return Box.of(corner.tolist(), (np.array(core.end_zyx) - corner).tolist())


def region_graph(
    regions: NDArray[Any], affinities: Sequence[Affinities], core: Box, cutout: Box
) -> RegionGraph:
    """Return the graph of the edges of a block's voxels to those before them.

    Takes 4 bytes a voxel beside the arrays, and 2 KiB a pair.

    Parameters
    ----------
    regions : unsigned integer array, shape (Z, Y, X)
        Ids, of the box that is `seen`; 0 is no region.
    affinities : sequence of 3 uint8 or uint16 arrays, shape (Z, Y, X)
        Of edges along z, y and x, of the block itself: of each voxel to the one before it.
    core, cutout : Box

    Raises
    ------
    ValueError
        If an array is of another type or shape.
    """
    of = seen(core, cutout)
    if regions.dtype.kind != "u" or regions.shape != of.shape_zyx:
        raise ValueError(f"{regions.dtype} regions of {regions.shape} are not those of {of.name}")
    for one in affinities:
        if one.dtype.name not in DTYPES or one.shape != core.shape_zyx:
            raise ValueError(f"{one.dtype} affinities of {one.shape} are not those of {core.name}")
    ids, inverse = np.unique(regions, return_inverse=True)
    numbers = inverse.reshape(regions.shape).astype(np.uint32)
    zero = 0 if len(ids) and ids[0] == 0 else -1
    offset = tuple(a - b for a, b in zip(core.corner_zyx, of.corner_zyx, strict=True))
    shift = 8 * (affinities[0].itemsize - 1)
    room = 2**10
    while True:
        pairs = np.full(2 * room, -1, np.int64)  # a table of which half at most is taken
        sums = np.zeros((2 * room, 3), np.int64)
        bins = np.zeros((2 * room, BINS), np.uint32)
        if _collect(numbers, *affinities, offset, zero, shift, pairs, sums, bins) <= room:
            break
        room *= 4
    there = np.flatnonzero(pairs >= 0)
    there = there[np.argsort(pairs[there])]
    region, other = ids[pairs[there] >> 32], ids[pairs[there] & 0xFFFFFFFF]
    total, count, most = sums[there].T
    return RegionGraph(
        region.astype(np.uint64), other.astype(np.uint64), total, count, most,
        bins[there].astype(np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _collect(
    numbers: NDArray[np.uint32],
    az: Affinities,
    ay: Affinities,
    ax: Affinities,
    offset: tuple[int, int, int],
    zero: int,
    shift: int,
    pairs: Integers,
    sums: Integers,
    bins: NDArray[np.uint32],
) -> int:
    """Add each edge to its pair's row in a table with open addresses.

    Returns how many pairs there are, or too many as soon as the table is half full.
    """
    found, mask = 0, len(pairs) - 1
    depth, height, width = az.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                w, v, u = z + offset[0], y + offset[1], x + offset[2]
                here = np.int64(numbers[w, v, u])
                if here == zero:
                    continue
                for axis in range(3):
                    if axis == 0:
                        if w == 0:
                            continue
                        there, edge = np.int64(numbers[w - 1, v, u]), np.int64(az[z, y, x])
                    elif axis == 1:
                        if v == 0:
                            continue
                        there, edge = np.int64(numbers[w, v - 1, u]), np.int64(ay[z, y, x])
                    else:
                        if u == 0:
                            continue
                        there, edge = np.int64(numbers[w, v, u - 1]), np.int64(ax[z, y, x])
                    if there in (here, zero):
                        continue
                    key = min(here, there) << 32 | max(here, there)
                    at = key * 0x9E3779B97F4A7C1 >> 20 & mask
                    while pairs[at] not in (-1, key):
                        at = at + 1 & mask
                    if pairs[at] == -1:
                        pairs[at] = key
                        found += 1
                        if 2 * found > len(pairs):
                            return found
                    sums[at, 0] += edge
                    sums[at, 1] += 1
                    sums[at, 2] = max(sums[at, 2], edge)
                    bins[at, edge >> shift] += 1
    return found
