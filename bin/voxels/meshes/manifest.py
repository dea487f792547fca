"""The manifest of a multi-resolution mesh, which tells the nodes of its levels.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md
"""

import numpy as np

from . import draco
from .levels import Levels


def of(levels: Levels, sizes: list[list[int]]) -> bytes:
    """Return the manifest of a mesh.

    Parameters
    ----------
    levels : Levels
    sizes : list of list of int
        Bytes of each node's data, by level; 0 of one without triangles.
    """
    parts = [
        np.array(levels.node_nm_xyz, "<f4"),
        np.array(levels.origin_nm_xyz, "<f4"),
        np.array([len(levels.nodes)], "<u4"),
        np.array(levels.scales_nm, "<f4"),
        np.zeros(3 * len(levels.nodes), "<f4"),
        np.array([len(nodes) for nodes in levels.nodes], "<u4"),
    ]
    for nodes, bytes_of_nodes in zip(levels.nodes, sizes, strict=True):
        positions = np.array([node.position_xyz for node in nodes], "<u4").reshape(-1, 3)
        parts += [np.ascontiguousarray(positions.T), np.array(bytes_of_nodes, "<u4")]
    return b"".join(part.tobytes() for part in parts)


def encoded(levels: Levels) -> tuple[bytes, bytes]:
    """Return a mesh's data, node after node, and its manifest."""
    data = [
        [draco.encode(node.vertices, node.faces) if len(node.faces) else b"" for node in nodes]
        for nodes in levels.nodes
    ]
    sizes = [[len(content) for content in contents] for contents in data]
    return b"".join(content for contents in data for content in contents), of(levels, sizes)
