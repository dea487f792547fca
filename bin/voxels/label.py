"""Exact connected components, block by block.

The result is voxel-identical, numbering included, to cc3d on the whole cutout. Each block is
labelled on its own (`label_block`), and leaves its statistics and its six outer planes;
`stitch` joins labels that touch across seams and numbers the components by their first voxel
in C order. `encoding` turns a block's own labels into these numbers.

cc3d, scipy and numba are imported where they are used: no program needs all of them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import floor
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import Box, grid

Integers = NDArray[np.int64]
Labels = NDArray[np.uint32]
Ids = NDArray[np.unsignedinteger[Any]]
Connectivity = Literal[6, 18, 26]

FACES = ("z0", "z1", "y0", "y1", "x0", "x1")
"""Names of a block's outer planes: the first and the last along each axis."""

_SHIFTS: dict[Connectivity, list[tuple[int, int]]] = {
    6: [(0, 0)],
    18: [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)],
    26: [(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)],
}
"""By connectivity, how far apart along its plane two voxels that face each other may be."""

class Statistics(NamedTuple):
    """What is known of each component, or of each label of a block: row `k` is label `k + 1`.

    Attributes
    ----------
    voxel_count : int64 array, shape (n,)
        Voxels of the label.
    coordinate_sum : int64 array, shape (n, 3)
        Sums of the voxels' ZYX channel coordinates.
    lower, upper : int64 array, shape (n, 3)
        Half-open bounding box, ZYX channel coordinates.
    first_voxel : int64 array, shape (n, 3)
        ZYX channel coordinates of the first voxel in C order.
    segment_id : uint64 array, shape (n,)
        Value of the label's voxels in the channel; 0 if it says nothing (foreground).
    """

    voxel_count: Integers
    coordinate_sum: Integers
    lower: Integers
    upper: Integers
    first_voxel: Integers
    segment_id: NDArray[np.uint64]


def label_block(
    voxels: NDArray[Any],
    corner_zyx: Sequence[int],
    connectivity: Connectivity,
    component_of: str,
    foreground_above: float,
) -> tuple[Labels, Statistics]:
    """Label the connected components of one block.

    Takes 4 bytes per voxel beside the input (foreground: 5), and what cc3d needs meanwhile.

    Parameters
    ----------
    voxels : array of numbers, shape (Z, Y, X)
        The block; unsigned integers for `component_of` segment.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.
    connectivity : {6, 18, 26}
        Neighbours share a face; or at least an edge; or at least a corner.
    component_of : {"segment", "foreground"}
        Connect equal values other than 0, or all values above `foreground_above`.
    foreground_above : float
        Not read for segments.

    Returns
    -------
    labels : uint32 array, shape (Z, Y, X)
        Labels 1..n, numbered by first voxel in C order; 0 is background.
    statistics : Statistics
        In channel coordinates.

    Raises
    ------
    ValueError
        If a parameter is not one of the values above, segment ids are not unsigned integers,
        or the block is too large for the widths used.
    """
    import cc3d

    if voxels.size >= 2**31:
        raise ValueError(
            f"a block of shape {list(voxels.shape)} has {voxels.size} voxels: "
            f"choose a block_shape of fewer than 2**31"
        )
    if connectivity not in _SHIFTS:
        raise ValueError(f"connectivity is {connectivity}: it must be 6, 18 or 26")
    _check_sums(voxels.size, Box.of(corner_zyx, voxels.shape))
    foreground = component_of == "foreground"
    if foreground:
        # A fraction would make numpy compare integers as floats, which are inexact above 2**53.
        integral = voxels.dtype.kind in "ui"
        mask = voxels > (floor(foreground_above) if integral else foreground_above)
        # cc3d 4.1 fails on some binary images, 26-connected and 1 voxel thick; not on integers.
        image = mask.view(np.uint8)
    elif component_of != "segment":
        raise ValueError(f"component_of is {component_of!r}: it must be segment or foreground")
    elif voxels.dtype.kind != "u":
        raise ValueError(f"segment ids are {voxels.dtype}: they must be unsigned integers")
    else:
        # cc3d 4.1 overflows on some arrays with ids from 2**63 on; only equality counts here.
        image = voxels.view(np.int64) if voxels.dtype == np.uint64 else voxels
    labels = cc3d.connected_components(
        np.ascontiguousarray(image),  # cc3d numbers in memory order
        connectivity=connectivity,
        out_dtype=np.uint32,
    ).astype(np.uint32, copy=False)
    return labels, _statistics(labels, corner_zyx, None if foreground else voxels)


