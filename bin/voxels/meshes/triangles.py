"""The surface of one segment from its cubes: vertices and triangles in one order, without a hash.

A vertex is the middle of a line between two neighbouring voxels. Of the four cubes at that line the
first one, whose far corner it ends in, makes the vertex; the others find it by their distance to
that one, which only grows as they come in order.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from . import cases
from .cubes import CASE_BITS

VERTICES_MAX = 2**32 - 1
"""Of a mesh: every format numbers them with 32 bits."""

Vertices = NDArray[np.int64]
Faces = NDArray[np.uint32]

_LINES = sorted({tuple(step) for step in cases.BACK_ZYX.tolist()})
_LINE = np.array([_LINES.index(tuple(step)) for step in cases.BACK_ZYX.tolist()])


class Slab(NamedTuple):
    """Triangles of some planes of cubes, and the vertices that they have.

    Attributes
    ----------
    first : int
        Number of the first vertex here, among those of the whole surface.
    vertices : int64 array, shape (n, 3)
        As of the whole surface, one after the other.
    faces : uint32 array, shape (m, 3)
        By the places of vertices here.
    """

    first: int
    vertices: Vertices
    faces: Faces


class Surface:
    """The closed surface of a segment, made whole or in slabs.

    Parameters
    ----------
    cubes : int64 array
        All cubes of the segment, in order, as in `Cubes`.
    shape_zyx : sequence of 3 int
        Voxels of the whole.

    Attributes
    ----------
    cubes, shape_zyx
    n_planes : int
        Planes of cubes.
    n_vertices, n_faces : int

    Raises
    ------
    ValueError
        If there are more vertices than 32 bits can number.
    """

    def __init__(self, cubes: NDArray[np.int64], shape_zyx: Sequence[int]) -> None:
        depth, height, width = map(int, shape_zyx)
        self.cubes, self.shape_zyx, self.n_planes = cubes, (depth, height, width), depth + 1
        self._row, self._plane = width + 1, (height + 1) * (width + 1)
        ends = np.arange(depth + 2, dtype=np.int64) * self._plane << CASE_BITS
        self._starts = np.searchsorted(cubes, ends)
        self._vertices, self._faces = _counts(cubes, self._starts)
        self.n_vertices, self.n_faces = int(self._vertices[-1]), int(self._faces[-1])
        if self.n_vertices > VERTICES_MAX:
            raise ValueError(
                f"a mesh of {self.n_vertices} vertices is too large: it may have {VERTICES_MAX}"
            )

    def slab(self, start: int, end: int) -> Slab:
        """Return the triangles of the planes from one to before another.

        Raises
        ------
        ValueError
            If cubes are missing.
        """
        before = max(start - 1, 0)  # its vertices are those of the next plane, too
        first, loud, last = self._starts[[before, start, end]].tolist()
        number = int(self._vertices[before])
        vertices = np.empty((int(self._vertices[end]) - number, 3), np.int64)
        faces = np.empty((int(self._faces[end] - self._faces[start]), 3), np.uint32)
        steps = np.array([z * self._plane + y * self._row + x for z, y, x in _LINES], np.int64)
        height, cubes = self._plane // self._row, self.cubes[first:last]
        if not _surface(cubes, loud - first, steps, self._row, height, vertices, faces, _LINE):
            raise ValueError("cubes of the segment are missing: those of all its blocks are needed")
        return Slab(number, vertices, faces)

    def slabs(self, n_faces: int) -> Iterator[Slab]:
        """Yield all triangles in slabs of so many, or of one plane where that has more."""
        start = 0
        while start < self.n_planes:
            most = self._faces[start] + n_faces
            end = max(start + 1, int(np.searchsorted(self._faces, most, "right")) - 1)
            yield self.slab(start, end)
            start = end


def of(cubes: NDArray[np.int64], shape_zyx: Sequence[int]) -> tuple[Vertices, Faces]:
    """Return the closed surface of a segment.

    Parameters
    ----------
    cubes : int64 array
        All cubes of one segment, in order, as in `Cubes`.
    shape_zyx : sequence of 3 int
        Voxels of the whole.

    Returns
    -------
    vertices : int64 array, shape (n, 3)
        XYZ, in half voxels from the whole's first voxel, which reaches from 0 to 2: of each
        vertex, two are odd and one even. All differ.
    faces : uint32 array, shape (m, 3)
        Triangles, counterclockwise for who looks from outside.

    Raises
    ------
    ValueError
        If cubes are missing, or there are more vertices than 32 bits can number.
    """
    surface = Surface(cubes, shape_zyx)
    _, vertices, faces = surface.slab(0, surface.n_planes)
    return vertices, faces


@njit(cache=True, nogil=True)
def _counts(
    cubes: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return how many vertices, and triangles, there are before each plane of cubes."""
    vertices, faces = np.zeros(len(starts), np.int64), np.zeros(len(starts), np.int64)
    for plane in range(len(starts) - 1):
        vertices[plane + 1], faces[plane + 1] = vertices[plane], faces[plane]
        for at in range(starts[plane], starts[plane + 1]):
            vertices[plane + 1] += cases.FAR_COUNT[cubes[at] & 255]
            faces[plane + 1] += cases.FACE_COUNT[cubes[at] & 255]
    return vertices, faces


@njit(cache=True, nogil=True)
def _surface(
    cubes: NDArray[np.int64],
    quiet: int,
    steps: NDArray[np.int64],
    width: int,
    height: int,
    vertices: Vertices,
    faces: Faces,
    line: NDArray[np.int64],
) -> Any:
    """Write vertices and faces; tell whether each cube that should make a vertex was there.

    So many cubes at first make vertices only.
    """
    base = np.zeros(len(cubes) + 1, np.uint32)
    reached = np.zeros(len(steps), np.int64)  # of each step back, the cube that it led to last
    numbers = np.zeros(12, np.int64)
    face = 0
    row_end = z = y = 0
    for at in range(len(cubes)):
        position, case = cubes[at] >> CASE_BITS, cubes[at] & 255
        if position >= row_end:
            z, y = position // (width * height), position // width % height
            row_end = (position // width + 1) * width
        x = width - (row_end - position)
        vertex = np.int64(base[at])
        for axis in range(3):
            if cases.FAR[case, axis]:
                vertices[vertex, 0] = 2 * x + 1 - (axis == 0)
                vertices[vertex, 1] = 2 * y + 1 - (axis == 1)
                vertices[vertex, 2] = 2 * z + 1 - (axis == 2)
                vertex += 1
        base[at + 1] = vertex
        if at < quiet:
            continue
        for one in range(cases.EDGE_COUNT[case]):
            edge = cases.CROSSED[case, one]
            step = line[edge]
            wanted = position + steps[step]
            maker = reached[step]
            while cubes[maker] >> CASE_BITS < wanted:
                maker += 1
            reached[step] = maker
            making, axis = cubes[maker] & 255, cases.AXIS[edge]
            if cubes[maker] >> CASE_BITS != wanted or not cases.FAR[making, axis]:
                return False
            numbers[edge] = np.int64(base[maker]) + cases.RANK[making, axis]
        for one in range(cases.FACE_COUNT[case]):
            for corner in range(3):
                faces[face, corner] = numbers[cases.FACE_EDGES[case, one, corner]]
            face += 1
    return True
