"""Joining the labels of blocks into components: union by their links, sums, and numbers.

`unite` makes groups of the labels of all links, `merge` adds up their statistics, block by block,
and `number_components` drops dust and numbers the rest by first voxel in C order. No step holds
more than a few numbers for each label.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import DIRECTIONS, Box
from .labelling import Integers, Labels, Statistics, check_sums
from .links import Links, Unsigned

Groups = NDArray[np.int32]


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
    for number, block_links in enumerate(links):
        others = number + steps[block_links.direction]
        ends = (
            (near, np.full(len(others), number), block_links.label),
            (far, others, block_links.neighbour_label),
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
