"""A mesh as one file: Neuroglancer's legacy format, and what other programs read."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMATS = ("ply", "obj", "glb")


SHARE = 0.01
"""Of a voxel's shortest side, what a position may be off where it is a 32-bit float."""

Points = NDArray[np.floating[Any]]
Faces = NDArray[np.integer[Any]]


def moved_nm(positions_nm: Points) -> float:
    """Return how far positions move at most, as they become 32-bit floats, in nm."""
    rounded = positions_nm.astype(np.float32).astype(np.float64)
    return float(np.abs(positions_nm - rounded).max(initial=0))


def legacy(vertices_nm: Points, faces: Faces, off_nm: float = 0.0) -> bytes:
    """Return a fragment of Neuroglancer's legacy format.

    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md

    Parameters
    ----------
    vertices_nm : array of floats, shape (n, 3)
        XYZ.
    faces : array of integers, shape (m, 3)
    off_nm : float
        How far a position may be moved, as it becomes a 32-bit float.

    Raises
    ------
    ValueError
        If one would be moved farther.
    """
    count = np.array([len(vertices_nm)], "<u4")
    parts = count, _rounded(vertices_nm, off_nm), faces.astype("<u4")
    return b"".join(part.tobytes() for part in parts)


def _rounded(vertices_nm: Points, off_nm: float) -> NDArray[np.float32]:
    if (moved := moved_nm(vertices_nm)) > off_nm:
        raise ValueError(
            f"32-bit floats would move a position by {moved:.3g} nm, as it is so far from 0"
        )
    return vertices_nm.astype("<f4")


def legacy_manifest(name: str) -> bytes:
    """Return what stands in `<segment id>:0`: the name of its one fragment."""
    return json.dumps({"fragments": [name]}).encode()


def encoded(vertices_nm: Points, faces: Faces, form: str, off_nm: float = 0.0) -> bytes:
    """Return a mesh as `ply`, `obj` or `glb`, positions in nm.

    In all but obj, which has them in decimals, they are 32-bit floats, as `legacy` has them.

    Raises
    ------
    ValueError
        If one would be moved farther than by `off_nm`.
    """
    import trimesh

    if form != "obj":
        _rounded(vertices_nm, off_nm)
    mesh = trimesh.Trimesh(vertices_nm, faces, process=False)
    content = mesh.export(file_type=form)
    return content.encode() if isinstance(content, str) else bytes(content)
