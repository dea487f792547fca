#!/usr/bin/env python3
"""COLLECT_SKELETONS: the table of a cutout's skeletons, and what a viewer is told of them."""

from kit.tasks import main
from kit.units import Bundle, Unit
from reading import collected, sliced

NUMBERS = {
    "cable_length_nm": "cable length (nm)",
    "n_branches": "branches",
    "n_ends": "ends",
    "max_radius_nm": "largest radius (nm)",
}


def collect_skeletons(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: `skeletons/`, a row for each skeleton by segment id.

    `segment_properties/` goes beside the skeletons.
    """
    index, *buckets = unit.inputs
    segment = "skeletonized_segment_id"
    table = collected.rows(unit, bundle, "skeletons", segment, "skeleton_bucket", "Skeleton")
    bundle.attributes["n_skeletons"] = len(table)
    bundle.attributes["n_skeleton_rows"] = min(len(table), unit.settings["max_component_rows"])
    dust = sum(one.manifest["attributes"]["n_bucket_dust"] for one in buckets)
    bundle.attributes["n_dust_segments"] = dust
    bundle.urls["skeleton_table"] = "skeletons"
    beside = bundle.directory / "skeleton" / "segment_properties"
    collected.write_properties(beside, table, segment, NUMBERS)
    sliced.put(index, bundle, "skeleton")


if __name__ == "__main__":
    main("COLLECT_SKELETONS", collect_skeletons, software=("numpy", "pyarrow"))
