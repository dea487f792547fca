#!/usr/bin/env python3
"""BASIN_BLOCK: find the supervoxels of one block, as far as it alone can tell."""

import numpy as np
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import of_each, software, voxels_of
from reading.pulled import keep_pulled, keep_seen
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
    keep_seen(unit, bundle)


def _of_each_axis(unit: Unit) -> list[Unit]:
    """Return the unit as one that reads the affinities along z, y and x."""
    return of_each(unit, unit.arguments["affinities"])


if __name__ == "__main__":
    main(
        "BASIN_BLOCK",
        basin_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=lambda unit: software(_of_each_axis(unit)[0]),
    )
