#!/usr/bin/env python3
"""REMAP_BLOCK: write one block of a segmentation with the ids that a table gives, on all levels."""

import numpy as np
from kit import bundles, outside
from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import reader, software
from reading.earlier import places_in
from voxels.boxes import Box
from voxels.downsampling import coarser, downsample
from voxels.id_tables import IdTable
from voxels.made_files import digest_of, write
from voxels.made_volumes import Volume
from voxels.remapping import remapped
from voxels.surface import write_columns

TABLE = ("ids.npy", "targets.npy")


def remap_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's files into the volume, and what segments it had and has."""
    *inputs, begun = unit.inputs
    asked = unit.arguments
    volume = Volume.of(begun.manifest["arguments"])
    box = Box.parse(asked["box"])
    directory, made = begun.file("volume"), bundle.directory / "volume"
    with bundles.held(begun, directory) as held:
        if not take(unit, bundle, places_in(volume)):
            columns = (
                np.load(begun.file(name), mmap_mode="r") for name in ("ids.npy", "targets.npy")
            )
            found = remapped(
                reader(unit, inputs, box)(box),
                IdTable(*columns),
                asked["missing"] == "keep",
                box.corner_zyx,
            )
            write_columns(bundle.directory / "before.arrow", found.before)
            write_columns(bundle.directory / "segments.arrow", found.after)
            bundle.attributes["n_remapped_segments"] = len(found.after["segment_id"])
            inside, voxels, written = box, found.voxels, []
            for number, step in enumerate([(1, 1, 1), *asked["steps_zyx"]]):
                if number:
                    voxels = downsample(voxels, inside.corner_zyx, step, volume.method)
                    inside = coarser(inside, step)
                written.append((inside, write(volume, number, voxels, inside, made)))
            bundle.made_sha256 = digest_of(volume.dtype, written)
        outside.put(bundle, made, directory, held)


if __name__ == "__main__":
    main(
        "REMAP_BLOCK",
        remap_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=software,
    )
