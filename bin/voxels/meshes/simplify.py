"""Surfaces of fewer triangles: edges are collapsed in the order of their quadric error.

M. Garland and P. S. Heckbert, Surface simplification using quadric error metrics, SIGGRAPH 1997;
as fast-simplification does it. It bounds no distance, so distances are measured here, and what went
too far is simplified less.
"""

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any, NamedTuple

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from . import distances, measures
from .cells import Joined, Piece

LARGEST = 50_000
"""Triangles that are simplified at once; a surface of more is, cell by cell.

Where one spot goes too far, all that is simplified with it is once more; so cells are small.
"""

CELL_NM = 1024.0
"""Side of a cell, whose grid begins at 0."""

_FEWEST = 4  # triangles of a closed surface
_ROUNDS = (1, 1, 1, 2, 2, 4)  # how much of the share of triangles is left in each round
_RINGS = 2  # of triangles that stay around a vertex that went too far

_library = Lock()
"""fast-simplification has its mesh in a variable of all threads, which mix each other's up."""

Points = NDArray[np.float64]
Faces = NDArray[np.uint32]


class Simplified(NamedTuple):
    """A simplified surface, and how far no vertex of the one before is from it, in nm."""

    vertices_nm: Points
    faces: Faces
    distance_nm: float


class _Piece(NamedTuple):
    """Simplified faces by the numbers of old vertices, and where these are now.

    `to` has the vertex that each one became, -1 where its whole piece vanished; `moved` the places
    of those that are left.
    """

    moved: Points
    faces: NDArray[np.int64]
    to: NDArray[np.int64]
    distance: float


def to(
    vertices_nm: Points,
    faces: Faces,
    share: float,
    distance_nm: float,
    largest: int = LARGEST,
    cell_nm: float = CELL_NM,
) -> Simplified:
    """Return a surface of fewer triangles, closed where the given one is.

    Where a vertex of the given surface would be too far from the new one, or a small piece vanish
    or fold up, so that nothing is within it, the triangles around stay as they were, and the rest
    is simplified again, at last with a larger share; what is too far even then stays whole.
    Distances are measured from the vertices of the given surface to the new one, and not the other
    way.

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

    Raises
    ------
    ValueError
        If share or distance are out of range.
    """
    if not 0 < share <= 1 or not distance_nm >= 0:
        raise ValueError(
            f"share {share} and distance {distance_nm} nm: they must be above 0 up to 1, and 0 on"
        )
    same = Simplified(vertices_nm, faces, 0.0)
    if share == 1 or len(faces) <= _FEWEST:
        return same
    if len(faces) <= largest:
        made = _piece(vertices_nm, faces.astype(np.int64), share, distance_nm, border=False)
        left, corners = _numbered(made.faces, len(vertices_nm))
        simple = Simplified(made.moved[left], corners.astype(np.uint32), made.distance)
    else:
        by_cells = of_cells(
            _cells(vertices_nm, faces, cell_nm), len(vertices_nm), share, distance_nm
        )
        if by_cells is None:
            return same
        simple = by_cells
    if measures.closed(faces, len(vertices_nm)) > measures.closed(
        simple.faces, len(simple.vertices_nm)
    ):
        return same
    return simple


def of_cells(
    cells: Iterable[Piece], n_vertices: int, share: float, distance_nm: float
) -> Simplified | None:
    """Return a surface of fewer triangles, of which each cell is simplified by itself.

    None if triangles of two cells meet in one vertex only, which one cell moved.

    Parameters
    ----------
    cells : iterable of Piece
    n_vertices : int
        Of the whole surface.
    share, distance_nm : float
        As `to` has them.
    """
    joined, distance = Joined(n_vertices), 0.0
    for cell, numbers, points, local in cells:
        made = _piece(points, local, share, distance_nm, border=True)
        if not joined.add(cell, numbers, made.moved, made.faces, made.to):
            return None
        distance = max(distance, made.distance)
    return Simplified(*joined.surface(), distance)


