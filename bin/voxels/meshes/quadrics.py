"""What it costs to collapse an edge: its quadric error.

M. Garland and P. S. Heckbert, Surface simplification using quadric error metrics, SIGGRAPH 1997.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .distances import Place, Points, place

_BITS = 12
"""Of a cost as a 32-bit float, by which collapses are sorted; equal ones are in order of faces."""

Numbers = NDArray[np.int32]


@njit(cache=True, nogil=True)
def sums(points: Points, faces: Numbers) -> Points:
    """Add up squares of distances to the planes around each vertex, by area, and the area."""
    found = np.zeros((len(points), 11))
    plane = np.empty(11)
    for face in range(len(faces)):
        a = place(points, faces[face, 0])
        b, c = place(points, faces[face, 1]), place(points, faces[face, 2])
        x, y, z = normal(a, b, c)
        area = np.sqrt(x * x + y * y + z * z)
        if area > 0:
            d = -(x * a[0] + y * a[1] + z * a[2])
            u, v, w, e = x / area, y / area, z / area, d / area
            plane[0], plane[1], plane[2] = x * u, y * v, z * w
            plane[3], plane[4], plane[5] = x * v, y * w, z * u
            plane[6], plane[7], plane[8], plane[9] = x * e, y * e, z * e, d * e
            plane[10] = area
            for corner in range(3):
                for at in range(11):
                    found[faces[face, corner], at] += plane[at]
    return found


@njit(cache=True, nogil=True)
def candidates(
    points: Points, faces: Numbers, quadrics: Points, fixed: NDArray[np.bool_], distance: float
) -> tuple[Numbers, NDArray[np.float32]]:
    """Return of each edge which vertex goes and on which, and what it costs, if that is allowed."""
    edges = np.empty((len(faces) * 3 // 2 + 1, 2), np.int32)
    costs = np.empty(len(edges), np.float32)
    count = 0
    for face in range(len(faces)):
        for side in range(3):
            one, other = faces[face, side], faces[face, (side + 1) % 3]
            if one > other or fixed[one] and fixed[other]:
                continue  # the edge is met in its other direction, too, unless both are fixed
            there = np.inf if fixed[one] else _cost(quadrics, one, place(points, other))
            back = np.inf if fixed[other] else _cost(quadrics, other, place(points, one))
            if min(there, back) <= distance * distance:
                edges[count, 0] = one if there <= back else other
                edges[count, 1] = other if there <= back else one
                costs[count] = min(there, back)
                count += 1
    return edges[:count], costs[:count]


@njit(cache=True, nogil=True)
def ordered(costs: NDArray[np.float32]) -> Numbers:
    """Sort costs, which are not negative, by their highest bits."""
    keys = costs.view(np.uint32) >> np.uint32(31 - _BITS)
    starts = np.zeros((1 << _BITS) + 1, np.int64)
    for at in range(len(keys)):
        starts[keys[at] + 1] += 1
    starts = np.cumsum(starts)
    order = np.empty(len(keys), np.int32)
    for at in range(len(keys)):
        order[starts[keys[at]]] = at
        starts[keys[at]] += 1
    return order


@njit(cache=True, nogil=True)
def _cost(quadrics: Points, vertex: int, point: Place) -> Any:
    """Return the mean square of the distance of a point to the planes of a vertex."""
    x, y, z = point
    square = (
        x * (quadrics[vertex, 0] * x + 2 * (quadrics[vertex, 3] * y + quadrics[vertex, 6]))
        + y * (quadrics[vertex, 1] * y + 2 * (quadrics[vertex, 4] * z + quadrics[vertex, 7]))
        + z * (quadrics[vertex, 2] * z + 2 * (quadrics[vertex, 5] * x + quadrics[vertex, 8]))
        + quadrics[vertex, 9]
    )
    return max(square, 0.0) / quadrics[vertex, 10] if quadrics[vertex, 10] > 0 else 0.0


@njit(cache=True, nogil=True)
def normal(a: Place, b: Place, c: Place) -> Any:
    """Return the vector product of two sides of a triangle."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
