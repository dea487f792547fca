"""Surfaces of fewer triangles, and how far they are from the ones before.

Edges are collapsed by `collapse`, which keeps nearly all within the distance that is asked for;
distances are measured here, and where one is too large nonetheless, vertices stay.
"""

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from . import collapse, distances
from .cells import Joined, Piece

LARGEST = 100_000
"""Triangles that are simplified at once; a surface of more is, cell by cell.

As many as caches hold: of a million it takes three times as long."""

_LEAST_NM = 1.0  # side of a cell that is cut no more
_MARGIN = 0.8  # of the distance, in collapses: so that nearly nothing has to be done again
_FEWEST = 4  # triangles of a closed surface
_ROUNDS = 8
_NONE = 1e-6  # share of a volume's terms, below which their sum is none
_RINGS = 2  # of triangles that stay around a vertex that went too far

Points = NDArray[np.float64]
Faces = NDArray[np.uint32]


class Simplified(NamedTuple):
    """A simplified surface, and how far no vertex of the one before is from it, in nm."""

    vertices_nm: Points
    faces: Faces
    distance_nm: float


def to(
    vertices_nm: Points,
    faces: Faces,
    share: float,
    distance_nm: float,
    largest: int = LARGEST,
    cell_nm: float = np.inf,
) -> Simplified:
    """Return a surface of fewer triangles, closed where the given one is.

    Its vertices are some of the given ones. Where one of these would be too far from it, the
    triangles around stay as they were, and the rest is simplified again; what is too far even then
    stays whole. Distances are measured from the vertices of the given surface to the new one, and
    not the other way. Where they do not matter, small pieces may vanish.

    Parameters
    ----------
    vertices_nm : float64 array, shape (n, 3)
    faces : uint32 array, shape (m, 3)
    share : float
        Of the triangles, those to be left: above 0, at most 1.
    distance_nm : float
        Infinite if it does not matter.
    largest : int
        A surface of more triangles is cut into cells, and each simplified by itself; vertices where
        they meet stay. So it depends on surface and `cell_nm`, and on no blocks.
    cell_nm : float
        Side of a cell, whose grid begins at 0.

    Raises
    ------
    ValueError
        If share or distance are out of range.
    """
    if not 0 < share <= 1 or not distance_nm >= 0:
        raise ValueError(
            f"share {share} and distance {distance_nm} nm: they must be above 0 up to 1, and 0 on"
        )
    if share == 1 or len(faces) <= _FEWEST:
        return Simplified(vertices_nm, faces, 0.0)
    if len(faces) > largest:
        pieces = _cells(vertices_nm, faces, cell_nm)
        return of_cells(pieces, share, distance_nm, largest, cell_nm)
    place = np.full(len(vertices_nm), -1, np.int64)
    left, went_nm = _piece(vertices_nm, faces.astype(np.int32), share, distance_nm)
    used, corners = _numbered(left, place)
    return Simplified(vertices_nm[used], corners.astype(np.uint32), went_nm)


def of_cells(
    cells: Iterable[Piece],
    share: float,
    distance_nm: float,
    largest: int = LARGEST,
    cell_nm: float = np.inf,
) -> Simplified:
    """Return a surface of fewer triangles, of which each cell is simplified by itself.

    A cell of too many is cut in eight, so that memory does not go with how dense a surface is.

    Parameters
    ----------
    cells : iterable of Piece
    share, distance_nm, largest, cell_nm
        As `to` has them.
    """
    joined, distance = Joined(), 0.0
    parts = (part for cell in cells for part in _parts(cell, largest, cell_nm))
    for cell, numbers, points, local in parts:
        left, went_nm = _piece(points, local, share, distance_nm)
        joined.add(cell, numbers, points, left)
        distance = max(distance, went_nm)
    return Simplified(*joined.surface(), distance)


