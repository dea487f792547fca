#!/usr/bin/env python3
"""PULL_BLOCK: read a block's voxels from the archive into the store."""

import hashlib
import os
from functools import cache
from typing import Any

from kit.tasks import main
from kit.units import Bundle, Unit
from reading import software
from voxels.archives import Refused, archive_of
from voxels.arrays import write_array
from voxels.boxes import Box


def pull_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: `voxels.zarr` and the digest of its voxels."""
    asked, settings = unit.arguments, unit.settings
    token = os.environ.get("BOSSDB_TOKEN", "").strip() or "public"
    channel = asked["uri"], asked["resolution"], settings["host"], token
    chosen, planned = asked.get("chosen", {}), settings["metadata"]
    how = (*channel, tuple(chosen.items()), tuple(planned.get("voxel_size_nm_zyx", ())))
    _refuse_changed(asked["uri"], planned, _at_first(*how))
    voxels = archive_of(asked["uri"]).read(
        *channel, asked["dtype"], Box.parse(asked["box"]), settings["verify"], chosen
    )
    # Again: voxels that came while the channel was replaced may be of either.
    _refuse_changed(asked["uri"], planned, _described(*how))
    write_array(bundle.directory / "voxels.zarr", voxels)
    little_endian = voxels.astype(voxels.dtype.newbyteorder("<"), copy=False)
    bundle.attributes["voxels_sha256"] = hashlib.sha256(little_endian.data).hexdigest()


def _described(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    chosen: tuple[tuple[str, int], ...],
    size_nm_zyx: tuple[float, ...],
) -> dict[str, Any]:
    """Return the metadata as they are now; a volume that states no voxel size has PLAN's."""
    ask = archive_of(uri).describe
    return ask(uri, resolution, host, token, True, dict(chosen), size_nm_zyx)


_at_first = cache(_described)  # once a task


def _refuse_changed(uri: str, planned: dict[str, Any], now: dict[str, Any]) -> None:
    who = "archive" if uri.startswith("bossdb://") else "volume"
    for name, value in planned.items():
        if now[name] != value:
            raise Refused(
                f"{uri} changed since PLAN: {name} was {value}, the {who} now says "
                f"{now[name]}; run again"
            )


if __name__ == "__main__":
    main("PULL_BLOCK", pull_block, software=("intern", "numpy", "tensorstore"), of_unit=software)
