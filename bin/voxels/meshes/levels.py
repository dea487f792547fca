"""Levels of detail of a mesh, each in nodes of an octree, as Neuroglancer wants them.

Positions of a level are whole numbers on one grid over the whole mesh, so what two nodes share is
the same from both. Triangles are cut where nodes meet, and halfway too, where the next finer nodes
do; where an edge is cut depends on its two ends alone, so a closed surface stays closed.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import nodes, simplify

SHARE = 0.25
"""Of a level's triangles, what the next one gets: a node has as many as one of before."""


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
        cut = pieces(grid[corners], bits, halves=level > 0)
        if levels and not 0 < 2 * len(cut) <= count:
            break
        count = len(cut)
        finer = [one.position_xyz for one in levels[-1]] if levels else []
        levels.append(_nodes(cut, bits, finer))
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
    triangles: NDArray[np.int64], bits: int, finer: list[tuple[int, int, int]]
) -> list[Node]:
    """Put cut triangles into nodes; there are also those in which finer ones are."""
    side = (1 << bits) - 1
    place = np.maximum((triangles.max(axis=1) - 1) // side, 0)
    order = np.lexsort(place.T[::-1])
    place, triangles = place[order], triangles[order]
    starts = np.flatnonzero(np.r_[True, (place[1:] != place[:-1]).any(axis=1)])
    nodes = {(x >> 1, y >> 1, z >> 1): _node((x >> 1, y >> 1, z >> 1), None) for x, y, z in finer}
    for start, end in zip(starts, [*starts[1:], len(place)], strict=True):
        x, y, z = place[start].tolist()
        nodes[x, y, z] = _node((x, y, z), triangles[start:end] - place[start] * side)
    return [nodes[at] for at in sorted(nodes, key=_z_order)]


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
