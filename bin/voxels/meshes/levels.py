"""Levels of detail of a mesh, each in nodes of an octree, as Neuroglancer wants them.

Positions of a level are whole numbers on one grid over the whole mesh, so what two nodes share is
the same from both. Triangles are cut where nodes meet, and halfway too, where the next finer nodes
do; where an edge is cut depends on its two ends alone, so a closed surface stays closed.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import nodes, simplify

SHARE = 0.25
"""Of a level's triangles, what the next one gets: a node has as many as one of before."""

AT_ONCE = 2**18
"""Triangles that are cut at once, and those of a node more: of a larger level, node by node."""


class Node(NamedTuple):
    """A node: its place among those of its level, and its mesh, positions from 0 to 2^bits - 1."""

    position_xyz: tuple[int, int, int]
    vertices: NDArray[np.int32]
    faces: NDArray[np.uint32]


class Levels(NamedTuple):
    """Levels of a mesh, the finest first, and where the octree is.

    Attributes
    ----------
    node_nm_xyz, origin_nm_xyz : tuple of 3 float
        Shape of a node of the finest level, twice as large on each one that follows; corner of the
        first. Both are 32-bit floats.
    bits : int
        Of a position.
    scales_nm : list of float
        Size of the details of each level.
    nodes : list of list of Node
        By level, in Z order; one without triangles has finer ones with some.
    """

    node_nm_xyz: tuple[float, float, float]
    origin_nm_xyz: tuple[float, float, float]
    bits: int
    scales_nm: list[float]
    nodes: list[list[Node]]


def of(
    vertices_nm: NDArray[np.float64],
    faces: NDArray[np.uint32],
    node_nm_xyz: Sequence[float],
    scale_nm: float,
    most: int,
    bits: int = 16,
) -> Levels:
    """Return a mesh in levels of detail.

    There are as many as the longest side has doublings of a node, until it fits into one; fewer
    where a level can't have half the triangles of the one before or less.

    Parameters
    ----------
    vertices_nm : float64 array, shape (n, 3)
        XYZ.
    faces : uint32 array, shape (m, 3)
        m is 1 at least.
    node_nm_xyz : sequence of 3 float
        Shape of a node of the finest level.
    scale_nm : float
        Size of the details of the finest level.
    most : int
        Levels at most.
    bits : int
        Of a position: 10 or 16.

    Raises
    ------
    ValueError
        If it is too long for nodes of that size.
    """
    node = np.array(node_nm_xyz, np.float32).astype(np.float64)
    finest = nodes.step_nm(node_nm_xyz, bits)
    meshes = [(vertices_nm, faces)]
    sides = np.ptp(vertices_nm, axis=0)
    while len(meshes) < most and (sides > node * 2 ** (len(meshes) - 1)).any():
        cell = max(node_nm_xyz) * 2 ** (len(meshes) - 1)
        coarse = simplify.to(*meshes[-1], SHARE, np.inf, cell_nm=cell)
        if not 0 < 2 * len(coarse.faces) <= len(meshes[-1][1]):
            break
        meshes.append((coarse.vertices_nm, coarse.faces))
    origin = _below(np.min([points.min(axis=0) for points, _ in meshes], axis=0))
    levels: list[list[Node]] = []
    count = 0
    for level, (points, corners) in enumerate(meshes):
        step = finest * 2**level
        nodes.check(points.max(axis=0) - origin, step)
        grid = np.rint((points - origin) / step).astype(np.int64)
        finer = [one.position_xyz for one in levels[-1]] if levels else []
        made = _nodes(grid, corners, bits, level > 0, finer)
        n_faces = sum(len(one.faces) for one in made)
        if levels and not 0 < 2 * n_faces <= count:
            break
        count = n_faces
        levels.append(made)
    scales = [scale_nm * 2**level for level in range(len(levels))]
    x, y, z = node.tolist()
    x0, y0, z0 = origin.tolist()
    return Levels((x, y, z), (x0, y0, z0), bits, scales, levels)


def pieces(triangles: NDArray[np.int64], bits: int, halves: bool) -> NDArray[np.int64]:
    """Cut triangles where nodes meet, and where their halves do.

    Parameters
    ----------
    triangles : int64 array, shape (n, 3, 3)
        Corners of each, XYZ, from 0 on; a node is `2^bits - 1` long.
    bits : int
    halves : bool
        Whether to cut at position `2^(bits - 1)` of each node, too: where Neuroglancer cuts.

    Returns
    -------
    int64 array, shape (m, 3, 3)
        What is left of them: triangles that have lost a side are not.
    """
    for axis in range(3):
        done = []
        while len(triangles):
            low, high = triangles[:, :, axis].min(axis=1), triangles[:, :, axis].max(axis=1)
            plane = _next_plane(low, bits, halves)
            crossed = plane < high
            done.append(triangles[~crossed])
            triangles = _cut(triangles[crossed], plane[crossed], axis)
        triangles = np.concatenate(done)
        same = [(triangles[:, a] == triangles[:, a - 1]).all(axis=1) for a in range(3)]
        triangles = triangles[~np.any(same, axis=0)]
    return triangles


def _next_plane(low: NDArray[np.int64], bits: int, halves: bool) -> NDArray[np.int64]:
    """Return the first plane above a coordinate."""
    side, half = (1 << bits) - 1, 1 << bits - 1
    node = low // side * side
    inner = node + half
    return np.where(halves & (low < inner), inner, node + side)


