#!/usr/bin/env python3
"""LABEL_BLOCK: label the connected components of one block on its own."""

from kit.tasks import Bundle, Unit, main
from voxels.boxes import Box
from voxels.label import label_block
from voxels.surface import write_planes, write_statistics
from voxels.volumes import read_array, write_array


def label(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its labels, and what stitching needs of them."""
    (pulled,) = unit.inputs
    asked = unit.arguments
    box = Box.parse(asked["box"])
    labels, statistics = label_block(
        read_array(pulled.directory / "voxels.zarr"),
        box.corner_zyx,
        asked["connectivity"],
        asked["component_of"],
        asked["foreground_above"],
    )
    write_array(bundle.directory / "labels.zarr", labels)
    write_planes(bundle.directory / "planes.arrow", labels)
    write_statistics(bundle.directory / "statistics.arrow", statistics, box)
    bundle.attributes["n_labels"] = len(statistics.voxel_count)


if __name__ == "__main__":
    main(
        "LABEL_BLOCK",
        label,
        software=("connected-components-3d", "numpy", "pyarrow", "tensorstore"),
    )
