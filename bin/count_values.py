#!/usr/bin/env python3
"""COUNT_VALUES: how often each value is in one block."""

import numpy as np
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import software, voxels_of
from voxels.boxes import Box
from voxels.detection.mixture import histogram
from voxels.surface import write_columns


def count_values(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `histogram.arrow`, of the values that occur."""
    counts = histogram(voxels_of(unit, Box.parse(unit.arguments["box"])))
    values = np.flatnonzero(counts)
    columns = {"value": values, "voxel_count": counts[values]}
    write_columns(bundle.directory / "histogram.arrow", columns)
    bundle.attributes["n_block_values"] = len(values)


if __name__ == "__main__":
    main(
        "COUNT_VALUES",
        count_values,
        software=("numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
