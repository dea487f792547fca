"""Copying voxels of a volume into an array: by chunk where tensorstore would not find them."""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy.typing as npt
import tensorstore as ts

from ...boxes import Box, grid, snap
from .. import Refused
from ..places import kvstores
from ..places.kvstores import opened, wait
from .opening import open_zyx
from .precomputed import SUFFIXES, chunk_directory, unreadable
from .stated import Level

CHUNKS_AT_ONCE = 16
BYTES_AT_ONCE = 64 * 2**20


def copy(view: Any, part: Box, voxels: npt.NDArray[Any], box: Box, what: str) -> None:
    """Copy a part of a view to its place in the array of a box."""
    source = view[part.z0 : part.z1, part.y0 : part.y1, part.x0 : part.x1]
    target = ts.array(voxels[part.slices(box.corner_zyx)])
    wait(target.write(source), what, kvstores.VOXEL_LIMITS)


# ---- chunks that tensorstore would not find ----


def hides_chunks(level: Level, view: Any, box: Box, extent: Box) -> bool:
    """Tell whether chunks of the box may be there under names that only CloudVolume looks for."""
    if not level.precomputed or "sharding" in level.precomputed["scale"]:
        return False
    directory = chunk_directory(level)
    if not directory:
        # buckets say how an object is compressed
        return bool(level.spec["kvstore"]["driver"] == "http")
    return any(
        not os.path.exists(path) and any(os.path.exists(path + suffix) for suffix in SUFFIXES)
        for chunk in _chunks(view, box, extent)
        for path in [f"{directory}/{_whole(chunk, view, extent).name}"]
    )


def _chunks(view: Any, box: Box, extent: Box) -> list[Box]:
    return grid(box, view.chunk_layout.read_chunk.shape, extent.corner_zyx)


def _whole(part: Box, view: Any, extent: Box) -> Box:
    """Return the chunk that a part is of."""
    shape = view.chunk_layout.read_chunk.shape
    return Box.of(snap(part, shape, extent.corner_zyx).corner_zyx, shape).intersect(extent)


def copy_by_chunk(
    voxels: npt.NDArray[Any], level: Level, view: Any, box: Box, extent: Box, what: str
) -> None:
    """Fill a box of zeros chunk by chunk, whatever their names; tensorstore decodes what came."""
    assert level.precomputed
    scale = level.precomputed["scale"]
    store = opened(level.spec["kvstore"], kvstores.VOXEL_LIMITS, what)
    # A store in memory gets what was read, one chunk at a time, under the name it should have.
    context = ts.Context()
    memory = {"driver": "memory"}
    memory_store = wait(ts.KvStore.open(memory, context=context), what, kvstores.VOXEL_LIMITS)
    info = {key: value for key, value in level.precomputed.items() if key != "scale"}
    memory_store["info"] = json.dumps(info)
    decoded = open_zyx(level._replace(spec=level.spec | {"kvstore": memory}), what, context=context)

    def fill(part: Box) -> None:
        name = f"{scale['key']}/{_whole(part, view, extent).name}"
        content = _chunk_bytes(store, name, what)
        if content is None:
            return  # never written: zero
        memory_store[name] = content
        copy(decoded, part, voxels, box, what)
        del memory_store[name]

    parts = _chunks(view, box, extent)
    chunk_bytes = math.prod(view.chunk_layout.read_chunk.shape) * voxels.itemsize
    workers = max(1, min(CHUNKS_AT_ONCE, BYTES_AT_ONCE // (2 * chunk_bytes)))
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(fill, parts):
            pass


def _chunk_bytes(store: Any, name: str, what: str) -> bytes | None:
    """Return a chunk as it is encoded, or None if there is none."""
    for suffix in ("", *SUFFIXES):
        answer = wait(store.read(name + suffix), what, kvstores.VOXEL_LIMITS)
        if answer.state == "missing":
            continue
        content: bytes = answer.value
        if suffix not in ("", ".gz"):
            raise unreadable(what, suffix)
        # A server may have unpacked it on the way.
        if suffix and content.startswith(b"\x1f\x8b"):
            try:
                return gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise Refused(f"{what} can't be read: {name}{suffix} is damaged: {error}") from None
        return content
    return None
