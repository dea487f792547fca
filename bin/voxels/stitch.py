"""Joining the labels of blocks into components: links across seams, their union, the merge.

`link_block` finds which labels of one block and of the blocks before it touch. `unite` makes
groups of the labels of all links, `merge` adds up their statistics, block by block, and
`number_components` drops dust and numbers the rest by first voxel in C order. No step holds more
than a few numbers for each label, and only `link_block` reads planes: those of one block's seams.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import DIRECTIONS, REACH, Box
from .label import Connectivity, Integers, Labels, Statistics, check_sums

Groups = NDArray[np.int32]
Unsigned = NDArray[np.unsignedinteger[Any]]


class Links(NamedTuple):
    """Pairs of labels, of a block and of blocks before it, that touch across their seam.

    Attributes
    ----------
    direction : unsigned integer array, shape (m,)
        Where the other block lies: a number in `boxes.DIRECTIONS`.
    label : unsigned integer array, shape (m,)
        Label in the block itself.
    neighbour_label : unsigned integer array, shape (m,)
        Label in the other block.
    """

    direction: Unsigned
    label: Unsigned
    neighbour_label: Unsigned


class Merged(NamedTuple):
    """What is known of each group of labels.

    Attributes
    ----------
    voxel_count : int64 array, shape (n,)
        Voxels of the group.
    coordinate_sum : int64 array, shape (3, n)
        Sums of the voxels' ZYX channel coordinates.
    lower, upper : unsigned integer array, shape (3, n)
        Half-open bounding box, ZYX, counted from the cutout's first voxel; as narrow as it allows.
    first_voxel : int64 array, shape (n,)
        Index of the first voxel in the cutout's C order.
    segment_id : uint64 array, shape (n,)
        Value in the channel; 0 if it says nothing (foreground).
    """

    voxel_count: Integers
    coordinate_sum: Integers
    lower: Unsigned
    upper: Unsigned
    first_voxel: Integers
    segment_id: NDArray[np.uint64]


def facing(direction: int) -> str:
    """Face of the neighbour in a direction that holds all its voxels which may touch the block."""
    axis = next(axis for axis in range(3) if DIRECTIONS[direction][axis])
    return f"{'zyx'[axis]}1"


def link_block(
    planes: Sequence[Labels],
    segment_id: Unsigned,
    neighbours: Mapping[int, tuple[Labels, Unsigned]],
    connectivity: Connectivity,
) -> Links:
    """Find the links of one block.

    Two voxels touch where they are neighbours under the connectivity, both have a label, and the
    segment ids of these are equal. Takes about 50 bytes per voxel of a seam.

    Parameters
    ----------
    planes : sequence of 3 unsigned integer arrays
        The block's first planes along z, y and x, each over its two other axes in order.
    segment_id : unsigned integer array
        Segment ids of the block's labels from 1 on.
    neighbours : dict
        Number in `boxes.DIRECTIONS` to the neighbour's plane `facing` the block, and the segment
        ids of its labels.
    connectivity : {6, 18, 26}
        As the blocks were labelled.

    Returns
    -------
    Links
        Each once, ordered by direction, label and neighbour's label.
    """
    reach = REACH[connectivity]
    own_segment = _by_label(segment_id)
    found = [np.zeros((3, 0), np.int64)]
    for direction in sorted(neighbours):
        step = DIRECTIONS[direction]
        axis = next(axis for axis in range(3) if step[axis])
        across = [way for number, way in enumerate(step) if number != axis]
        spare = reach - sum(map(abs, step))
        if spare < 0:
            continue
        # Along an axis on which the neighbour lies to a side, only its last voxels and the first
        # of the block may touch; along the others any two, if they are no further apart than 1.
        plane, segment = neighbours[direction]
        near = planes[axis][tuple(_NEAR[way] for way in across)]
        far = plane[tuple(_NEAR[-way] for way in across)]
        ways = [(0,) if way else (0, -1, 1) for way in across]
        shifts = [shift for shift in product(*ways) if sum(map(abs, shift)) <= spare]
        pairs = _touching(near, far, own_segment, _by_label(segment), shifts)
        found.append(np.stack([np.full(len(pairs), direction), *pairs.T]))
    return Links(*np.concatenate(found, axis=1).astype(np.uint32))


_NEAR = {-1: slice(0, 1), 0: slice(None), 1: slice(-1, None)}
"""Voxels along an axis that are nearest to what lies a step away: the first, all, the last."""


def _by_label(segment_id: Unsigned) -> Unsigned:
    return np.concatenate([np.zeros(1, segment_id.dtype), segment_id])


def _touching(
    near: Labels,
    far: Labels,
    near_segment: Unsigned,
    far_segment: Unsigned,
    shifts: Sequence[tuple[int, ...]],
) -> Integers:
    """Distinct pairs of labels of one segment on two planes that face each other.

    Parameters
    ----------
    near, far : unsigned integer array, shape (a, b)
        Labels on either side; 0 is background.
    near_segment, far_segment : unsigned integer array
        Segment id by label.
    shifts : sequence of (int, int)
        How far apart in the plane two voxels may lie that touch; the first is (0, 0).

    Returns
    -------
    int64 array, shape (m, 2)
        In ascending order.

    Examples
    --------
    >>> near, far = np.array([[1, 1, 0]], np.uint32), np.array([[2, 0, 3]], np.uint32)
    >>> ids = np.array([0, 7, 7, 7], np.uint64)
    >>> _touching(near, far, ids, ids, [(0, 0)]).tolist()
    [[1, 2]]
    >>> _touching(near, far, ids, ids, [(0, 0), (0, 1)]).tolist()
    [[1, 2], [1, 3]]
    """
    both = (near != 0) & (far != 0)
    both[both] = near_segment[near[both]] == far_segment[far[both]]
    found = [_packed(near[both], far[both])]
    if len(shifts) > 1:
        # Where straight neighbours touch, a diagonal one that could is a neighbour of the
        # straight one, in the same block and so of the same label: nothing new.
        rows, columns = np.nonzero((near != 0) & ~both)
        here = near[rows, columns]
        padded = np.pad(far, 1)
        for down, right in shifts[1:]:
            there = padded[rows + 1 + down, columns + 1 + right]
            touch = there != 0
            touch[touch] = near_segment[here[touch]] == far_segment[there[touch]]
            found.append(_packed(here[touch], there[touch]))
    distinct = np.unique(np.concatenate(found))
    return np.stack([distinct >> 32, distinct & 0xFFFFFFFF], axis=1)


def _packed(here: Labels, there: Labels) -> Integers:
    """Pairs as one number each, which sorts far faster; labels are below 2**31.

    Leaves out what only repeats the pair before.
    """
    pairs = here.astype(np.int64) << 32 | there
    new = np.ones(len(pairs), bool)
    np.not_equal(pairs[1:], pairs[:-1], out=new[1:])
    return pairs[new]


def unite(
    sizes: Sequence[int], shape_zyx: Sequence[int], links: Iterable[Links]
) -> tuple[Groups, int]:
    """Group the labels of all blocks, so that those of every link are in one group.

    Takes about 12 bytes per label and 45 per link.

    Parameters
    ----------
    sizes : sequence of int
        How many labels each block has, in raster order.
    shape_zyx : sequence of 3 int
        Blocks along each axis.
    links : iterable of Links
        One for each block, in the same order.

    Returns
    -------
    group : int32 array, shape (sum of sizes,)
        Group 0, 1, … of each label, block after block.
    n : int
        How many groups there are.

    Raises
    ------
    ValueError
        If there are too many labels, or a link names a label that is not there.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    n_labels = int(starts[-1])
    if n_labels >= 2**31:
        raise ValueError(
            f"the blocks have {n_labels} labels: "
            "fewer than 2**31 can be stitched; choose a smaller cutout or larger blocks"
        )
    _, height, width = shape_zyx
    steps = np.array(DIRECTIONS) @ (height * width, width, 1)
    near = [np.zeros(0, np.int32)]
    far = [np.zeros(0, np.int32)]
    for number, found in enumerate(links):
        others = number + steps[found.direction]
        ends = (
            (near, np.full(len(others), number), found.label),
            (far, others, found.neighbour_label),
        )
        for nodes, blocks, labels in ends:
            node = starts[blocks] + labels - 1
            if np.any((blocks < 0) | (labels < 1) | (node >= starts[blocks + 1])):
                raise ValueError(f"a link of block {number} names a label that is not there")
            nodes.append(node.astype(np.int32))
    pairs = np.concatenate(near), np.concatenate(far)
    del near, far
    graph = coo_array((np.ones(len(pairs[0]), np.int8), pairs), shape=(n_labels, n_labels))
    n, group = connected_components(graph, directed=False)
    return group.astype(np.int32, copy=False), int(n)


