"""Skeletons as SWC, a file for each segment."""

from __future__ import annotations

from collections.abc import Sequence

from .teasar import Skeleton

UNITS = {"nm": 1.0, "um": 1000.0}


def encoded(skeleton: Skeleton, voxel_size_nm_zyx: Sequence[float], unit: str) -> bytes:
    """Return the file of a skeleton, in `unit`; a root for each tree."""
    raise NotImplementedError