def _numbered(
    faces: NDArray[np.integer[Any]], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which vertices are in faces, and the faces by the places of these."""
    used = np.zeros(count, bool)
    used[faces] = True
    place: NDArray[np.int64] = np.cumsum(used) - 1
    return np.flatnonzero(used), place[faces]


def _cells(vertices: Points, faces: Faces, cell_nm: float) -> Iterator[Piece]:
    """Yield each cell's faces, in order; they are where their lowest corner is."""
    place = np.floor(vertices / cell_nm).astype(np.int64)[faces].min(axis=1)
    cells, own = np.unique(place, axis=0, return_inverse=True)
    order = np.argsort(own.reshape(-1), kind="stable")
    ends = np.cumsum(np.bincount(own.reshape(-1)))
    for cell, some in zip(cells.tolist(), np.split(order, ends[:-1]), strict=True):
        numbers, local = np.unique(faces[some].astype(np.int64), return_inverse=True)
        yield tuple(cell), numbers, vertices[numbers], local.reshape(-1, 3)


def _piece(
    vertices: Points, faces: NDArray[np.int64], share: float, distance: float, border: bool
) -> _Piece:
    """Simplify faces together, as far as the distance allows; a border stays where it is."""
    stays = np.zeros(len(faces), bool)
    for more in _ROUNDS:
        made = _collapsed(vertices, faces, stays, min(1.0, more * share), border)
        if made is None:
            break
        left, corners = _numbered(made.faces, len(vertices))
        nearby = np.searchsorted(left, made.to)
        nearby[made.to < 0] = -1
        new = corners.astype(np.uint32)
        found = distances.bounds(vertices, nearby, made.moved[left], new, distance)
        far = found > distance
        if np.isfinite(distance):
            far |= (made.to >= 0) & _folded(made.faces, len(vertices))[made.to]
        if not far.any():
            return made._replace(distance=float(found.max(initial=0)))
        for _ in range(_RINGS):
            around = far[faces].any(axis=1)
            far[faces[around]] = True
        stays |= around
    return _Piece(vertices, faces, np.arange(len(vertices)), 0.0)


def _folded(faces: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Tell which vertices have a triangle that is there twice, with nothing between the two."""
    ordered = np.sort(faces, axis=1)
    order = np.lexsort(ordered.T)
    same = (np.diff(ordered[order], axis=0) == 0).all(axis=1)
    folded = np.zeros(count, bool)
    folded[faces[order[1:][same]]] = True
    return folded


def _collapsed(
    vertices: Points,
    faces: NDArray[np.int64],
    stays: NDArray[np.bool_],
    share: float,
    border: bool,
) -> _Piece | None:
    """Simplify some faces together, and let the others stay.

    None where the library's list of collapses does not tell what became of vertices.
    """
    changed = faces if not stays.any() else faces[~stays]
    if len(changed) <= _FEWEST:
        return None
    numbers, local = _numbered(changed, len(vertices))
    with _library:
        points, left, collapses = fast_simplification.simplify(
            vertices[numbers],
            local.astype(np.int32),
            target_count=max(_FEWEST, int(share * len(changed))),
            return_collapses=True,
            preserve_border=border or len(changed) < len(faces),
        )
    to, kept = _followed(local, len(numbers), collapses)
    if len(kept) != len(points):
        return None
    moved, went = vertices.copy(), np.arange(len(vertices))
    moved[numbers[kept]] = points
    went[numbers] = np.where(to < 0, -1, numbers[to])
    fixed = faces[stays]
    if (went[fixed] != fixed).any():
        return None
    return _Piece(moved, np.concatenate([numbers[kept][left], fixed]), went, np.inf)


@njit(cache=True, nogil=True)
def _followed(
    faces: NDArray[np.int64], count: int, collapses: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the vertex that each one became by pairs of (stays, goes), and those with faces left.

    A vertex that came into one without faces has -1.
    """
    to = np.arange(count)
    for at in range(len(collapses) - 1, -1, -1):
        to[collapses[at, 1]] = to[collapses[at, 0]]
    left = np.zeros(count, np.bool_)
    for face in range(len(faces)):
        a, b, c = to[faces[face, 0]], to[faces[face, 1]], to[faces[face, 2]]
        if a != b and b != c and c != a:
            left[a] = left[b] = left[c] = True
    for vertex in range(count):
        if not left[to[vertex]]:
            to[vertex] = -1
    return to, np.flatnonzero(left)
