"""How far the vertices of a surface are from a simplified one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..compiling import njit

Points = NDArray[np.float64]

_THIN = 1e-10
"""Square of the sine of an angle, below which a triangle is no more than its sides."""


def bounds(
    points: Points,
    nearby: NDArray[np.int64],
    vertices: Points,
    faces: NDArray[np.uint32],
    limit: float,
) -> NDArray[np.float64]:
    """Return distances that points are not farther than from a surface.

    For each point the search goes from vertex to vertex, nearer each time, and looks at the
    triangles there; where that ends beyond the limit, once more from the nearest vertex. It may end
    before the nearest triangle, so what it finds is an upper bound, mostly the distance itself; it
    ends early where neither limit nor maximum depend on it.

    Parameters
    ----------
    points : float64 array, shape (n, 3)
    nearby : int64 array, shape (n,)
        The vertex to begin at, of each; -1 where there is none: that point is infinitely far.
    vertices : float64 array, shape (m, 3)
    faces : uint32 array, shape (k, 3)
        Each vertex is in one of them.
    limit : float
        In the points' unit.

    Returns
    -------
    float64 array, shape (n,)
    """
    found = np.full(len(points), np.inf)
    if not len(faces):
        return found
    starts, around = _faces_around(len(vertices), faces)
    some = np.flatnonzero(nearby >= 0)
    found[some] = _search(points[some], nearby[some], vertices, faces, starts, around, limit)
    far = some[found[some] > limit]
    if len(far):
        start = cKDTree(vertices).query(points[far])[1].astype(np.int64)
        again = _search(points[far], start, vertices, faces, starts, around, limit)
        found[far] = np.minimum(found[far], again)
    return found


@njit(cache=True, nogil=True)
def _search(
    points: Points,
    nearby: NDArray[np.int64],
    vertices: Points,
    faces: NDArray[np.uint32],
    starts: NDArray[np.int64],
    around: NDArray[np.int64],
    limit: float,
) -> NDArray[np.float64]:
    """Return what the search from given vertices finds."""
    distances = np.empty(len(points))
    enough, most = 0.0, limit * limit
    for point in range(len(points)):
        p, start = points[point], nearby[point]
        here = _square(p, vertices[start])
        nearest, going = here, here > enough
        while going:
            going, vertex = False, start
            for at in range(starts[vertex], starts[vertex + 1]):
                face = faces[around[at]]
                square = _to_triangle(p, vertices[face[0]], vertices[face[1]], vertices[face[2]])
                nearest = min(nearest, square)
                for corner in range(3):
                    there = _square(p, vertices[face[corner]])
                    if there < here:
                        start, here, going = np.int64(face[corner]), there, True
            going &= nearest > enough
        distances[point] = np.sqrt(nearest)
        enough = min(max(enough, nearest), most)
    return distances


@njit(cache=True, nogil=True)
def _faces_around(
    n_vertices: int, faces: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the faces around each vertex, one vertex after the other, and where each begins."""
    starts = np.zeros(n_vertices + 1, np.int64)
    for face in range(len(faces)):
        for corner in range(3):
            starts[faces[face, corner] + 1] += 1
    for vertex in range(n_vertices):
        starts[vertex + 1] += starts[vertex]
    ends = starts[:-1].copy()
    around = np.empty(starts[-1], np.int64)
    for face in range(len(faces)):
        for corner in range(3):
            around[ends[faces[face, corner]]] = face
            ends[faces[face, corner]] += 1
    return starts, around


@njit(cache=True, nogil=True)
def _square(one: Points, other: Points) -> Any:
    """Return the square of the distance of two points."""
    x, y, z = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    return x * x + y * y + z * z


@njit(cache=True, nogil=True)
def _to_triangle(p: Points, a: Points, b: Points, c: Points) -> Any:
    """Return the square of the distance of a point to a triangle.

    The foot of the perpendicular where that is inside, else the nearest on a side.
    """
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    uu, uv, vv = (
        ux * ux + uy * uy + uz * uz,
        ux * vx + uy * vy + uz * vz,
        vx * vx + vy * vy + vz * vz,
    )
    wu, wv = wx * ux + wy * uy + wz * uz, wx * vx + wy * vy + wz * vz
    area = uu * vv - uv * uv
    s, t = wu * vv - wv * uv, wv * uu - wu * uv
    if area > _THIN * uu * vv and s >= 0 and t >= 0 and s + t <= area:
        s, t = s / area, t / area
        x, y, z = wx - s * ux - t * vx, wy - s * uy - t * vy, wz - s * uz - t * vz
        return x * x + y * y + z * z
    return min(_to_side(p, a, b), _to_side(p, b, c), _to_side(p, c, a))


@njit(cache=True, nogil=True)
def _to_side(p: Points, a: Points, b: Points) -> Any:
    """Return the square of the distance of a point to the line between two others."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    length = ux * ux + uy * uy + uz * uz
    along = 0.0
    if length > 0:
        along = min(1.0, max(0.0, (wx * ux + wy * uy + wz * uz) / length))
    x, y, z = wx - along * ux, wy - along * uy, wz - along * uz
    return x * x + y * y + z * z
