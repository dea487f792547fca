#!/usr/bin/env python3
"""RELABEL_BLOCK: write one block of the segmentation, its labels turned into component ids."""

import json

import numpy as np
from kit.tasks import Bundle, Unit, main
from voxels.boxes import Box
from voxels.encoding import EncodedLabels
from voxels.segmentation import write_block


def relabel_block(unit: Unit, bundle: Bundle) -> None:
    """Write the block's chunks into the segmentation's volume, and leave the digest of them."""
    stitched, labelled = unit.inputs
    asked = unit.arguments
    box = Box.parse(asked["box"])
    slices = json.loads((stitched.directory / "lookup.json").read_text(encoding="utf-8"))
    lookup = np.load(stitched.directory / "lookup.npy", mmap_mode="r", allow_pickle=False)
    files, bundle.attributes["chunks_sha256"] = write_block(
        stitched.directory / "segmentation",
        bundle.directory,
        box,
        asked["block_shape_zyx"],
        asked["origin_zyx"],
        EncodedLabels.read(labelled.directory),
        np.array(lookup[slice(*slices[box.name])]),
    )
    bundle.outside += files


if __name__ == "__main__":
    main("RELABEL_BLOCK", relabel_block, software=("numba", "numpy", "tensorstore"))
