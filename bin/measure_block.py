#!/usr/bin/env python3
"""MEASURE_BLOCK: measure the segments of one block, and the image there."""

from dataclasses import replace

from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import software, voxels_of
from reading.pulled import keep_pulled
from voxels.boxes import Box
from voxels.labelling import segment_ids
from voxels.measuring import measure
from voxels.surface import write_columns, write_planes


def measure_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: tables in the order of segment ids, and its outer planes."""
    asked = unit.arguments
    if take(unit, bundle, others=unit.inputs[unit.settings["n_segment_inputs"] :]):
        return
    box = Box.parse(asked["box"])
    of_segments, of_image = _sources(unit)
    voxels = segment_ids(voxels_of(of_segments, box), box.corner_zyx)
    image = voxels_of(of_image, box) if of_image else None
    found = measure(voxels, image, asked.get("histogram_bins", 1))
    write_planes(bundle.directory / "planes.arrow", found.labels)
    write_columns(bundle.directory / "segments.arrow", found.segments)
    write_columns(bundle.directory / "contacts.arrow", found.contacts)
    if found.histogram is not None:
        write_columns(bundle.directory / "histogram.arrow", found.histogram)
    bundle.attributes["n_block_segments"] = len(found.segments["segment_id"])
    keep_pulled(unit, bundle)


def _sources(unit: Unit) -> tuple[Unit, Unit | None]:
    """Return the unit as one that reads the segmentation, and as one that reads the image."""
    asked, first = unit.arguments, unit.settings["n_segment_inputs"]
    others = {name: value for name, value in asked.items() if name != "source"}
    own = replace(unit, inputs=unit.inputs[:first])
    if "intensity" not in asked:
        return own, None
    image = others | asked["intensity"]
    return own, replace(unit, inputs=unit.inputs[first:], arguments=image)


if __name__ == "__main__":
    main(
        "MEASURE_BLOCK",
        measure_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
