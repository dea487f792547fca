"""What is measured of a surface: area, volume, and whether it is closed."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import fsum, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .triangles import Slab

_MOST = 9
"""A side of a triangle within a cube is 2 half voxels at most: so its vector product is below 9."""


class Measures(NamedTuple):
    """Area (nm2), volume (nm3), and whether each edge is met as often in either direction."""

    area_nm2: float
    volume_nm3: float
    closed: bool


def of(
    vertices: NDArray[np.int64], faces: NDArray[np.uint32], voxel_nm_xyz: Sequence[float]
) -> Measures:
    """Measure a surface as `of_slabs` does, from all vertices and triangles at once."""
    return of_slabs([Slab(0, vertices, faces)], voxel_nm_xyz)


def of_slabs(slabs: Iterable[Slab], voxel_nm_xyz: Sequence[float]) -> Measures:
    """Measure a surface as `triangles` makes it, before it is simplified.

    The volume is exact up to one rounding (divergence theorem, on whole numbers), and so is the
    area up to one for each shape of triangle; neither depends on the order. The surface runs
    halfway between voxels: its volume is somewhat less than that of the voxels, and its area is
    that of a stair with cut edges, some per cent more than of a smooth surface.

    Parameters
    ----------
    slabs : iterable of Slab
        All of its triangles, each once, in order of z.
    voxel_nm_xyz : sequence of 3 float
        Size of a voxel.

    Raises
    ------
    ValueError
        If a triangle is larger than one within a cube.
    """
    counts = np.zeros((_MOST, _MOST, _MOST), np.int64)
    six, open_edges, whole = 0, np.zeros((0, 2), np.int64), True
    for first, vertices, faces in slabs:
        sum_of_slab = _sums(vertices, faces, counts)
        if sum_of_slab is None:
            raise ValueError("a triangle does not fit into a cube of 2x2x2 voxels")
        six += int(sum_of_slab)
        met = (open_edges >= first).all(axis=1)  # no later slab has the others
        whole &= bool(met.all())
        open_edges = _open(faces, open_edges[met] - first, len(vertices)) + first
    width, height, depth = (Fraction(side) for side in voxel_nm_xyz)
    a, b, c = float(height * depth), float(depth * width), float(width * height)
    shapes = np.argwhere(counts)
    areas = [
        int(counts[x, y, z]) * sqrt((x * a) ** 2 + (y * b) ** 2 + (z * c) ** 2)
        for x, y, z in shapes.tolist()
    ]
    volume = Fraction(six, 6 * 8) * width * height * depth
    return Measures(fsum(areas) / 8, float(volume), whole and not len(open_edges))


def closed(faces: NDArray[np.uint32], n_vertices: int) -> bool:
    """Tell whether each edge is met as often in one direction as in the other.

    More than two triangles may meet there.
    """
    return not len(_open(faces, np.zeros((0, 2), np.int64), n_vertices))


@njit(cache=True, nogil=True)
def _sums(vertices: NDArray[np.int64], faces: NDArray[np.uint32], counts: NDArray[np.int64]) -> Any:
    """Count triangles by the absolute components of their vector product, in quarter voxels.

    Return six times the volume, in cubes of half a voxel; None if a triangle is too large. A
    triangle within a cube adds up to 8 times a coordinate, so nothing wraps.
    """
    six = 0
    for face in range(len(faces)):
        p, q, r = vertices[faces[face, 0]], vertices[faces[face, 1]], vertices[faces[face, 2]]
        ax, ay, az = q[0] - p[0], q[1] - p[1], q[2] - p[2]
        bx, by, bz = r[0] - p[0], r[1] - p[1], r[2] - p[2]
        x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        if max(abs(x), abs(y), abs(z)) >= len(counts):
            return None
        counts[abs(x), abs(y), abs(z)] += 1
        six += z * (p[2] + q[2] + r[2])
    return six


@njit(cache=True, nogil=True)
def _open(
    faces: NDArray[np.uint32], edges: NDArray[np.int64], n_vertices: int
) -> NDArray[np.int64]:
    """Return the directed edges, of faces and others, that no opposite one cancels.

    Each is noted at its lower vertex; these lists are short, and each cancels by itself.
    """
    starts = np.zeros(n_vertices + 1, np.int64)
    for face in range(len(faces)):
        for side in range(3):
            starts[min(faces[face, side], faces[face, (side + 1) % 3]) + 1] += 1
    for edge in range(len(edges)):
        starts[min(edges[edge, 0], edges[edge, 1]) + 1] += 1
    for vertex in range(n_vertices):
        starts[vertex + 1] += starts[vertex]
    ends = starts[:-1].copy()
    others = np.empty(3 * len(faces) + len(edges), np.int64)
    for face in range(len(faces)):
        for side in range(3):
            one, other = np.int64(faces[face, side]), np.int64(faces[face, (side + 1) % 3])
            _note(one, other, ends, others)
    for edge in range(len(edges)):
        _note(edges[edge, 0], edges[edge, 1], ends, others)
    left = 0
    for vertex in range(n_vertices):
        for at in range(starts[vertex], starts[vertex + 1]):
            for and_at in range(at + 1, starts[vertex + 1]):
                if others[at] and others[and_at] == -others[at]:
                    others[at] = others[and_at] = 0
            left += others[at] != 0
    found = np.empty((left, 2), np.int64)
    for vertex in range(n_vertices - 1, -1, -1):
        for at in range(starts[vertex], starts[vertex + 1]):
            if others[at]:
                left -= 1
                other = abs(others[at]) - 1
                found[left, 0] = vertex if others[at] > 0 else other
                found[left, 1] = other if others[at] > 0 else vertex
    return found


@njit(cache=True, nogil=True)
def _note(one: int, other: int, ends: NDArray[np.int64], others: NDArray[np.int64]) -> None:
    """Note the other end of a directed edge at its lower one: from 1 on, below 0 of one to it."""
    low = min(one, other)
    others[ends[low]] = other + 1 if low == one else -one - 1
    ends[low] += 1
