"""Edges of a surface are collapsed, pass by pass, a vertex onto its neighbour each.

In a pass no vertex takes part in two, so costs are counted and sorted once a pass; vertices that
are left stay where they were. Both as meshoptimizer does it (MIT), which has no wheel.

A collapse is refused if two triangles would lie on each other, an edge get more than two, or a
normal turn far; and, where a distance is asked for, if a vertex that came into the two would be
farther than that from the triangles around them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from . import quadrics
from .distances import Points, faces_around, place, square, square_to_triangle
from .quadrics import Numbers, normal

_TURN = 0.25
"""Cosine of the angle that the normal of a triangle may turn by in a collapse."""

_OVER = 1.5
"""What a collapse in a pass may cost more than the last one would, once half of them are done."""

_FEW = 10
"""A pass in which fewer than one collapse of so many that are needed succeeds is the last."""


def to(
    vertices: Points, faces: NDArray[Any], count: int, distance: float, stays: NDArray[np.bool_]
) -> tuple[Numbers, Numbers]:
    """Collapse edges until few triangles are left, or no collapse is allowed.

    Parameters
    ----------
    vertices : float64 array, shape (n, 3)
    faces : array of integers, shape (m, 3)
    count : int
        Triangles to be left.
    distance : float
        That vertices may be from what is left, in their unit, as far as it is seen here: triangles
        that only neighbours of the two vertices have are not looked at again. Where it is infinite,
        a piece of four triangles may vanish.
    stays : bool array, shape (n,)
        Vertices that do not move. Those whose triangles are no ring do not either.

    Returns
    -------
    faces : int32 array, shape (k, 3)
        By the numbers of the given vertices.
    went : int32 array, shape (n,)
        The vertex that each one became; where a piece vanished, one that is in no face.

    Raises
    ------
    ValueError
        If corners are too many for 32 bits.
    """
    if faces.size >= 2**31:
        raise ValueError(f"{len(faces)} triangles are too many to be simplified together")
    left = faces.astype(np.int32)
    starts, around = faces_around(len(vertices), left)
    points = vertices - vertices[:1]
    sums = quadrics.sums(points, left)
    fixed = stays | not_rings(left, starts, around)
    went = np.arange(len(points), dtype=np.int32)
    nearby = np.full(len(points), -1, np.int32), went.copy(), np.zeros(len(points))
    while len(left) > count:
        edges, costs = quadrics.candidates(points, left, sums, fixed, distance)
        needed = (len(left) - count + 1) // 2
        now = np.arange(len(points), dtype=np.int32)
        around_each = left, starts, around, now
        order = quadrics.ordered(costs)
        done = _collapse(points, around_each, sums, edges, costs, order, needed, nearby, distance)
        if done:
            went, left = now[went], _left(left, now)
            starts, around = faces_around(len(points), left)
        if done * _FEW < needed:
            break
    return left, went


@njit(cache=True, nogil=True)
def _turned(faces: Numbers, face: int, vertex: int) -> Any:
    """Return the other two corners of a face, in their order."""
    if faces[face, 0] == vertex:
        return faces[face, 1], faces[face, 2]
    if faces[face, 1] == vertex:
        return faces[face, 2], faces[face, 0]
    return faces[face, 0], faces[face, 1]


@njit(cache=True, nogil=True)
def not_rings(faces: Numbers, starts: Numbers, around: Numbers) -> NDArray[np.bool_]:
    """Tell the vertices whose faces do not follow each other once around them."""
    found = np.zeros(len(starts) - 1, np.bool_)
    for vertex in range(len(found)):
        begin, end = starts[vertex], starts[vertex + 1]
        if begin == end:
            continue
        first, here = _turned(faces, around[begin], vertex)
        steps = 1
        while here != first and steps < end - begin:
            ways = 0
            for at in range(begin, end):
                one, other = _turned(faces, around[at], vertex)
                if one == here:
                    following = other
                    ways += 1
            if ways != 1:
                break
            here = following
            steps += 1
        found[vertex] = here != first or steps < end - begin
    return found


@njit(cache=True, nogil=True)
def _collapse(
    points: Points,
    around_each: tuple[Numbers, Numbers, Numbers, Numbers],
    sums: Points,
    edges: Numbers,
    costs: NDArray[np.float32],
    order: Numbers,
    needed: int,
    nearby: tuple[Numbers, Numbers, Points],
    distance: float,
) -> int:
    """Collapse edges in order, note in `now` what becomes of vertices, and return how many.

    `nearby` has the vertices that came into each one, as chains: what follows, the last, and how
    far they are from it at most.
    """
    faces, starts, around, now = around_each
    following, last, reach = nearby
    touched = np.zeros(len(points), np.bool_)
    n_faces = np.diff(starts)
    marks = np.full(len(points), -1, np.int32)
    most = _OVER * costs[order[needed]] if needed < len(order) else np.inf
    done = 0
    for at in range(len(order)):
        goes, on = edges[order[at], 0], edges[order[at], 1]
        if done >= needed or costs[order[at]] > most and 2 * done >= needed:
            break
        if touched[goes] or touched[on]:
            continue
        for spot in range(starts[on], starts[on + 1]):
            face = around[spot]
            for corner in range(3):
                marks[now[faces[face, corner]]] = at
        marks[goes] = marks[on] = -1
        n_common, one, other = _common(points, around_each, goes, on, marks, at)
        if n_common != 2:
            continue
        four = max(n_faces[goes], n_faces[on], n_faces[one], n_faces[other]) == 3
        if four and distance == np.inf and not (touched[one] or touched[other]):
            now[one] = now[other] = on
            touched[one] = touched[other] = True
        elif n_faces[goes] + n_faces[on] < 7 or min(n_faces[one], n_faces[other]) < 4:
            continue
        far = reach[goes] + np.sqrt(square(place(points, goes), place(points, on)))
        if far > distance:
            far = _farthest(points, around_each, goes, on, goes, following, distance)
        if far < np.inf and reach[on] > distance:
            far = max(far, _farthest(points, around_each, goes, on, on, following, distance))
        if far == np.inf:
            continue
        reach[on] = max(reach[on], far)
        now[goes] = on
        n_faces[on] += n_faces[goes] - 4
        n_faces[one] -= 1
        n_faces[other] -= 1
        for part in range(sums.shape[1]):
            sums[on, part] += sums[goes, part]
        following[last[on]] = goes
        last[on] = last[goes]
        touched[goes] = touched[on] = True
        done += 1
    return done


@njit(cache=True, nogil=True)
def _common(
    points: Points,
    around_each: tuple[Numbers, Numbers, Numbers, Numbers],
    goes: int,
    on: int,
    marks: Numbers,
    mark: int,
) -> Any:
    """Return how many neighbours two vertices share, and two of these; 0 if a normal turns far."""
    faces, starts, around, now = around_each
    found, one, other = 0, -1, -1
    for spot in range(starts[goes], starts[goes + 1]):
        b, c = _turned(faces, around[spot], goes)
        b, c = now[b], now[c]
        if b == c:
            continue
        if marks[b] == mark:  # each neighbour comes first once
            found, one, other = found + 1, b, one
        if b != on and c != on:
            x, y, z = normal(place(points, goes), place(points, b), place(points, c))
            u, v, w = normal(place(points, on), place(points, b), place(points, c))
            cosine = x * u + y * v + z * w
            squares = (x * x + y * y + z * z) * (u * u + v * v + w * w)
            if cosine <= 0 or cosine * cosine < _TURN * _TURN * squares:
                return 0, one, other
    return found, one, other


@njit(cache=True, nogil=True)
def _farthest(
    points: Points,
    around_each: tuple[Numbers, Numbers, Numbers, Numbers],
    goes: int,
    on: int,
    first: int,
    following: Numbers,
    distance: float,
) -> float:
    """Return how far a chain's vertices are from `on`.

    Infinite if one would be farther than the distance from the triangles, were `goes` there, too.
    """
    faces, starts, around, now = around_each
    most, far, point = distance * distance, 0.0, first
    o = place(points, on)
    while point >= 0:
        p = place(points, point)
        there = square(p, o)
        far, near = max(far, there), there <= most
        for vertex in (goes, on):
            for spot in range(starts[vertex], starts[vertex + 1]):
                if near:
                    break
                b, c = _turned(faces, around[spot], vertex)
                b, c = now[b], now[c]
                if b != c and b != on and c != on and b != goes and c != goes:
                    near = square_to_triangle(p, o, place(points, b), place(points, c)) <= most
        if not near:
            return np.inf
        point = following[point]
    return float(np.sqrt(far))


@njit(cache=True, nogil=True)
def _left(faces: Numbers, now: Numbers) -> Numbers:
    """Return the faces that still have three corners, by what these became."""
    left = np.empty_like(faces)
    count = 0
    for face in range(len(faces)):
        a, b, c = now[faces[face, 0]], now[faces[face, 1]], now[faces[face, 2]]
        if a != b and b != c and c != a:
            left[count, 0], left[count, 1], left[count, 2] = a, b, c
            count += 1
    return left[:count].copy()
