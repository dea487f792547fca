"""Skeletons of segments by TEASAR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .sparse import Runs


class Teasar(NamedTuple):
    """How skeletons are drawn, in the words of kimimaro and Igneous.

    Attributes
    ----------
    scale, const_nm : float
        A line stands for all voxels within `scale` times the distance to the boundary and
        `const_nm`.
    pdrf_scale : float
    pdrf_exponent : int
    dust_threshold : int
        Components of fewer voxels have no skeleton.
    """

    scale: float = 1.5
    const_nm: float = 300.0
    pdrf_scale: float = 100_000.0
    pdrf_exponent: int = 4
    dust_threshold: int = 1000


class Skeleton(NamedTuple):
    """A forest: a tree for each component.

    Attributes
    ----------
    vertices : int32 array, shape (v, 3)
        ZYX, channel coordinates of voxels; a vertex is its voxel's middle, half a voxel on.
    edges : uint32 array, shape (e, 2)
    radius_nm : float32 array, shape (v,)
        Distance to the nearest voxel that is not of the segment.
    """

    vertices: NDArray[np.int32]
    edges: NDArray[np.uint32]
    radius_nm: NDArray[np.float32]


def skeletonize(runs: Runs, voxel_size_nm_zyx: Sequence[float], how: Teasar) -> Skeleton:
    """Draw the skeleton of a segment."""
    raise NotImplementedError
