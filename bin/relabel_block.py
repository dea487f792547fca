#!/usr/bin/env python3
"""RELABEL_BLOCK: write one block of the segmentation, its labels turned into component ids.

What another request has made of the same labels and the same look-up table is taken from there.
"""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from kit import buckets, bundles, digests, locations, outside, verification
from kit.bundles import Finished
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.boxes import Box
from voxels.encoding import EncodedLabels
from voxels.labelling import Labels
from voxels.segmentation import take_block, write_block


def relabel_block(unit: Unit, bundle: Bundle, column: str = "lookup_sha256") -> None:
    """Write the block's chunks into the segmentation's volume.

    The digest of its look-up table becomes the attribute that `column` names.
    """
    volume = unit.inputs[0].file("segmentation/info").parent
    with bundles.held(unit.inputs[0], volume) as held:
        write(unit, bundle, volume, held, column)


def write(unit: Unit, bundle: Bundle, volume: Path, held: int, column: str) -> None:
    """Write the block's chunks into a volume whose directory is held."""
    stitched, labelled = unit.inputs
    asked = unit.arguments
    box = Box.parse(asked["box"])
    place = volume, bundle.directory, box, asked["block_shape_zyx"], asked["origin_zyx"]
    lookup = read_lookup(stitched, asked["number"])
    lookup_sha256 = hashlib.sha256(lookup.data).hexdigest()
    bundle.attributes[column] = lookup_sha256
    bundle.made_sha256 = digests.digest([labelled.content_sha256, lookup_sha256])
    for earlier in unit.settings["earlier"] if bundle.kept else ():
        try:
            same_block = find(unit, earlier, labelled, {column: lookup_sha256})
            if same_block is None:
                continue
            stamp = bundles.stamp(same_block.directory)
            files = checked_files(same_block)
            taken = take_block(*place, files[0].parents[1], files, held)
            if bundles.stamp(same_block.directory) != stamp:
                raise ValueError("it was made anew meanwhile")
        except (OSError, ValueError) as error:
            print(f"{box.name} is not taken from request {earlier['request_id']}: {error}")
            continue
        bundle.outside += taken
        bundle.taken_from = locations.url(same_block.directory)
        print(f"{box.name} is taken from request {earlier['request_id']}")
        return
    bundles.fetch([labelled], "labels.npy", "labels.zarr")
    encoded = EncodedLabels.read(labelled.at("labels.zarr").parent)
    if bundle.kept:
        bundle.outside += write_block(*place, encoded, lookup, held)
        return
    made = bundle.directory / "volume"
    made.mkdir()
    shutil.copyfile(volume / "info", made / "info")
    write_block(made, *place[1:], encoded, lookup)
    (made / "info").unlink()
    outside.put(bundle, made, volume, held)


def read_lookup(stitched: Finished, number: int) -> Labels:
    """Component id by label of a block, by its number in the grid; reads nothing else."""
    starts = np.load(stitched.file("lookup_starts.npy"), mmap_mode="r", allow_pickle=False)
    start, end, after = starts[[number, number + 1, -1]].tolist()
    ids = stitched.part("lookup.npy", 4 * (start - after), 4 * (end - after))
    return np.frombuffer(ids, "<u4").astype(np.uint32)


def find(
    unit: Unit, earlier: dict[str, Any], labelled: Finished, attributes: dict[str, str]
) -> Finished | None:
    """Bundle of the same block in an earlier request, if it was made of the same.

    None if it is in a bucket, too: to fetch the chunks takes no less than to make them.

    Raises
    ------
    ValueError
        If there is one that is none.
    """
    name = digests.unit_id(unit.process, unit.key | {"request_id": earlier["request_id"]})
    store = locations.local(earlier["store"])
    if buckets.holds(store):
        return None
    try:
        candidate = bundles.read(locations.place(store, unit.process, name))
    except FileNotFoundError:
        return None
    same = (
        candidate.manifest["inputs"][1] == labelled.as_input
        and candidate.manifest["attributes"] == attributes
    )
    return candidate if same else None


def checked_files(bundle: Finished) -> list[Path]:
    """Files of a block in its volume.

    Raises
    ------
    ValueError
        If one is missing or not what was recorded.
    """
    verification.verify(bundle, bundle.store)
    return [bundle.store / entry["path"] for entry in bundle.manifest["files"]]


if __name__ == "__main__":
    main("RELABEL_BLOCK", relabel_block, software=("numba", "numpy", "tensorstore"))
