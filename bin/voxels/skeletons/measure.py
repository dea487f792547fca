"""What is measured of a skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

import numpy as np

from .teasar import Skeleton


class Measures(NamedTuple):
    """What is told of a skeleton.

    Attributes
    ----------
    cable_length_nm : float
        Of all edges.
    n_branches, n_ends : int
        Vertices with three edges or more, and with one.
    max_radius_nm : float
        0 where there is no vertex.
    """

    cable_length_nm: float
    n_branches: int
    n_ends: int
    max_radius_nm: float


def of(skeleton: Skeleton, voxel_size_nm_zyx: Sequence[float]) -> Measures:
    """Measure a skeleton; the length is exact up to a rounding for each edge."""
    ends = skeleton.vertices[skeleton.edges.astype(np.int64)].astype(np.float64)
    steps = (ends[:, 0] - ends[:, 1]) * np.array(voxel_size_nm_zyx, np.float64)
    degrees = np.bincount(skeleton.edges.ravel(), minlength=len(skeleton.vertices))
    return Measures(
        fsum(np.sqrt((steps**2).sum(axis=1)).tolist()),
        int((degrees > 2).sum()),
        int((degrees == 1).sum()),
        float(skeleton.radius_nm.max(initial=0)),
    )