def _statistics(
    labels: Labels, corner_zyx: Sequence[int], segments: NDArray[Any] | None
) -> Statistics:
    """Statistics of labels 1..n, all of them present."""
    from .kernels import statistics

    n = int(labels.max())
    found = statistics(labels, n)[1:]
    corner = np.array(corner_zyx, np.int64)
    count, first = found[:, 0], found[:, 10]
    return Statistics(
        voxel_count=count,
        coordinate_sum=found[:, 1:4] + count[:, None] * corner,
        lower=found[:, [4, 6, 8]] + corner,
        upper=found[:, [5, 7, 9]] + corner,
        first_voxel=np.stack(np.unravel_index(first, labels.shape), axis=1) + corner,
        segment_id=(
            np.zeros(n, np.uint64)
            if segments is None
            else segments.reshape(-1)[first].astype(np.uint64)
        ),
    )


def surface(labels: Labels) -> dict[str, Labels]:
    """Outer planes of a block, by face: views, each over the block's two other axes in order."""
    return {
        "z0": labels[0],
        "z1": labels[-1],
        "y0": labels[:, 0],
        "y1": labels[:, -1],
        "x0": labels[:, :, 0],
        "x1": labels[:, :, -1],
    }


def stitch(
    blocks: Sequence[Statistics],
    plane: Callable[[int, str], Labels],
    cutout: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    connectivity: Connectivity,
    min_voxels: int,
) -> tuple[Statistics, Ids, Integers]:
    """Join the labels of blocks into the components of their cutout.

    Takes about 500 bytes per label of all blocks, and a few planes at a time.

    Parameters
    ----------
    blocks : sequence of Statistics
        One for each block of the cutout, in the order of `boxes.grid`.
    plane : callable
        `plane(number, face)` gives an outer plane of a block, by its number in `blocks`.
    cutout : Box
        What the blocks cover.
    block_shape_zyx, origin_zyx : sequence of 3 int
        The block grid.
    connectivity : {6, 18, 26}
        As the blocks were labelled.
    min_voxels : int
        Components with fewer voxels are dropped.

    Returns
    -------
    components : Statistics
        Row `k` is component `k + 1`, numbered by first voxel in C order of the cutout.
    lookup : uint32 array, or uint64 if the ids need it, shape (labels + blocks,)
        Component ids (0: dropped) by label, block after block; each starts with 0 for label 0.
    starts : int64 array, shape (blocks + 1,)
        The look-up table of block `i` is `lookup[starts[i]:starts[i + 1]]`.

    Raises
    ------
    ValueError
        If the blocks are not as many as the cutout has, or the cutout is too large for the
        widths used.
    """
    boxes = grid(cutout, block_shape_zyx, origin_zyx)
    if len(blocks) != len(boxes):
        raise ValueError(f"cutout {cutout.name} has {len(boxes)} blocks, not {len(blocks)}")
    if cutout.voxel_count >= 2**63:
        raise ValueError(f"cutout {cutout.name} is too large: its voxels must be below 2**63")
    sizes = np.array([len(block.voxel_count) for block in blocks], np.int64)
    ends = np.cumsum(sizes)
    n_labels = int(ends[-1])
    if n_labels >= 2**31:
        raise ValueError(
            f"the blocks of cutout {cutout.name} have {n_labels} labels: "
            f"fewer than 2**31 can be stitched; choose a smaller cutout or larger blocks"
        )
    labels = Statistics(*map(np.concatenate, zip(*blocks, strict=True)))
    pairs = _seams(plane, boxes, ends - sizes, labels.segment_id, connectivity)
    components, ids = _merge(labels, _unite(n_labels, pairs), cutout, min_voxels)
    starts = np.concatenate([[0], np.cumsum(sizes + 1)])
    lookup = np.zeros(starts[-1], np.uint32 if len(components.voxel_count) < 2**32 else np.uint64)
    lookup[np.arange(n_labels) + np.repeat(np.arange(len(blocks)) + 1, sizes)] = ids
    return components, lookup, starts


