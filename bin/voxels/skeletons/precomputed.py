"""Skeletons in Neuroglancer's precomputed format.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/skeletons.md
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..meshes import shard
from ..meshes.shard import Sharding
from ..meshes.single import SHARE, moved_nm
from .teasar import Skeleton


def info(sharding: Sharding | None = None) -> dict[str, Any]:
    """Return the `info` of skeletons whose unit is the nanometre, with a radius at each vertex.

    Parameters
    ----------
    sharding : Sharding, optional
        Without it, each is a file of its own, named by the segment's id.
    """
    return {
        "@type": "neuroglancer_skeletons",
        "transform": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
        "vertex_attributes": [{"id": "radius", "data_type": "float32", "num_components": 1}],
    } | ({"sharding": sharding.metadata} if sharding else {})


def encoded(skeleton: Skeleton, voxel_size_nm_zyx: Sequence[float]) -> bytes:
    """Return a skeleton: vertices in nm (XYZ) and edges, then the radii.

    Raises
    ------
    ValueError
        If 32-bit floats would move a vertex, by more than a hundredth of a voxel's shortest side.
    """
    places = skeleton.places_nm(voxel_size_nm_zyx)
    if (moved := moved_nm(places)) > SHARE * min(voxel_size_nm_zyx):
        raise ValueError(
            f"32-bit floats would move a vertex by {moved:.3g} nm, as it is so far from 0"
        )
    parts = [
        np.array([len(places), len(skeleton.edges)], "<u4"),
        places.astype("<f4"),
        skeleton.edges.astype("<u4"),
        skeleton.radius_nm.astype("<f4"),
    ]
    return b"".join(part.tobytes() for part in parts)


def write(path: Path, skeletons: Iterable[tuple[int, bytes]], sharding: Sharding) -> None:
    """Write a shard of segments' encoded skeletons, in `Sharding.order`."""
    shard.write(path, ((segment, b"", content) for segment, content in skeletons), sharding)
