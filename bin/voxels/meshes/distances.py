"""How far the vertices of a surface are from a simplified one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit

Points = NDArray[np.float64]
Place = tuple[float, float, float]

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

    For each point the search goes from triangle to triangle, nearer each time, each time looking at
    all around the last one's corners; where that ends beyond the limit, at all triangles. It may
    end before the nearest one, so what it finds is an upper bound, mostly the distance itself; it
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
    starts, around = faces_around(len(vertices), faces)
    some = np.flatnonzero(nearby >= 0)
    found[some] = _search(points[some], nearby[some], vertices, faces, starts, around, limit)
    far = some[found[some] > limit]
    found[far] = np.minimum(found[far], _of_all(points[far], vertices, faces))
    return found


@njit(cache=True, nogil=True)
def _search(
    points: Points,
    nearby: NDArray[np.int64],
    vertices: Points,
    faces: NDArray[np.uint32],
    starts: NDArray[np.int32],
    around: NDArray[np.int32],
    limit: float,
) -> NDArray[np.float64]:
    """Return what the search from given vertices finds."""
    distances = np.empty(len(points))
    enough, most = 0.0, limit * limit
    for point in range(len(points)):
        p, vertex = place(points, point), nearby[point]
        nearest = square(p, place(vertices, vertex))
        face, corner = -1, 0
        while nearest > enough and corner < 3:
            best = -1
            for at in range(starts[vertex], starts[vertex + 1]):
                there = _square_to_face(p, vertices, faces, around[at])
                if there < nearest or face < 0:
                    nearest, face, best = min(nearest, there), around[at], around[at]
            corner = 0 if best >= 0 else corner + 1
            if corner < 3:
                vertex = np.int64(faces[face, corner])
        distances[point] = np.sqrt(nearest)
        enough = min(max(enough, nearest), most)
    return distances


@njit(cache=True, nogil=True)
def _of_all(points: Points, vertices: Points, faces: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return distances to the nearest of all triangles."""
    distances = np.empty(len(points))
    for point in range(len(points)):
        p, nearest = place(points, point), np.inf
        for face in range(len(faces)):
            nearest = min(nearest, _square_to_face(p, vertices, faces, face))
        distances[point] = np.sqrt(nearest)
    return distances


@njit(cache=True, nogil=True)
def faces_around(
    n_vertices: int, faces: NDArray[Any]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the faces around each vertex, one vertex after the other, and where each begins."""
    starts = np.zeros(n_vertices + 1, np.int32)
    for face in range(len(faces)):
        for corner in range(3):
            starts[faces[face, corner] + 1] += 1
    for vertex in range(n_vertices):
        starts[vertex + 1] += starts[vertex]
    ends = starts[:-1].copy()
    around = np.empty(starts[-1], np.int32)
    for face in range(len(faces)):
        for corner in range(3):
            around[ends[faces[face, corner]]] = face
            ends[faces[face, corner]] += 1
    return starts, around


@njit(cache=True, nogil=True)
def place(points: Points, at: int) -> Place:
    """Return a point as three numbers: a row of an array takes five times as long."""
    return points[at, 0], points[at, 1], points[at, 2]


@njit(cache=True, nogil=True)
def _square_to_face(p: Place, vertices: Points, faces: NDArray[Any], face: int) -> Any:
    """Return the square of the distance of a point to a face."""
    a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
    return square_to_triangle(p, place(vertices, a), place(vertices, b), place(vertices, c))


@njit(cache=True, nogil=True)
def square(one: Place, other: Place) -> Any:
    """Return the square of the distance of two points."""
    x, y, z = one[0] - other[0], one[1] - other[1], one[2] - other[2]
    return x * x + y * y + z * z


@njit(cache=True, nogil=True)
def square_to_triangle(p: Place, a: Place, b: Place, c: Place) -> Any:
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
    return min(_square_to_side(p, a, b), _square_to_side(p, b, c), _square_to_side(p, c, a))


@njit(cache=True, nogil=True)
def _square_to_side(p: Place, a: Place, b: Place) -> Any:
    """Return the square of the distance of a point to the line between two others."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    length = ux * ux + uy * uy + uz * uz
    along = 0.0
    if length > 0:
        along = min(1.0, max(0.0, (wx * ux + wy * uy + wz * uz) / length))
    x, y, z = wx - along * ux, wy - along * uy, wz - along * uz
    return x * x + y * y + z * z
