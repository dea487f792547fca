#!/usr/bin/env python3
"""MERGE_BASINS: join the labels of a cutout's blocks into supervoxels, and number these."""

from functools import partial
from typing import Any

import pyarrow as pa
from kit.tasks import main
from numpy.typing import NDArray
from stitch import Stitched, stitch_blocks
from voxels.arrow import column


def supervoxel_table(columns: dict[str, NDArray[Any]]) -> pa.Table:
    """Supervoxel table as Arrow has it: as of components, without segment ids."""
    return pa.table({name: column(columns[of]) for name, of in COLUMNS.items()})


COLUMNS = {
    "supervoxel_id": "component_id",
    "supervoxel_voxel_count": "voxel_count",
    **{f"supervoxel_{axis}{end}": f"bbox_{axis}{end}" for axis in "xyz" for end in "01"},
    **{f"supervoxel_centroid_{axis}": f"centroid_{axis}" for axis in "xyz"},
    **{f"supervoxel_centroid_{axis}_nm": f"centroid_{axis}_nm" for axis in "xyz"},
}
"""What columns of components are called of supervoxels."""

SUPERVOXELS = Stitched(
    "n_basins",
    "supervoxel",
    "supervoxel_volume",
    ("channel_id", "block", "basin_paramset_id", "basin_surroundings", "join_neighbourhood"),
    supervoxel_table,
)

merge_basins = partial(stitch_blocks, made=SUPERVOXELS)


if __name__ == "__main__":
    main("MERGE_BASINS", merge_basins, software=("numpy", "pyarrow", "scipy"))