def _seams(
    plane: Callable[[int, str], Labels],
    boxes: Sequence[Box],
    offsets: Integers,
    segment_id: NDArray[np.uint64],
    connectivity: Connectivity,
) -> Integers:
    """Pairs of labels that touch across the seams between blocks, shape (m, 2).

    Labels are counted through all blocks, from 1. Of a block's 26 neighbours the 13 before it
    are looked at: those below along z with the plane padded from the 3x3 blocks there, those
    before along y with it padded along x only, and the one before along x.
    """
    shape = tuple(len({box.corner_zyx[axis] for box in boxes}) for axis in range(3))
    segments = np.concatenate([np.zeros(1, np.uint64), segment_id])

    # A plane that closes a block is padding for its neighbours too: keep the last few.
    @lru_cache(maxsize=32)
    def nodes(number: int, face: str) -> Integers:
        labels = plane(number, face).astype(np.int64)
        return np.where(labels == 0, 0, labels + offsets[number])

    found = [np.zeros((0, 2), np.int64)]
    for number in range(len(boxes)):
        cell = np.array(np.unravel_index(number, shape))
        for axis, name in enumerate("zyx"):
            if cell[axis] == 0:
                continue
            before = cell.copy()
            before[axis] -= 1
            near = nodes(number, f"{name}0")
            facing = np.zeros((near.shape[0] + 2, near.shape[1] + 2), np.int64)
            for shift in _SHIFTS[connectivity]:
                neighbour = before + np.insert(shift, axis, 0)
                # Along an axis before this one the neighbour has a seam of its own.
                if np.array_equal(neighbour[:axis], before[:axis]) and np.all(
                    (neighbour >= 0) & (neighbour < shape)
                ):
                    far = nodes(int(np.ravel_multi_index(neighbour, shape)), f"{name}1")
                    edges = [_EDGES[step] for step in shift]
                    facing[tuple(edge[0] for edge in edges)] = far[tuple(e[1] for e in edges)]
            found.append(_contacts(near, facing, segments, connectivity))
    return np.concatenate(found)


_EDGES = {
    -1: (slice(0, 1), slice(-1, None)),
    0: (slice(1, -1), slice(None)),
    1: (slice(-1, None), slice(0, 1)),
}
"""By step along an axis: where a neighbour's plane goes in a padded one, and what of it."""


def _contacts(
    near: Integers, facing: Integers, segments: NDArray[np.uint64], connectivity: Connectivity
) -> Integers:
    """Distinct pairs of labels of one segment that touch across a seam.

    Parameters
    ----------
    near : int64 array, shape (a, b)
        Labels on this side; 0 is background.
    facing : int64 array, shape (a + 2, b + 2)
        Labels on the other side, padded by one voxel all around.
    segments : uint64 array
        Segment id by label.
    connectivity : {6, 18, 26}
        Which neighbours touch.

    Returns
    -------
    int64 array, shape (m, 2)

    Examples
    --------
    >>> near, facing = np.array([[1, 1, 0]]), np.zeros((3, 5), int)
    >>> facing[1, 1:4] = 2, 2, 3
    >>> _contacts(near, facing, np.array([0, 7, 7, 7], np.uint64), 18).tolist()
    [[1, 2]]
    """
    straight = facing[1:-1, 1:-1]
    touching = (near != 0) & (straight != 0) & (segments[near] == segments[straight])
    found = [_runs(near[touching], straight[touching])]
    # Where straight neighbours touch, a diagonal one that could is a neighbour of the straight
    # one, in its block or across a seam of its own: nothing new.
    rows, columns = np.nonzero((near != 0) & ~touching)
    here = near[rows, columns]
    for down, right in _SHIFTS[connectivity][1:]:
        there = facing[rows + 1 + down, columns + 1 + right]
        touching = (there != 0) & (segments[here] == segments[there])
        found.append(_runs(here[touching], there[touching]))
    pairs = np.concatenate(found)
    # Labels are below 2**31: a pair fits one integer, which sorts far faster.
    distinct = np.unique(pairs[:, 0] << 32 | pairs[:, 1])
    return np.stack([distinct >> 32, distinct & 0xFFFFFFFF], axis=1)


