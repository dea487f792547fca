"""Marching cubes' table, made from one rule about a face of the cube, and not copied.

A cube lies between 2x2x2 voxels. Corner `4 z + 2 y + x` of it is bit of that number in its case,
set where the voxel is inside. Edges are numbered by axis (x, y, z), and on each by their corners.
W. E. Lorensen and H. E. Cline, Marching cubes, SIGGRAPH 1987.
"""

from itertools import product

import numpy as np

_BIT = (1, 2, 4)
"""Of a corner's number, by axis: x, y, z."""

EDGES = [(axis, corner) for axis in range(3) for corner in range(8) if not corner & _BIT[axis]]
"""Axis and lower corner of each of the 12 edges."""

_NUMBER = {edge: number for number, edge in enumerate(EDGES)}

FACES_MAX = 5
"""Triangles that a cube has at most."""


def _around(axis: int, side: int) -> list[int]:
    """Return the corners of a face, counterclockwise for who looks at the cube from outside."""
    b, c = _BIT[(axis + 1) % 3], _BIT[(axis + 2) % 3]
    corners = [side * _BIT[axis] + more for more in (0, b, b + c, c)]
    return corners if side else corners[::-1]


def _edge(one: int, other: int) -> int:
    return _NUMBER[_BIT.index(one ^ other), min(one, other)]


_FACES = [_around(axis, side) for axis, side in product(range(3), range(2))]
_SHARED = [
    {_edge(face[at - 1], face[at]) for at in range(4)}  # edges of each face
    for face in _FACES
]


def _loops(case: int) -> list[list[int]]:
    """Return the closed lines in which a surface meets the cube's faces, as edges in order.

    On a face, what is inside is cut off run by run: two corners across from each other are apart.
    So the two cubes at a face draw the same lines there, in opposite directions.
    """
    following = {}
    for face in _FACES:
        inside = [case >> corner & 1 for corner in face]
        for at in range(4):
            if inside[at] and not inside[at - 1]:
                end = at
                while inside[(end + 1) % 4]:
                    end += 1
                leaves = _edge(face[end % 4], face[(end + 1) % 4])
                following[_edge(face[at - 1], face[at])] = leaves
    loops = []
    while following:
        first = min(following)
        loop, edge = [first], following.pop(first)
        while edge != first:
            loop.append(edge)
            edge = following.pop(edge)
        loops.append(loop)
    return loops


def _fan(loop: list[int]) -> list[tuple[int, int, int]]:
    """Cut a loop into triangles from the corner that has the fewest diagonals in a face."""

    def in_faces(at: int) -> int:
        others = [loop[(at + step) % len(loop)] for step in range(2, len(loop) - 1)]
        return sum(any({loop[at], other} <= face for face in _SHARED) for other in others)

    start = min(range(len(loop)), key=in_faces)
    turned = loop[start:] + loop[:start]
    return [(turned[0], turned[at], turned[at + 1]) for at in range(1, len(turned) - 1)]


FACE_COUNT = np.zeros(256, np.int64)
"""Triangles of each case."""

FACE_EDGES = np.zeros((256, FACES_MAX, 3), np.int64)
"""The edges that the corners of a case's triangles lie on; seen from outside counterclockwise."""

EDGE_COUNT = np.zeros(256, np.int64)
"""Edges with a voxel inside and one outside, of each case."""

CROSSED = np.zeros((256, 12), np.int64)
"""These edges, in order."""

for _case in range(256):
    _faces = [face for loop in _loops(_case) for face in _fan(loop)]
    _crossed = sorted({edge for face in _faces for edge in face})
    FACE_COUNT[_case], EDGE_COUNT[_case] = len(_faces), len(_crossed)
    FACE_EDGES[_case, : len(_faces)] = np.reshape(_faces, (-1, 3))
    CROSSED[_case, : len(_crossed)] = _crossed

AXIS = np.array([axis for axis, _ in EDGES])
"""The axis of each edge."""

BACK_ZYX = np.array(
    [
        [-1 if axis != along and not corner & _BIT[along] else 0 for along in (2, 1, 0)]
        for axis, corner in EDGES
    ]
)
"""Steps, ZYX, to the cube whose far corner (7) an edge touches: of the four, the first."""

_FAR = [max(edge for edge in range(12) if EDGES[edge][0] == axis) for axis in range(3)]

FAR = np.array(
    [[edge in CROSSED[case, : EDGE_COUNT[case]] for edge in _FAR] for case in range(256)]
)
"""Whether the edge at the far corner, by case and axis, is crossed: there the vertex is made."""

RANK = np.cumsum(FAR, axis=1) - FAR
"""Its place among those."""

FAR_COUNT = FAR.sum(axis=1)
"""Vertices that are made by a cube, of each case."""
