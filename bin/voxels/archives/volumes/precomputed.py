"""Neuroglancer's precomputed volumes: their levels, and where their chunks lie."""

from __future__ import annotations

import os
from typing import Any

from .. import Refused
from ..places import kvstores
from ..places.kvstores import json_at, told
from .stated import Level

# CloudVolume appends these to the names of chunks that it writes compressed, and only it looks
# for them: to others such a chunk is not there, and so zero.
SUFFIXES = (".gz", ".br", ".zstd")


def levels(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    """Return the scales of a precomputed volume, as its `info` lists them."""
    info = told(json_at(uri, kvstore, "info"))
    if info is None:
        why = kvstores.hint(uri, kvstore) or "it has no info file"
        raise Refused(f"there is no precomputed volume at {uri}: {why}")
    if not info.get("scales"):
        raise Refused(f"{uri} is no volume: its info file lists no scales")
    kind = "annotation" if info.get("type") == "segmentation" else "image"
    every = [tuple(map(float, scale["resolution"][::-1])) for scale in info["scales"]]
    finest_zyx = tuple(map(min, zip(*every, strict=True)))
    scales = []
    for index, scale in enumerate(info["scales"]):
        if not isinstance(scale["key"], str):
            raise ValueError(f"key {scale['key']}")
        spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": index}
        pairs = zip(every[index], finest_zyx, strict=True)
        # voxels of all scales begin at 0, so that their middles are elsewhere
        middle_zyx = tuple((size - finest) / 2 for size, finest in pairs)
        axes = ("x", "y", "z", "channel")
        level = Level(spec, axes, kind, every[index], (1.0, 1.0, 1.0), middle_zyx)
        scales.append(level._replace(precomputed=info | {"scale": scale}))
    return scales


def compressed_files(level: Level) -> str:
    """Return what the name of a first chunk file ends with, if CloudVolume compressed it."""
    directory = chunk_directory(level)
    if not directory or not os.path.isdir(directory):
        return ""
    with os.scandir(directory) as files:
        name = next((file.name for file in files), "")
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def chunk_directory(level: Level) -> str | None:
    """Return where the chunks of a precomputed volume in files lie."""
    kvstore = level.spec["kvstore"]
    if not level.precomputed or kvstore["driver"] != "file":
        return None
    return str(kvstore["path"] + level.precomputed["scale"]["key"])


def unreadable(what: str, suffix: str) -> Refused:
    """Return what to say of chunks that only CloudVolume reads."""
    return Refused(
        f"{what} has chunks compressed as {suffix}, which only CloudVolume reads: write them "
        "uncompressed or as .gz"
    )
