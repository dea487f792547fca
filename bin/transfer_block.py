#!/usr/bin/env python3
"""TRANSFER_BLOCK: write one block of a cutout into the new volume, and read it back."""

from kit import bundles, outside
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.block_source import reader
from voxels.boxes import Box
from voxels.conversion import converted
from voxels.made_files import write
from voxels.made_volumes import Volume


def transfer_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's files into the volume."""
    created, *pulled = unit.inputs
    asked = unit.arguments
    volume = Volume.of(created.manifest["arguments"])
    box = Box.parse(asked["box"])
    read = reader(asked.get("source"), pulled[0].file("voxels.zarr") if pulled else None, box)
    directory, made = created.file("volume"), bundle.directory / "volume"
    with bundles.held(created, directory) as held:
        written = write(volume, 0, converted(read(box), volume.dtype), box, made)
        outside.put(bundle, made, directory, held)
    bundle.attributes["written_sha256"] = written


if __name__ == "__main__":
    main("TRANSFER_BLOCK", transfer_block, software=("numpy", "tensorstore"))
