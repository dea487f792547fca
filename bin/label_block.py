#!/usr/bin/env python3
"""LABEL_BLOCK: label the connected components of one block on its own."""

from kit.tasks import Bundle, Unit, main
from voxels.boxes import Box
from voxels.label import label_block
from voxels.volumes import read_array, write_array, write_surface


def label(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `labels.zarr`, `surface.npz` and how many labels it has."""
    (pulled,) = unit.inputs
    asked = unit.arguments
    labels, statistics = label_block(
        read_array(pulled.directory / "voxels.zarr"),
        Box.parse(asked["box"]).corner_zyx,
        asked["connectivity"],
        asked["component_of"],
        asked["foreground_above"],
    )
    write_array(bundle.directory / "labels.zarr", labels)
    write_surface(bundle.directory / "surface.npz", labels, statistics)
    bundle.attributes["n_labels"] = len(statistics.voxel_count)


if __name__ == "__main__":
    main("LABEL_BLOCK", label, software=("connected-components-3d", "numpy", "tensorstore"))
