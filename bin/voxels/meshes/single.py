"""A mesh as one file: Neuroglancer's legacy format, and what other programs read."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMATS = ("ply", "obj", "glb")


def legacy(vertices_nm: NDArray[np.floating[Any]], faces: NDArray[np.integer[Any]]) -> bytes:
    """Return a fragment of Neuroglancer's legacy format.

    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md
    """
    count = np.array([len(vertices_nm)], "<u4")
    parts = count, vertices_nm.astype("<f4"), faces.astype("<u4")
    return b"".join(part.tobytes() for part in parts)


def legacy_manifest(name: str) -> bytes:
    """Return what stands in `<segment id>:0`: the name of its one fragment."""
    return json.dumps({"fragments": [name]}).encode()


def encoded(
    vertices_nm: NDArray[np.floating[Any]], faces: NDArray[np.integer[Any]], form: str
) -> bytes:
    """Return a mesh as `ply`, `obj` or `glb`, positions in nm, as 32-bit floats in all but obj."""
    import trimesh

    mesh = trimesh.Trimesh(vertices_nm, faces, process=False)
    content = mesh.export(file_type=form)
    return content.encode() if isinstance(content, str) else bytes(content)