@njit(cache=True, nogil=True)
def _numbered(
    faces: NDArray[Any], place: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return which vertices are in faces, in order, and the faces by the places of these.

    `place` is -1 of each vertex, and is left so.
    """
    used = np.empty(3 * len(faces), np.int64)
    count = 0
    for vertex in faces.flat:
        if place[vertex] < 0:
            place[vertex] = 0
            used[count] = vertex
            count += 1
    numbers = np.sort(used[:count])
    for at in range(count):
        place[numbers[at]] = at
    corners = np.empty(faces.shape, np.int32)
    for face in range(len(faces)):
        for corner in range(3):
            corners[face, corner] = place[faces[face, corner]]
    place[numbers] = -1
    return numbers, corners


def _parts(piece: Piece, largest: int, cell_nm: float) -> Iterator[Piece]:
    """Yield a cell, or the eighths of it, where it has too many triangles."""
    cell, numbers, points, faces = piece
    if len(faces) <= largest or not _LEAST_NM <= cell_nm < np.inf:
        yield piece
        return
    for inner, own, places, local in _cells(points, faces, cell_nm / 2):
        part = (*cell, *inner), numbers[own], places, local
        yield from _parts(part, largest, cell_nm / 2)


def _cells(vertices: Points, faces: NDArray[Any], cell_nm: float) -> Iterator[Piece]:
    """Yield each cell's faces, in order; they are where their lowest corner is."""
    own, origin, shape = _lowest(vertices, faces, cell_nm)
    order = np.argsort(own, kind="stable")
    place = np.full(len(vertices), -1, np.int64)
    for some in np.split(order, np.flatnonzero(np.diff(own[order])) + 1):
        x, y, z = (origin + np.unravel_index(own[some[0]], shape)).tolist()
        numbers, local = _numbered(faces[some], place)
        yield (x, y, z), numbers, vertices[numbers], local


def _lowest(
    vertices: Points, faces: NDArray[Any], cell_nm: float
) -> tuple[NDArray[Any], NDArray[np.int64], tuple[int, ...]]:
    """Return the number of each face's cell, where the first cell is, and how many there are."""
    cells = np.floor(vertices / cell_nm).astype(np.int64)
    origin = cells.min(axis=0)
    cells -= origin
    shape = tuple((cells.max(axis=0) + 1).tolist())
    own = np.empty(len(faces), np.min_scalar_type(prod(shape)))
    for start in range(0, len(faces), LARGEST):
        lowest = cells[faces[start : start + LARGEST]].min(axis=1)
        own[start : start + LARGEST] = np.ravel_multi_index(tuple(lowest.T), shape)
    return own, origin, shape


def _piece(
    vertices: Points, faces: NDArray[np.int32], share: float, distance: float
) -> tuple[NDArray[np.int32], float]:
    """Simplify faces together as far as the distance allows; return them, and how far it went."""
    stays = np.zeros(len(vertices), bool)
    count = max(_FEWEST, int(share * len(faces)))
    for _ in range(_ROUNDS):
        left, went = collapse.to(vertices, faces, count, _MARGIN * distance, stays)
        used, corners = _numbered(left, np.full(len(vertices), -1, np.int64))
        place = np.full(len(vertices), -1, np.int64)
        place[used] = np.arange(len(used))
        found = distances.bounds(
            vertices, place[went], vertices[used], corners.astype(np.uint32), distance
        )
        far = found > distance
        if np.isfinite(distance):
            rings = distances.faces_around(len(vertices), left)
            far |= _hollow(vertices, left, collapse.not_rings(left, *rings))[went]
        if not far.any():
            return left, float(found.max(initial=0))
        for _ in range(_RINGS):
            far[faces[far[faces].any(axis=1)]] = True
        stays |= far
    return faces, 0.0


@njit(cache=True, nogil=True)
def _hollow(
    vertices: Points, faces: NDArray[np.int32], at_border: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell vertices of closed pieces that have nothing within them, and are no cavity."""
    first = np.arange(len(vertices))
    for a, b, c in faces:
        for one, other in ((a, b), (b, c)):
            one, other = _first(first, one), _first(first, other)
            first[max(one, other)] = min(one, other)
    volume, size = np.zeros(len(vertices)), np.zeros(len(vertices))
    for a, b, c in faces:
        piece = _first(first, a)
        p, q, r = vertices[a], vertices[b], vertices[c]
        o = vertices[piece]
        px, py, pz = p[0] - o[0], p[1] - o[1], p[2] - o[2]
        qx, qy, qz = q[0] - o[0], q[1] - o[1], q[2] - o[2]
        rx, ry, rz = r[0] - o[0], r[1] - o[1], r[2] - o[2]
        x, y, z = px * (qy * rz - qz * ry), py * (qz * rx - qx * rz), pz * (qx * ry - qy * rx)
        volume[piece] += x + y + z
        size[piece] += abs(x) + abs(y) + abs(z)
    opened = np.zeros(len(vertices), np.bool_)
    for vertex in np.flatnonzero(at_border):
        opened[_first(first, vertex)] = True
    found = np.zeros(len(vertices), np.bool_)
    for corner in faces.flat:
        piece = _first(first, corner)
        found[corner] = not opened[piece] and abs(volume[piece]) <= _NONE * size[piece]
    return found


@njit(cache=True, nogil=True)
def _first(first: NDArray[np.int64], vertex: int) -> int:
    """Return the first vertex of a piece, as far as it is joined."""
    while first[vertex] != vertex:
        first[vertex] = first[first[vertex]]
        vertex = first[vertex]
    return vertex
