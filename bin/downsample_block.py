#!/usr/bin/env python3
"""DOWNSAMPLE_BLOCK: make one block of all levels, each of the one before."""

from kit import bundles, outside
from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import reader, software
from reading.earlier import places_in
from voxels.boxes import Box
from voxels.downsampling import Chunks, coarser, pyramid
from voxels.made_files import digest_of, write
from voxels.made_volumes import Volume


def downsample_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's files of every level into the volume."""
    *inputs, created = unit.inputs
    asked = unit.arguments
    volume = Volume.of(created.manifest["arguments"])
    box = Box.parse(asked["box"])
    directory, made = created.file("volume"), bundle.directory / "volume"
    with bundles.held(created, directory) as held:
        if not take(unit, bundle, places_in(volume)):
            how = asked["steps_zyx"], volume.method, Chunks(*unit.settings["chunks"])
            inside, written = box, []
            levels = pyramid(reader(unit, inputs, box), box, volume.dtype, *how)
            for number, voxels in enumerate(levels):
                inside = coarser(inside, asked["steps_zyx"][number])
                written.append((inside, write(volume, number, voxels, inside, made)))
            bundle.made_sha256 = digest_of(volume.dtype, written)
        outside.put(bundle, made, directory, held)


if __name__ == "__main__":
    main(
        "DOWNSAMPLE_BLOCK",
        downsample_block,
        software=("numba", "numpy", "tensorstore"),
        of_unit=software,
    )
