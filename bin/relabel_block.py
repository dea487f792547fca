#!/usr/bin/env python3
"""RELABEL_BLOCK: write one block of the segmentation, its labels turned into component ids."""

import json

import numpy as np
from kit.tasks import Bundle, Unit, main
from voxels.boxes import Box
from voxels.label import relabel
from voxels.volumes import digest_ids, read_array, write_block


def relabel_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's chunks into the segmentation's volume, and leave the digest of its ids."""
    stitched, labelled = unit.inputs
    asked = unit.arguments
    box = Box.parse(asked["box"])
    slices = json.loads((stitched.directory / "lookup.json").read_text(encoding="utf-8"))
    lookup = np.load(stitched.directory / "lookup.npy", mmap_mode="r", allow_pickle=False)
    ids = relabel(
        read_array(labelled.directory / "labels.zarr"),
        np.array(lookup[slice(*slices[box.name])]),
    )
    bundle.outside += write_block(
        stitched.directory / "segmentation",
        box,
        asked["block_shape_zyx"],
        asked["origin_zyx"],
        ids,
    )
    bundle.attributes["labels_sha256"] = digest_ids(ids)


if __name__ == "__main__":
    main("RELABEL_BLOCK", relabel_block, software=("fastremap", "numpy", "tensorstore"))
