#!/usr/bin/env python3
"""CREATE_PYRAMID: begin the volume that downsampled levels are written to."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import column
from voxels.made_metadata import create
from voxels.made_volumes import Volume


def create_pyramid(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of a pyramid: what describes its volume, in `volume/`, and no chunk yet."""
    volume = Volume.of(unit.arguments)
    create(volume, bundle.directory / "volume")
    factors = np.array([level.factor_zyx for level in volume.levels], np.int64)
    columns = {"level": column(np.arange(len(factors), dtype=np.int32))}
    for axis, name in enumerate("zyx"):
        columns[f"factor_{name}"] = column(factors[:, axis])
    pq.write_table(pa.table(columns), bundle.directory / "level.parquet")
    bundle.attributes["n_levels"] = len(factors)
    bundle.urls["pyramid"] = "volume"
    bundle.parts["Level"] = "level.parquet"


if __name__ == "__main__":
    main("CREATE_PYRAMID", create_pyramid, software=("pyarrow",))
