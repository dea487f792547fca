"""Neuroglancer's precomputed volumes: their levels, and where their chunks lie."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Any

from ...chunk_codecs import ONE_CHANNEL, PACKAGES
from ...files import PACKED
from .. import Refused, brief
from ..places import kvstores
from ..places.kvstores import json_at, told
from .stated import Level

_GRID = ("key", "size", "resolution", "voxel_offset", "chunk_sizes", "sharding")
_TENSORSTORE = ("raw", "jpeg", "png", "compressed_segmentation")


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


def own_encoding(level: Level) -> str:
    """Return the encoding of a level if tensorstore does not know it; else nothing."""
    scale = level.precomputed["scale"] if level.precomputed else {}
    return "" if _is_known(scale) else str(scale["encoding"])


def _is_known(scale: dict[str, Any]) -> bool:
    """Tell whether tensorstore knows an encoding; what it says where there is none is enough."""
    return scale.get("encoding", "raw") in _TENSORSTORE


def refuse_unknown(level: Level, uri: str) -> None:
    """Refuse chunks that nothing here decodes.

    Raises
    ------
    Refused
    """
    encoding = own_encoding(level)
    if not encoding:
        return
    if encoding not in PACKAGES:
        hint = "; write it as fpzip or raw" if encoding == "zfpc" else ""
        raise Refused(f"{uri} can't be read: {brief(encoding)} is no encoding that is read{hint}")
    module, package, extra = PACKAGES[encoding]
    if find_spec(module) is None:
        raise Refused(
            f"{uri} can't be read: its encoding {encoding} needs the Python package {package}, "
            f"which is missing; it comes with bossflow's extra {extra}"
        )
    assert level.precomputed
    if encoding in ONE_CHANNEL and level.precomputed.get("num_channels") != 1:
        raise Refused(
            f"{uri} can't be read: of {encoding}, volumes of several channels are not known"
        )


def in_words_of_tensorstore(info: dict[str, Any]) -> dict[str, Any]:
    """Return an `info` by which tensorstore tells of levels whose chunks it can't decode."""
    scales = [
        scale
        if _is_known(scale)
        else {key: scale[key] for key in _GRID if key in scale} | {"encoding": "raw"}
        for scale in info["scales"]
    ]
    return info | {"scales": scales}


def compressed_files(level: Level) -> str:
    """Return what the name of a first chunk file ends with, if CloudVolume compressed it."""
    directory = chunk_directory(level)
    if not directory or not os.path.isdir(directory):
        return ""
    with os.scandir(directory) as files:
        name = next((file.name for file in files), "")
    return next((suffix for suffix in PACKED if name.endswith(suffix)), "")


def chunk_directory(level: Level) -> str | None:
    """Return where the chunks of a precomputed volume in files lie."""
    kvstore = level.spec["kvstore"]
    if not level.precomputed or kvstore["driver"] != "file":
        return None
    return str(kvstore["path"] + level.precomputed["scale"]["key"])
