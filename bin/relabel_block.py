#!/usr/bin/env python3
"""RELABEL_BLOCK: write one block of the segmentation, its labels turned into component ids.

What another request has made of the same labels and the same look-up table is taken from there.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from kit import bundles
from kit.bundles import Finished
from kit.tasks import Bundle, Unit, main
from voxels.boxes import Box
from voxels.encoding import EncodedLabels
from voxels.label import Labels
from voxels.segmentation import take_block, write_block


def relabel_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's chunks into the segmentation's volume."""
    stitched, labelled = unit.inputs
    asked = unit.arguments
    box = Box.parse(asked["box"])
    volume = stitched.directory / "segmentation"
    place = volume, bundle.directory, box, asked["block_shape_zyx"], asked["origin_zyx"]
    lookup = read_lookup(stitched.directory, asked["number"])
    lookup_sha256 = hashlib.sha256(lookup.data).hexdigest()
    bundle.attributes["lookup_sha256"] = lookup_sha256
    for earlier in unit.settings["earlier"]:
        try:
            found = find(unit, earlier, labelled, lookup_sha256)
            if found is None:
                continue
            files = checked_files(found)
            bundle.outside += take_block(*place, files[0].parents[1], files)
        except (OSError, ValueError) as error:
            print(f"{box.name} is not taken from request {earlier['request_id']}: {error}")
            continue
        bundle.taken_from = found.directory.as_uri()
        print(f"{box.name} is taken from request {earlier['request_id']}")
        return
    encoded = EncodedLabels.read(labelled.directory)
    bundle.outside += write_block(*place, encoded, lookup)


def read_lookup(directory: Path, number: int) -> Labels:
    """Component id by label of a block, by its number in the grid; reads nothing else."""
    starts = np.load(directory / "lookup_starts.npy", mmap_mode="r", allow_pickle=False)
    start, end = starts[number : number + 2].tolist()
    lookup = np.load(directory / "lookup.npy", mmap_mode="r", allow_pickle=False)
    return np.array(lookup[start:end])


def find(
    unit: Unit, earlier: dict[str, Any], labelled: Finished, lookup_sha256: str
) -> Finished | None:
    """Bundle of the same block in an earlier request, if it was made of the same.

    Raises
    ------
    ValueError
        If there is one that is none.
    """
    name = bundles.unit_id(unit.process, unit.key | {"request_id": earlier["request_id"]})
    try:
        found = bundles.read(bundles.place(bundles.local(earlier["store"]), unit.process, name))
    except FileNotFoundError:
        return None
    same = (
        found.manifest["inputs"][1] == labelled.as_input
        and found.manifest["attributes"]["lookup_sha256"] == lookup_sha256
    )
    return found if same else None


def checked_files(found: Finished) -> list[Path]:
    """Files of a block in its volume.

    Raises
    ------
    ValueError
        If one is missing or not what was recorded.
    """
    store = found.directory.parents[2]
    bundles.verify(found, store)
    return [store / entry["path"] for entry in found.manifest["files"]]


if __name__ == "__main__":
    main("RELABEL_BLOCK", relabel_block, software=("numba", "numpy", "tensorstore"))
