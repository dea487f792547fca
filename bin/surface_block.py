#!/usr/bin/env python3
"""SURFACE_BLOCK: the cubes that the surfaces of a block's segments cross."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from reading import software, voxels_of
from voxels.arrow import column, strings
from voxels.boxes import Box
from voxels.meshes import cube_files, gathered
from voxels.meshes.cubes import Cubes
from voxels.meshes.shard import Sharding


def surface_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its cubes by bucket, and a digest of each bucket's.

    Of the voxels around the block nothing is known, and they count as no segment's: where blocks
    meet, each has a part of a cube, and parts add up (`gathered`). So a block's cubes follow from
    its voxels alone, wherever it lies.
    """
    if take(unit, bundle):
        return
    asked = unit.arguments
    found = gathered.of_block(voxels_of(unit, Box.parse(asked["box"])))
    sharding = Sharding(asked["buckets"].bit_length() - 1)
    cube_files.write(bundle.directory / "cubes.arrow", found, sharding)
    bucket = sharding.shards(found.segment_ids)
    there = np.unique(bucket)
    sizes = np.bincount(bucket, np.diff(found.offsets), asked["buckets"])[there]
    table = {
        "bucket": column(there),
        "n_cubes": column(sizes.astype(np.int64)),
        "digest": strings([_digest(found, np.flatnonzero(bucket == one)) for one in there]),
    }
    pq.write_table(pa.table(table), bundle.directory / "slices.parquet")
    bundle.attributes["n_surfaces"] = len(found.segment_ids)
    bundle.attributes["n_cubes"] = len(found.cubes)


def _digest(found: Cubes, chosen: NDArray[np.intp]) -> str:
    """Return a hash of some segments: of their ids, how many cubes each has, and these."""
    digest = hashlib.sha256(found.segment_ids[chosen].data)
    digest.update(np.diff(found.offsets)[chosen].data)
    for at in chosen.tolist():
        digest.update(found.segment(at).data)
    return digest.hexdigest()[:32]


if __name__ == "__main__":
    main(
        "SURFACE_BLOCK",
        surface_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
