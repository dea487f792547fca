#!/usr/bin/env python3
"""DOWNSAMPLE_BLOCK: make one block of all levels, each of the one before."""

from kit import bundles, outside
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.block_source import reader
from voxels.boxes import Box
from voxels.downsampling import coarser, pyramid
from voxels.made_files import write
from voxels.made_volumes import Volume


def downsample_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's files of every level into the volume."""
    created, *pulled = unit.inputs
    asked = unit.arguments
    volume = Volume.of(created.manifest["arguments"])
    box = Box.parse(asked["box"])
    read = reader(asked.get("source"), pulled[0].file("voxels.zarr") if pulled else None, box)
    how = asked["steps_zyx"], volume.method, unit.settings["layer"]
    directory, made = created.file("volume"), bundle.directory / "volume"
    with bundles.held(created, directory) as held:
        inside = box
        for number, voxels in enumerate(pyramid(read, box, volume.dtype, *how)):
            inside = coarser(inside, asked["steps_zyx"][number])
            write(volume, number, voxels, inside, made)
        outside.put(bundle, made, directory, held)


if __name__ == "__main__":
    main("DOWNSAMPLE_BLOCK", downsample_block, software=("numba", "numpy", "tensorstore"))
