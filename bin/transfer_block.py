#!/usr/bin/env python3
"""TRANSFER_BLOCK: write one block of a cutout into the new volume, and read it back."""

import shutil

from kit import bundles, outside
from kit.taking import take
from kit.tasks import main
from kit.units import Bundle, Unit
from reading import reader, software
from reading.earlier import places_in
from voxels.archives.places.destinations import Destination
from voxels.boxes import Box
from voxels.conversion import converted, quantized
from voxels.made_files import digest_of, write
from voxels.made_volumes import Volume


def transfer_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's files into the volume."""
    *inputs, created = unit.inputs
    asked, about = unit.arguments, created.manifest["arguments"]
    volume = Volume.of(about)
    box = Box.parse(asked["box"])
    dest = about["dest"] if bundle.kept else None
    if dest:
        begun = created.manifest["elsewhere"]
        marker = begun.get("marker", {"request": created.key["request_id"]})
        Destination(dest).refuse_other(marker)
    made = bundle.directory / "volume"
    if not take(unit, bundle, places_in(volume)):
        voxels = reader(unit, inputs, box)(box)
        if "value_range" in asked:
            voxels = quantized(voxels, volume.dtype, *map(float, asked["value_range"]))
        else:
            voxels = converted(voxels, volume.dtype)
        written = write(volume, 0, voxels, box, made)
        bundle.attributes["written_sha256"] = written
        bundle.made_sha256 = digest_of(volume.dtype, [(box, written)])
    if about["dest"]:
        if dest and not bundle.made_meanwhile:
            destination = Destination(dest)
            destination.refuse_other(marker)
            files = destination.put(made)
            bundle.elsewhere = {"place": dest, "marker": marker, "files": files}
        shutil.rmtree(made)
        return
    directory = created.file("volume")
    with bundles.held(created, directory) as held:
        outside.put(bundle, made, directory, held)


if __name__ == "__main__":
    main(
        "TRANSFER_BLOCK",
        transfer_block,
        software=("numpy", "obstore", "tensorstore"),
        of_unit=software,
    )
