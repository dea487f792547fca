"""Nodes of the octree of a mesh, and how long a mesh may be: positions are whole numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BITS = 16
"""Of a position within a node."""

SIDE_VOXELS = 256
"""Side of a node of the finest level, in sides of voxels, of their shortest."""

_LONGEST = 2**31  # so that products of two positions fit into 64 bits


def side_nm(voxel_nm: Sequence[float]) -> float:
    """Return the side of a node of the finest level."""
    return SIDE_VOXELS * min(voxel_nm)


def step_nm(node_nm_xyz: Sequence[float] | NDArray[Any], bits: int = BITS) -> NDArray[np.float64]:
    """Return how far apart positions are, along each axis; a node's sides are 32-bit floats."""
    node = np.array(node_nm_xyz, np.float32).astype(np.float64)
    step: NDArray[np.float64] = node / (2**bits - 1)
    return step


def check(sides_nm_xyz: Sequence[float] | NDArray[Any], step_nm_xyz: NDArray[np.float64]) -> None:
    """Refuse a mesh that is too long for its nodes.

    Parameters
    ----------
    sides_nm_xyz : sequence of 3 float
        From the least position of the mesh to the largest.
    step_nm_xyz : float64 array, shape (3,)
        As `step_nm` returns it.

    Raises
    ------
    ValueError
    """
    if (np.rint(np.divide(sides_nm_xyz, step_nm_xyz)) >= _LONGEST).any():
        sides = ",".join(f"{side:.15g}" for side in sides_nm_xyz)
        most = float(np.min(step_nm_xyz)) * (_LONGEST - 1)
        raise ValueError(
            f"a mesh of {sides} nm (x,y,z) is too long for levels of detail: with these voxels, "
            f"{most:.12g} nm are the most"
        )
