"""The surface of one segment from its cubes: vertices and triangles in one order, without a hash.

A vertex is the middle of a line between two neighbouring voxels. Of the four cubes at that line the
first one, whose far corner it ends in, makes the vertex; the others find it by their distance to
that one, which only grows as they come in order.
"""

from collections.abc import Sequence
from typing import Any

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
    depth, height, width = map(int, shape_zyx)
    case = cubes & (1 << CASE_BITS) - 1
    base = np.zeros(len(cubes) + 1, np.int64)
    np.cumsum(cases.FAR_COUNT[case], out=base[1:])
    if base[-1] > VERTICES_MAX:
        raise ValueError(f"a mesh of {base[-1]} vertices is too large: it may have {VERTICES_MAX}")
    vertices = np.empty((int(base[-1]), 3), np.int64)
    faces = np.empty((int(cases.FACE_COUNT[case].sum()), 3), np.uint32)
    row, plane = width + 1, (height + 1) * (width + 1)
    steps = np.array([z * plane + y * row + x for z, y, x in _LINES], np.int64)
    if not _surface(cubes, base, steps, row, height + 1, vertices, faces, _LINE):
        raise ValueError("cubes of the segment are missing: those of all its blocks are needed")
    return vertices, faces


@njit(cache=True, nogil=True)
def _surface(
    cubes: NDArray[np.int64],
    base: NDArray[np.int64],
    steps: NDArray[np.int64],
    width: int,
    height: int,
    vertices: Vertices,
    faces: Faces,
    line: NDArray[np.int64],
) -> Any:
    """Write vertices and faces; tell whether each cube that should make a vertex was there."""
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
        vertex = base[at]
        for axis in range(3):
            if cases.FAR[case, axis]:
                vertices[vertex, 0] = 2 * x + 1 - (axis == 0)
                vertices[vertex, 1] = 2 * y + 1 - (axis == 1)
                vertices[vertex, 2] = 2 * z + 1 - (axis == 2)
                vertex += 1
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
            numbers[edge] = base[maker] + cases.RANK[making, axis]
        for one in range(cases.FACE_COUNT[case]):
            for corner in range(3):
                faces[face, corner] = numbers[cases.FACE_EDGES[case, one, corner]]
            face += 1
    return True
