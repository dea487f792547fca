#!/usr/bin/env python3
"""SURFACE_BLOCK: the cubes that the surfaces of a block's segments cross."""

from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import sliced, software, voxels_of
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
    sliced.write(bundle.directory, slices, "n_cubes")
    bundle.attributes["n_surfaces"] = len(found.segment_ids)
    bundle.attributes["n_cubes"] = len(found.cubes)


if __name__ == "__main__":
    main(
        "SURFACE_BLOCK",
        surface_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
