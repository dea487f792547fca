"""Which regions of a segmentation touch, and the affinities between them: sums that add up.

An edge's affinity is that of a voxel and the one before it along an axis, which are of two regions.
All of a pair of regions are added up as integers, so blocks add up to the whole, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import bordering
from .boxes import Box
from .contingency import firsts
from .flooding import Affinities
from .halos import widened
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
    bin_count : int64 array, shape (n,)
        How many bins of the histogram are not empty; 0 where there is none.
    bins : uint8 array, shape (m,)
        These, one pair after the other, in order: values of affinities; of 16 bits, of the upper 8.
    bin_edges : int64 array, shape (m,)
        How many edges are in each.
    """

    region: Ids
    other: Ids
    affinity_sum: Integers
    edge_count: Integers
    affinity_max: Integers
    bin_count: Integers
    bins: NDArray[np.uint8]
    bin_edges: Integers

    @classmethod
    def of(cls, parts: Iterable[RegionGraph]) -> RegionGraph:
        """Add up the graphs of blocks that together are the whole, without overlap.

        Takes the memory of the parts, twice.
        """
        every = [cls.none(), *parts]
        region, other, total, count, most, *_ = (
            np.concatenate([one[side] for one in every]) for side in range(5)
        )
        order = np.lexsort((other, region))
        starts = firsts(region[order], other[order])
        if not len(starts):
            return cls.none()
        own = np.empty(len(order), np.int64)  # which pair of the whole each is
        own[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
        bin_count, bins, bin_edges = (
            np.concatenate([one[side] for one in every]) for side in range(5, 8)
        )
        place = np.repeat(own, bin_count) * BINS + bins
        sorting = np.argsort(place, kind="stable")
        place = place[sorting]
        begin = firsts(place)
        place = place[begin]
        edges = np.add.reduceat(bin_edges[sorting], begin) if len(begin) else bin_edges
        return cls(
            region[order][starts],
            other[order][starts],
            np.add.reduceat(total[order], starts),
            np.add.reduceat(count[order], starts),
            np.maximum.reduceat(most[order], starts),
            np.bincount(place // BINS, minlength=len(starts)),
            (place % BINS).astype(np.uint8),
            edges,
        )

    @classmethod
    def none(cls) -> RegionGraph:
        """Return the graph of nothing."""
        ids, numbers = np.empty(0, np.uint64), np.empty(0, np.int64)
        bins = np.empty(0, np.uint8)
        return cls(ids, ids, numbers, numbers, numbers, numbers, bins, numbers)

    def histogram(self) -> NDArray[np.integer[Any]]:
        """Return the histograms, shape (n, 256), uint32 where this holds all edges, else int64."""
        wide = int(self.edge_count.sum()) >= 2**32
        whole = np.zeros((len(self.region), BINS), np.int64 if wide else np.uint32)
        whole[np.repeat(np.arange(len(whole)), self.bin_count), self.bins] = self.bin_edges
        return whole


class BlockGraph(NamedTuple):
    """What a block has of the graph.

    Attributes
    ----------
    ids : uint64 array, shape (n,)
        Of its regions, in order.
    voxel_count : int64 array, shape (n,)
        Their voxels within the block.
    graph : RegionGraph
        Of the edges of its voxels to those before them.
    """

    ids: Ids
    voxel_count: Integers
    graph: RegionGraph


def seen(core: Box, cutout: Box) -> Box:
    """Return the box of regions that a block needs: itself and one plane before its low sides."""
    return widened(core, (0, 0, 0), cutout, before_zyx=(1, 1, 1))


def region_graph(
    regions: NDArray[Any], affinities: Sequence[Affinities], core: Box, cutout: Box
) -> BlockGraph:
    """Return the regions of a block, and the graph of its voxels' edges to those before them.

    Takes 4 bytes a voxel beside the arrays, 5 to 11 an edge between regions, of which there are
    three a voxel at most, and 100 a pair.

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
        If an array is of another type or shape, or the block is too large for the widths used.
    """
    of = seen(core, cutout)
    if regions.dtype.kind != "u" or regions.shape != of.shape_zyx:
        raise ValueError(f"{regions.dtype} regions of {regions.shape} are not those of {of.name}")
    for one in affinities:
        if one.dtype.name not in DTYPES or one.shape != core.shape_zyx:
            raise ValueError(f"{one.dtype} affinities of {one.shape} are not those of {core.name}")
    if core.voxel_count >= 2**31:
        raise ValueError(f"block {core.name} has 2^31 voxels or more: choose a smaller block_shape")
    offset = tuple(a - b for a, b in zip(core.corner_zyx, of.corner_zyx, strict=True))
    numbers, ids, counts = _numbered(regions, offset)
    pairs, sums, owners, bins = _edges(numbers, affinities, offset)
    del numbers
    ends = np.sort(ids[np.stack([pairs >> 32, pairs & 0xFFFFFFFF])], axis=0)
    order = np.lexsort((ends[1], ends[0]))
    total, count, most = sums[order].T.copy()
    starts = np.zeros(len(order) + 1, np.int64)
    np.cumsum(count, out=starts[1:])
    rank = np.empty(len(order), np.uint32)
    rank[order] = np.arange(len(order))
    bin_count, bin_edges = np.empty(len(order), np.int64), np.empty(len(bins), np.uint32)
    ordered = np.empty_like(bins)
    n = bordering.histograms(rank[owners], bins, starts, ordered, bin_count, bin_edges)
    graph = RegionGraph(
        ends[0][order], ends[1][order], total, count, most,
        bin_count, ordered[:n].copy(), bin_edges[:n].astype(np.int64),
    )  # fmt: skip
    there = np.flatnonzero((counts > 0) & (ids != 0))
    there = there[np.argsort(ids[there])]
    return BlockGraph(ids[there], counts[there], graph)


def _numbered(
    regions: NDArray[Any], offset: Sequence[int]
) -> tuple[NDArray[np.uint32], Ids, Integers]:
    """Return each voxel's number of its region; and by number the id, and how many voxels."""
    of = np.ascontiguousarray(regions, np.uint32 if regions.itemsize <= 4 else np.uint64)
    numbers = np.empty(of.shape, np.uint32)
    room = _room(of.shape[2])
    row, used, rows = 0, 1, of.shape[0] * of.shape[1]
    slots, ids, counts = np.full(2 * room, -1), np.zeros(room, np.uint64), np.zeros(room, np.int64)
    bordering.place(ids, used, slots)
    while True:
        row, used = bordering.number(of, tuple(offset), row, used, slots, ids, counts, numbers)
        if row == rows:
            return numbers, ids[:used], counts[:used]
        slots = np.full(4 * len(slots), -1)
        ids, counts = _longer(ids), _longer(counts)
        bordering.place(ids, used, slots)


def _edges(
    numbers: NDArray[np.uint32], affinities: Sequence[Affinities], offset: Sequence[int]
) -> tuple[Integers, Integers, NDArray[np.uint32], NDArray[np.uint8]]:
    """Return pairs of regions' numbers, in one, and their sums; and of each edge pair and bin."""
    begin, shift = tuple(offset), 8 * (affinities[0].itemsize - 1)
    n = sum(bordering.faces(numbers, begin, axis) for axis in range(3))
    owners, bins = np.empty(n, np.uint32), np.empty(n, np.uint8)
    room = _room(numbers.shape[2])
    table, sums = np.full((2 * room, 2), -1), np.zeros((room, 3), np.int64)
    used = filled = 0
    for axis, one in enumerate(affinities):
        one, row, rows = np.ascontiguousarray(one), 0, one.shape[0] * one.shape[1]
        while True:
            row, used, filled = bordering.edges(
                numbers, one, begin, axis, shift, row, used, filled, table, sums, owners, bins
            )
            if row == rows:
                break
            larger = np.full((4 * len(table), 2), -1)
            bordering.move(table, larger)
            table, sums = larger, _longer(sums)
    pairs = np.empty(used, np.int64)
    there = table[table[:, 0] >= 0]
    pairs[there[:, 1]] = there[:, 0]
    return pairs, sums[:used], owners, bins


def _room(width: int) -> int:
    """Return how many entries a table is begun with: more than a row may add, a power of 2."""
    return 1 << max(12, (2 * width).bit_length())


def _longer(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of four times the length, 0 where there was nothing."""
    larger = np.zeros((4 * len(array), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