def merge(
    blocks: Iterable[Statistics], sizes: Sequence[int], group: Groups, n: int, cutout: Box
) -> Merged:
    """Add up the statistics of the labels of each group.

    Takes 54 to 96 bytes per group, by the cutout's extent, and one block's statistics.

    Parameters
    ----------
    blocks : iterable of Statistics
        In the order of `group`.
    sizes : sequence of int
        How many labels each block has.
    group : int32 array
        As `unite` gives them.
    n : int
        How many groups there are.
    cutout : Box
        What the blocks cover.

    Returns
    -------
    Merged

    Raises
    ------
    ValueError
        If a block has not as many labels as `sizes` says, or the cutout is too large for the
        widths used.
    """
    if cutout.voxel_count >= 2**63:
        raise ValueError(f"cutout {cutout.name} is too large: its voxels must be below 2**63")
    _, height, width = cutout.shape_zyx
    side = np.min_scalar_type(max(cutout.shape_zyx))
    merged = Merged(
        voxel_count=np.zeros(n, np.int64),
        coordinate_sum=np.zeros((3, n), np.int64),
        lower=np.full((3, n), np.iinfo(side).max, side),
        upper=np.zeros((3, n), side),
        first_voxel=np.full(n, cutout.voxel_count, np.int64),
        segment_id=np.zeros(n, np.uint64),
    )
    start = 0
    for size, block in zip(sizes, blocks, strict=True):
        if len(block.voxel_count) != size:
            raise ValueError(f"a block has {len(block.voxel_count)} labels instead of {size}")
        into = group[start : start + size].astype(np.intp)
        start += size
        np.add.at(merged.voxel_count, into, block.voxel_count)
        merged.segment_id[into] = block.segment_id
        for axis, corner in enumerate(cutout.corner_zyx):
            lower, upper = block.lower[:, axis] - corner, block.upper[:, axis] - corner
            np.add.at(merged.coordinate_sum[axis], into, block.coordinate_sum[:, axis])
            np.minimum.at(merged.lower[axis], into, lower.astype(side))
            np.maximum.at(merged.upper[axis], into, upper.astype(side))
        z, y, x = (block.first_voxel - cutout.corner_zyx).T
        np.minimum.at(merged.first_voxel, into, (z * height + y) * width + x)
    check_sums(int(merged.voxel_count.max(initial=0)), cutout)
    return merged


