#!/usr/bin/env python3
"""SURFACE_BLOCK: the cubes that the surfaces of a block's segments cross."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import software, voxels_of
from voxels.arrow import column, strings
from voxels.boxes import Box
from voxels.meshes import cube_files, gathered
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
    box = Box.parse(asked["box"])
    found = gathered.of_block(voxels_of(unit, box), box.corner_zyx)
    sharding = Sharding(asked["buckets"].bit_length() - 1)
    slices = cube_files.write(bundle.directory / "cubes.arrow", found, sharding)
    table = {
        name: column(np.array([getattr(one, name) for one in slices], np.int64))
        for name in ("bucket", "n_cubes", "start", "end")
    }
    table["digest"] = strings([one.digest for one in slices])
    pq.write_table(pa.table(table), bundle.directory / "slices.parquet")
    bundle.attributes["n_surfaces"] = len(found.segment_ids)
    bundle.attributes["n_cubes"] = len(found.cubes)


if __name__ == "__main__":
    main(
        "SURFACE_BLOCK",
        surface_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
