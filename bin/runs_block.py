#!/usr/bin/env python3
"""RUNS_BLOCK: the voxels of a block's segments, as runs along x."""

from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import sliced, software, voxels_of
from voxels.boxes import Box
from voxels.meshes.shard import Sharding
from voxels.skeletons import run_files


def runs_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its runs by bucket, and a digest of each bucket's.

    They are counted from the block's first voxel, and so follow from its voxels alone.
    """
    if take(unit, bundle):
        return
    asked = unit.arguments
    box = Box.parse(asked["box"])
    found = run_files.of_block(voxels_of(unit, box), box.corner_zyx)
    sharding = Sharding(asked["buckets"].bit_length() - 1)
    slices = run_files.write(bundle.directory / "runs.arrow", found, sharding)
    sliced.write(bundle.directory, slices, "n_runs")
    bundle.attributes["n_run_segments"] = len(found.segment_ids)
    bundle.attributes["n_runs"] = len(found.runs)


if __name__ == "__main__":
    main(
        "RUNS_BLOCK",
        runs_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
