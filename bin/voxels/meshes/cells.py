"""Parts of a surface that are simplified by themselves, cell by cell, and put together again."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .triangles import Surface

Points = NDArray[np.float64]
Numbers = NDArray[np.int64]

Cell = tuple[int, ...]
"""Where a cell is in the grid of cells: XYZ; of one that was cut, then where its parts are."""

Piece = tuple[Cell, Numbers, Points, NDArray[np.int32]]
"""A cell: its vertices by their numbers among all, where these are (nm), faces by places here."""


class Joined:
    """Simplified cells of a surface: it takes the memory of what is left."""

    def __init__(self) -> None:
        self._parts: dict[Cell, tuple[Numbers, Points, NDArray[np.int32]]] = {}

    def add(self, cell: Cell, numbers: Numbers, points: Points, faces: NDArray[np.int32]) -> None:
        """Take what is left of a cell.

        Parameters
        ----------
        cell : tuple of int
        numbers : int64 array, shape (n,)
            Of its vertices, among those of the whole; ascending.
        points : float64 array, shape (n, 3)
            Where they are.
        faces : int32 array, shape (m, 3)
            By the places of vertices in `numbers`, not all of which they have.
        """
        used = np.unique(faces)
        local = np.searchsorted(used, faces).astype(np.int32)
        self._parts[cell] = numbers[used], points[used], local

    def surface(self) -> tuple[Points, NDArray[np.uint32]]:
        """Return the surface of all cells: vertices in the order of their numbers, and faces."""
        parts = [self._parts[cell] for cell in sorted(self._parts)]
        left, first = np.unique(np.concatenate([one[0] for one in parts]), return_index=True)
        moved = np.concatenate([one[1] for one in parts])[first]
        faces = np.concatenate(
            [np.searchsorted(left, numbers)[own].astype(np.uint32) for numbers, _, own in parts]
        )
        return moved, faces


def of_surface(
    surface: Surface, corner_xyz: Numbers, voxel_nm_xyz: Sequence[float], cell_nm: float
) -> Iterator[Piece]:
    """Yield a segment's triangles cell by cell; those of one layer of cells are there at a time.

    Parameters
    ----------
    surface : Surface
    corner_xyz : int64 array, shape (3,)
        Where the whole begins, in half voxels.
    voxel_nm_xyz : sequence of 3 float
    cell_nm : float
        Side of a cell, whose grid begins at 0.
    """
    scale = np.array(voxel_nm_xyz) / 2
    ends = 2 * np.array(surface.shape_zyx[::-1], np.int64) + 1  # a vertex has 2 n at most
    of_x, of_y, of_z = (
        np.floor((np.arange(end) + corner) * size / cell_nm).astype(np.int64)
        for end, corner, size in zip(ends, corner_xyz, scale, strict=True)
    )
    planes = 2 * np.arange(surface.n_planes)
    low, high = of_z[np.maximum(planes - 1, 0)], of_z[np.minimum(planes + 1, len(of_z) - 1)]
    for z in range(int(low[0]), int(high[-1]) + 1):
        slab = surface.slab(int(np.searchsorted(high, z)), int(np.searchsorted(low, z, "right")))
        columns = _columns(slab.vertices, slab.faces, of_x - of_x[0], of_y - of_y[0], of_z - z)
        order = np.argsort(columns, kind="stable")
        order = order[np.searchsorted(columns[order], 0) :]
        for some in np.split(order, np.flatnonzero(np.diff(columns[order])) + 1):
            if len(some):
                x, y = divmod(int(columns[some[0]]), int(of_y[-1] - of_y[0]) + 1)
                numbers, own = np.unique(slab.faces[some], return_inverse=True)
                points = (slab.vertices[numbers] + corner_xyz) * scale
                cell = int(of_x[0]) + x, int(of_y[0]) + y, z
                local = own.reshape(-1, 3).astype(np.int32)
                yield cell, slab.first + numbers.astype(np.int64), points, local


@njit(cache=True, nogil=True)
def _columns(
    vertices: NDArray[np.int64],
    faces: NDArray[np.uint32],
    of_x: Numbers,
    of_y: Numbers,
    of_z: Numbers,
) -> Numbers:
    """Return the column of cells of each triangle, where its lowest corner is; -1 of other z.

    The tables have the place of a cell by coordinate.
    """
    found = np.empty(len(faces), np.int64)
    for face in range(len(faces)):
        p, q, r = vertices[faces[face, 0]], vertices[faces[face, 1]], vertices[faces[face, 2]]
        found[face] = of_x[min(p[0], q[0], r[0])] * (of_y[-1] + 1) + of_y[min(p[1], q[1], r[1])]
        if of_z[min(p[2], q[2], r[2])] != 0:
            found[face] = -1
    return found
