#!/usr/bin/env python3
"""FIT_MIXTURE: two Gaussians that make up the values of all blocks of a cutout."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import stream
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import strings
from voxels.detection.mixture import fit
from voxels.surface import read_columns

SOURCE = ("block", "histogram_paramset_id")


def fit_mixture(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one cutout: the darker Gaussian, and the brighter one."""
    counts = np.zeros(np.iinfo(unit.arguments["dtype"]).max + 1, np.int64)
    for path in stream(unit.inputs, "histogram.arrow"):
        columns = read_columns(path)
        counts[columns["value"]] += columns["voxel_count"].astype(np.int64)
    mixture = fit(counts, unit.arguments["iterations"])
    for name, pair in zip(("weight", "mean", "variance"), mixture, strict=True):
        bundle.attributes |= dict(zip((f"dark_{name}", f"bright_{name}"), pair, strict=True))
    sources = {name: strings([one.key[name] for one in unit.inputs]) for name in SOURCE}
    pq.write_table(pa.table(sources), bundle.directory / "source.parquet")
    bundle.parts["Source"] = "source.parquet"


if __name__ == "__main__":
    main("FIT_MIXTURE", fit_mixture, software=("numpy", "pyarrow"))