def number_components(merged: Merged, min_voxels: int) -> tuple[Integers, Labels]:
    """Drop dust and number the components by first voxel.

    Takes 16 bytes per group, and up to 24 more if there is dust.

    Parameters
    ----------
    merged : Merged
        The groups.
    min_voxels : int
        Those with fewer voxels are dropped: only whole components can be told to be dust.

    Returns
    -------
    order : int64 array, shape (n_components,)
        Group of component 1, 2, ….
    ids : uint32 array, shape (n,)
        Component id of each group; 0 if it was dropped.
    """
    if merged.voxel_count.min(initial=min_voxels) >= min_voxels:
        order = np.argsort(merged.first_voxel)
    else:
        kept = np.flatnonzero(merged.voxel_count >= min_voxels)
        order = kept[np.argsort(merged.first_voxel[kept])]
    ids = np.zeros(len(merged.voxel_count), np.uint32)  # there are fewer than 2**31 labels
    ids[order] = np.arange(1, len(order) + 1, dtype=np.uint32)
    return order, ids


def lookups(sizes: Sequence[int], group: Groups, ids: Labels) -> Iterator[Labels]:
    """Yield each block's look-up table: component id (0: dropped) by label, 0 for label 0."""
    start = 0
    for size in sizes:
        table = np.zeros(size + 1, np.uint32)
        table[1:] = ids[group[start : start + size]]
        start += size
        yield table


def component_columns(
    merged: Merged,
    order: Integers,
    first_id: int,
    cutout: Box,
    voxel_size_nm_zyx: Sequence[float],
) -> dict[str, NDArray[Any]]:
    """Columns of the component table, in its order.

    Parameters
    ----------
    merged : Merged
        All groups.
    order : int64 array, shape (n,)
        Which of them.
    first_id : int
        Component id of the first of these; those of the others follow.
    cutout : Box
        Where they were counted from.
    voxel_size_nm_zyx : sequence of 3 float
        Nanometres.

    Returns
    -------
    dict of array, shape (n,)
        `component_id` (int64), `segment_id` (uint64, 0 for none), `voxel_count`,
        `bbox_x0` … `bbox_z1` (int64, half-open, channel voxels), `centroid_x` …
        (float64, mean channel coordinates) and `centroid_x_nm` … (times the voxel size).
    """
    count = merged.voxel_count[order]
    columns: dict[str, NDArray[Any]] = {
        "component_id": np.arange(first_id, first_id + len(order), dtype=np.int64),
        "segment_id": merged.segment_id[order],
        "voxel_count": count,
    }
    axes = {"x": 2, "y": 1, "z": 0}
    for name, axis in axes.items():
        corner = cutout.corner_zyx[axis]
        columns[f"bbox_{name}0"] = merged.lower[axis][order].astype(np.int64) + corner
        columns[f"bbox_{name}1"] = merged.upper[axis][order].astype(np.int64) + corner
    for name, axis in axes.items():
        columns[f"centroid_{name}"] = merged.coordinate_sum[axis][order] / count
    for name, axis in axes.items():
        columns[f"centroid_{name}_nm"] = columns[f"centroid_{name}"] * voxel_size_nm_zyx[axis]
    return columns
