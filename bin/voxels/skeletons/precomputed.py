"""Skeletons in Neuroglancer's precomputed format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..meshes.shard import Sharding
from .teasar import Skeleton


def info(sharding: Sharding | None = None) -> dict[str, Any]:
    """Return the `info` of a directory of skeletons in nm with their radii."""
    raise NotImplementedError


def encoded(skeleton: Skeleton, voxel_size_nm_zyx: Sequence[float]) -> bytes:
    """Return a skeleton; ValueError if 32-bit floats would move a vertex."""
    raise NotImplementedError


def write(path: Path, skeletons: Iterable[tuple[int, bytes]], sharding: Sharding) -> None:
    """Write a shard of encoded skeletons by segment id, in `Sharding.order`."""
    raise NotImplementedError
