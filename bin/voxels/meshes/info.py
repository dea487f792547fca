"""What stands in a directory of meshes beside them."""

from typing import Any

from .shard import Sharding


def of(bits: int, sharding: Sharding) -> dict[str, Any]:
    """Return the `info` of multi-resolution meshes in shards, whose unit is the nanometre.

    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/meshes.md

    Parameters
    ----------
    bits : int
        Of a position within a node: 10 or 16.
    sharding : Sharding
    """
    return {
        "@type": "neuroglancer_multilod_draco",
        "vertex_quantization_bits": bits,
        "transform": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0],
        "lod_scale_multiplier": 1,
        "sharding": sharding.metadata,
    }


def legacy() -> dict[str, Any]:
    """Return the `info` of meshes of one resolution, a file each."""
    return {"@type": "neuroglancer_legacy_mesh"}
