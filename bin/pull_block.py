#!/usr/bin/env python3
"""PULL_BLOCK: read a block's voxels from the archive into the store."""

import hashlib
import os

from kit.tasks import Bundle, Unit, main
from voxels.archives import archive_of
from voxels.boxes import Box
from voxels.volumes import write_array


def pull_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `voxels.zarr` and the digest of its voxels."""
    asked = unit.arguments
    box = Box.parse(asked["box"])
    voxels = archive_of(asked["uri"]).read(
        asked["uri"],
        asked["resolution"],
        unit.settings["host"],
        os.environ.get("BOSSDB_TOKEN", "").strip() or "public",
        asked["dtype"],
        box,
        unit.settings["verify"],
    )
    write_array(bundle.directory / "voxels.zarr", voxels)
    little_endian = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    bundle.attributes["voxels_sha256"] = hashlib.sha256(little_endian.data).hexdigest()


if __name__ == "__main__":
    main("PULL_BLOCK", pull_block, software=("intern", "numpy", "tensorstore"))
