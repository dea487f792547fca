"""What is measured of a skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .teasar import Skeleton


class Measures(NamedTuple):
    """Length of all edges, vertices with three edges or more and with one, the largest radius."""

    cable_length_nm: float
    n_branches: int
    n_ends: int
    max_radius_nm: float


def of(skeleton: Skeleton, voxel_size_nm_zyx: Sequence[float]) -> Measures:
    """Measure a skeleton."""
    raise NotImplementedError
