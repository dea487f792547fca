"""Loops of meshes, compiled before the first task needs them."""

import numpy as np

from ..boxes import Box
from . import cells, cubes, distances, gathered, loops, measures, simplify, triangles


def compile_all() -> None:
    """Compile what a run needs, on a mesh of one voxel."""
    for dtype in (np.uint8, np.uint16, np.uint32, np.uint64):
        found = cubes.of(np.pad(np.ones((1, 1, 1), dtype), 1), (-1, -1, -1), (1, 1, 1))
    gathered.united([(Box.of((0, 0, 0), (1, 1, 1)), found)])
    packed = loops.pack(found.cubes, found.offsets[:-1], found.offsets[1:])
    loops.unpack(*packed, np.empty_like(found.cubes))
    vertices, faces = triangles.of(found.cubes, found.shape_zyx)
    measures.of(vertices, faces, (1.0, 1.0, 1.0))
    surface = triangles.Surface(found.cubes, found.shape_zyx)
    list(cells.of_surface(surface, np.zeros(3, np.int64), (1.0, 1.0, 1.0), 1.0))
    points = vertices.astype(np.float64)
    simplify.to(points, faces, 0.6, 100.0)
    distances.bounds(points, np.zeros(len(points), np.int64), points, faces, 0.0)