def _runs(here: Integers, there: Integers) -> Integers:
    """Pairs, shape (m, 2), without those that only repeat the one before."""
    new = np.ones(len(here), bool)
    new[1:] = (here[1:] != here[:-1]) | (there[1:] != there[:-1])
    return np.stack([here[new], there[new]], axis=1)


def _unite(n_labels: int, pairs: Integers) -> NDArray[np.intp]:
    """Group 0, 1, … of each label 1..n, so that both of every pair are in one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = np.ones(len(pairs), np.int8), (pairs[:, 0] - 1, pairs[:, 1] - 1)
    graph = coo_array(links, shape=(n_labels, n_labels))
    groups: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return groups


def _merge(
    labels: Statistics, group: NDArray[np.intp], cutout: Box, min_voxels: int
) -> tuple[Statistics, Integers]:
    """Statistics of the components, numbered by first voxel, and each label's component id."""
    n = int(group.max(initial=-1)) + 1
    corner = np.array(cutout.corner_zyx, np.int64)
    count = np.zeros(n, np.int64)
    np.add.at(count, group, labels.voxel_count)
    _check_sums(int(count.max(initial=0)), cutout)
    total = np.zeros((3, n), np.int64)
    lower = np.full((3, n), np.iinfo(np.int64).max)
    upper = np.full((3, n), np.iinfo(np.int64).min)
    for axis in range(3):
        np.add.at(total[axis], group, labels.coordinate_sum[:, axis])
        np.minimum.at(lower[axis], group, labels.lower[:, axis])
        np.maximum.at(upper[axis], group, labels.upper[:, axis])
    _, height, width = cutout.shape_zyx
    z, y, x = (labels.first_voxel - corner).T
    first = np.full(n, cutout.voxel_count, np.int64)
    np.minimum.at(first, group, (z * height + y) * width + x)
    segment_id = np.zeros(n, np.uint64)
    segment_id[group] = labels.segment_id

    # Dust is what the whole component has too little of, so only now can it be told.
    kept = np.flatnonzero(count >= min_voxels)
    kept = kept[np.argsort(first[kept])]
    ids = np.zeros(n, np.int64)
    ids[kept] = np.arange(1, len(kept) + 1)
    components = Statistics(
        voxel_count=count[kept],
        coordinate_sum=total.T[kept],
        lower=lower.T[kept],
        upper=upper.T[kept],
        first_voxel=np.stack(np.unravel_index(first[kept], cutout.shape_zyx), axis=1) + corner,
        segment_id=segment_id[kept],
    )
    return components, ids[group]


def _check_sums(voxel_count: int, box: Box) -> None:
    """Refuse what could overflow a sum of coordinates: voxels of one component, and where."""
    if voxel_count * max(map(abs, box)) >= 2**63:
        raise ValueError(
            f"the coordinate sums of {voxel_count} voxels in box {box.name} may not fit 64 bits: "
            f"choose a smaller cutout"
        )


def component_columns(
    components: Statistics, voxel_size_nm_zyx: Sequence[float]
) -> dict[str, NDArray[Any]]:
    """Columns of the component table, in its order.

    Parameters
    ----------
    components : Statistics
        As `stitch` gives them.
    voxel_size_nm_zyx : sequence of 3 float
        Nanometres.

    Returns
    -------
    dict of array, shape (n,)
        `component_id` (int64, 1..n), `segment_id` (uint64, 0 for none), `voxel_count`,
        `bbox_x0` … `bbox_z1` (int64, half-open, channel voxels), `centroid_x` …
        (float64, mean channel coordinates) and `centroid_x_nm` … (times the voxel size).
    """
    n = len(components.voxel_count)
    centroid = components.coordinate_sum / components.voxel_count[:, None]
    columns: dict[str, NDArray[Any]] = {
        "component_id": np.arange(1, n + 1, dtype=np.int64),
        "segment_id": components.segment_id,
        "voxel_count": components.voxel_count,
    }
    axes = {"x": 2, "y": 1, "z": 0}
    for name, axis in axes.items():
        columns[f"bbox_{name}0"] = components.lower[:, axis]
        columns[f"bbox_{name}1"] = components.upper[:, axis]
    for name, axis in axes.items():
        columns[f"centroid_{name}"] = centroid[:, axis]
    for name, axis in axes.items():
        columns[f"centroid_{name}_nm"] = centroid[:, axis] * voxel_size_nm_zyx[axis]
    return columns