def _cut(triangles: NDArray[np.int64], plane: NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """Cut triangles that have corners on both sides of a plane; their orientation stays."""
    side = np.sign(triangles[:, :, axis] - plane[:, None])
    on = (side == 0).any(axis=1)
    # first the corner on the plane, or the one that is alone on its side
    lone = np.where(on[:, None], side == 0, side == -np.sign(side.sum(axis=1))[:, None])
    first = lone.argmax(axis=1)
    order = (first[:, None] + np.arange(3)) % 3
    turned = np.take_along_axis(triangles, order[:, :, None], axis=1)
    p, q, r = (turned[on, at] for at in range(3))
    middle = _met(q, r, plane[on], axis)
    halves = [(p, q, middle), (p, middle, r)]
    p, q, r = (turned[~on, at] for at in range(3))
    one, other = _met(p, q, plane[~on], axis), _met(p, r, plane[~on], axis)
    thirds = [(p, one, other), (one, q, r), (one, r, other)]
    return np.concatenate([np.stack(corners, axis=1) for corners in (*halves, *thirds)])


def _met(
    one: NDArray[np.int64], other: NDArray[np.int64], plane: NDArray[np.int64], axis: int
) -> NDArray[np.int64]:
    """Return where edges meet a plane, rounded half up, and so the same from either end."""
    length = (other[:, axis] - one[:, axis])[:, None]
    along = (plane - one[:, axis])[:, None]
    met: NDArray[np.int64] = one + (2 * (other - one) * along + length) // (2 * length)
    return met


def _nodes(
    grid: NDArray[np.int64],
    faces: NDArray[np.uint32],
    bits: int,
    halves: bool,
    finer: list[tuple[int, int, int]],
) -> list[Node]:
    """Cut triangles and put them into nodes; there are also those in which finer ones are."""
    side = (1 << bits) - 1
    shape = (np.maximum((grid.max(axis=0) - 1) // side, 0) + 1).tolist()
    nodes = {(x >> 1, y >> 1, z >> 1): _node((x >> 1, y >> 1, z >> 1), None) for x, y, z in finer}
    for first, last, some in _batches(grid, faces, side, shape):
        cut = pieces(grid[faces[some]], bits, halves)
        number = np.ravel_multi_index(tuple(_place(cut.max(axis=1), side).T), shape)
        order = np.argsort(number, kind="stable")
        order = order[slice(*np.searchsorted(number[order], [first, last + 1]))]
        for own in (
            np.split(order, np.flatnonzero(np.diff(number[order])) + 1) if len(order) else ()
        ):
            x, y, z = (int(at) for at in np.unravel_index(number[own[0]], shape))
            nodes[x, y, z] = _node((x, y, z), cut[own] - np.array([x, y, z]) * side)
    return [nodes[at] for at in sorted(nodes, key=_z_order)]


def _place(coordinates: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Return the node that what reaches up to a coordinate is in."""
    return np.maximum((coordinates - 1) // side, 0)


def _batches(
    grid: NDArray[np.int64], faces: NDArray[np.uint32], side: int, shape: list[int]
) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
    """Yield the numbers of a first and a last node, and the triangles that may meet those between.

    Triangles keep their order. What is cut of some of them is, in its order, what is cut of all: no
    step of `pieces` looks at two.
    """
    if len(faces) <= AT_ONCE:
        yield 0, prod(shape), np.arange(len(faces))
        return
    number = np.empty(len(faces), np.min_scalar_type(prod(shape)))
    long, spans = [], []
    for start in range(0, len(faces), AT_ONCE):
        corners = grid[faces[start : start + AT_ONCE]]
        low = _place(corners.min(axis=1), side)
        number[start : start + AT_ONCE] = np.ravel_multi_index(tuple(low.T), shape)
        span = _place(corners.max(axis=1), side) - low
        some = np.flatnonzero(span.any(axis=1))
        long.append(start + some)
        spans.append(span[some])
    more, span = np.concatenate(long), np.concatenate(spans)
    again, numbers = [more[:0]], [number]
    for step in product(*(range(most + 1) for most in span.max(axis=0, initial=0).tolist())):
        if any(step):
            met = more[(span >= step).all(axis=1)]
            again.append(met)
            numbers.append((number[met] + np.ravel_multi_index(step, shape)).astype(number.dtype))
    twice, number = np.concatenate(again), np.concatenate(numbers)
    order = np.argsort(number, kind="stable")
    number = number[order]
    starts = np.r_[0, np.flatnonzero(number[1:] != number[:-1]) + 1]
    starts = starts[np.diff(starts // AT_ONCE, prepend=-1) > 0]
    for start, end in zip(starts, [*starts[1:], len(number)], strict=True):
        own = order[start:end]
        second = own >= len(faces)
        own[second] = twice[own[second] - len(faces)]
        yield int(number[start]), int(number[end - 1]), np.unique(own)


def _node(position: tuple[int, int, int], triangles: NDArray[np.int64] | None) -> Node:
    """Return a node of triangles, their corners numbered in order of position."""
    if triangles is None:
        return Node(position, np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint32))
    x, y, z = triangles.reshape(-1, 3).T
    key, number = np.unique(x << 40 | y << 20 | z, return_inverse=True)
    vertices = np.stack([key >> 40, key >> 20 & 0xFFFFF, key & 0xFFFFF], axis=1)
    return Node(position, vertices.astype(np.int32), number.reshape(-1, 3).astype(np.uint32))


def _z_order(position: tuple[int, int, int]) -> int:
    """Interleave the bits of a position, those of x lowest."""
    bits = max(position).bit_length()
    return sum(
        (position[axis] >> bit & 1) << 3 * bit + axis for bit in range(bits) for axis in range(3)
    )


def _below(corner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a corner as 32-bit floats that are not above it."""
    rounded = corner.astype(np.float32)
    lower = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > corner, lower, rounded).astype(np.float64)
