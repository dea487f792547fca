#!/usr/bin/env python3
"""BASIN_BLOCK: find the supervoxels of one block, as far as it alone can tell."""

from dataclasses import replace
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import software, voxels_of
from reading.pulled import keep_pulled
from voxels.arrow import strings
from voxels.boxes import Box
from voxels.encoding import EncodedLabels
from voxels.surface import write_faces, write_planes, write_statistics
from voxels.watershed import basins, seen


def basin_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its labels, and what joining them to others' needs of them."""
    asked = unit.arguments
    box, within = Box.parse(asked["box"]), Box.parse(asked["within"])
    affinities = [
        voxels_of(one, seen(box, within, axis)) for axis, one in enumerate(_of_each_axis(unit))
    ]
    found = basins(affinities, box, within, asked["low_threshold"], asked["high_threshold"])
    del affinities
    encoded = EncodedLabels.of(found.labels, box, asked["chunk_shape_zyx"], asked["origin_zyx"])
    encoded.write(bundle.directory)
    write_planes(bundle.directory / "planes.arrow", found.labels)
    joins = {face: plane.astype(np.uint32) for face, plane in found.joins.items()}
    write_faces(bundle.directory / "joins.arrow", joins, box.shape_zyx)
    write_statistics(bundle.directory / "statistics.arrow", found.statistics, box)
    bundle.attributes["n_basins"] = len(found.statistics.voxel_count)
    keep_pulled(unit, bundle)
    seen_blocks = [(name, cell) for name, cells in unit.settings["seen"].items() for cell in cells]
    names = zip(("seen_channel_id", "seen_block"), zip(*seen_blocks, strict=True), strict=True)
    table = pa.table({name: strings([*values]) for name, values in names})
    pq.write_table(table, bundle.directory / "seen.parquet")
    bundle.parts["Seen"] = "seen.parquet"


def _of_each_axis(unit: Unit) -> list[Unit]:
    """Return the unit as one that reads the affinities along z, y and x."""
    ends = pairwise(accumulate(unit.settings["n_inputs"], initial=0))
    each = zip(unit.arguments["affinities"], ends, strict=True)
    return [
        replace(unit, inputs=unit.inputs[start:end], arguments=arguments)
        for arguments, (start, end) in each
    ]


if __name__ == "__main__":
    main(
        "BASIN_BLOCK",
        basin_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=lambda unit: software(_of_each_axis(unit)[0]),
    )
