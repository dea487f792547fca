"""What is measured of a surface: area, volume, and whether it is closed."""

from collections.abc import Sequence
from fractions import Fraction
from math import fsum, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit

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
    """Measure a surface as `triangles` makes it, before it is simplified.

    The volume is exact up to one rounding (divergence theorem, on whole numbers), and so is the
    area up to one for each shape of triangle; neither depends on the order. The surface runs
    halfway between voxels: its volume is somewhat less than that of the voxels, and its area is
    that of a stair with cut edges, some per cent more than of a smooth surface.

    Parameters
    ----------
    vertices : int64 array, shape (n, 3)
        XYZ, in half voxels.
    faces : uint32 array, shape (m, 3)
    voxel_nm_xyz : sequence of 3 float
        Size of a voxel.

    Raises
    ------
    ValueError
        If a triangle is larger than one within a cube.
    """
    counts = np.zeros((_MOST, _MOST, _MOST), np.int64)
    six = _sums(vertices, faces, counts)
    if six is None:
        raise ValueError("a triangle does not fit into a cube of 2x2x2 voxels")
    width, height, depth = (Fraction(side) for side in voxel_nm_xyz)
    a, b, c = float(height * depth), float(depth * width), float(width * height)
    shapes = np.argwhere(counts)
    areas = [
        int(counts[x, y, z]) * sqrt((x * a) ** 2 + (y * b) ** 2 + (z * c) ** 2)
        for x, y, z in shapes.tolist()
    ]
    volume = Fraction(int(six), 6 * 8) * width * height * depth
    return Measures(fsum(areas) / 8, float(volume), closed(faces, len(vertices)))


def closed(faces: NDArray[np.uint32], n_vertices: int) -> bool:
    """Tell whether each edge is met as often in one direction as in the other.

    More than two triangles may meet there.
    """
    return bool(_closed(faces, n_vertices))


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
def _closed(faces: NDArray[np.uint32], n_vertices: int) -> Any:
    """Note each edge at its lower vertex; these lists are short, and each cancels by itself."""
    starts = np.zeros(n_vertices + 1, np.int64)
    for face in range(len(faces)):
        for side in range(3):
            starts[min(faces[face, side], faces[face, (side + 1) % 3]) + 1] += 1
    for vertex in range(n_vertices):
        starts[vertex + 1] += starts[vertex]
    ends = starts[:-1].copy()
    others = np.empty(3 * len(faces), np.int64)
    for face in range(len(faces)):
        for side in range(3):
            one, other = np.int64(faces[face, side]), np.int64(faces[face, (side + 1) % 3])
            low = min(one, other)
            others[ends[low]] = other + 1 if low == one else -one - 1
            ends[low] += 1
    for vertex in range(n_vertices):
        for at in range(starts[vertex], starts[vertex + 1]):
            total = 0
            for and_at in range(starts[vertex], starts[vertex + 1]):
                if others[and_at] == others[at]:
                    total += 1
                elif others[and_at] == -others[at]:
                    total -= 1
            if total:
                return False
    return True
