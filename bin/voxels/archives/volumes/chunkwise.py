"""Chunks of precomputed volumes that are fetched by name or number, not through tensorstore's view.

Those of compressed_segmentation are decoded by loops of our own, which take half to two thirds of
tensorstore's time; those that only CloudVolume would find, under names of its own, by tensorstore,
from a store in memory.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import time
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorstore as ts

from ... import pyramid, shards
from ...boxes import Box, grid, snap
from .. import Refused
from ..places import kvstores
from ..places.kvstores import opened, under, wait
from .copying import BYTES_AT_ONCE, copy
from .opening import open_zyx
from .precomputed import SUFFIXES, chunk_directory, unreadable
from .stated import Level

_WORTH_LOOPS = 2**20
"""Voxels of a box for which it is worth to load the loops."""

_INDEX_BYTES = 2**24
"""Of the indices of shards, which are kept."""

Fetch = Callable[[Sequence[Box]], list[bytes | None]]
Put = Callable[[Box, Box, bytes], None]


def goes_by_chunk(level: Level, view: Any, box: Box, extent: Box) -> bool:
    """Tell whether the chunks of a box are read here."""
    return _has_loops(level, box) or _hides_chunks(level, view, box, extent)


def copy_by_chunk(
    voxels: npt.NDArray[Any], level: Level, view: Any, box: Box, extent: Box, what: str
) -> None:
    """Fill the array of a box chunk by chunk; what was never written is zero.

    Raises
    ------
    Refused, Unreachable
        If a chunk is damaged, or can't be read.
    """
    parts = _chunks(view, box, extent)
    wholes = [_whole(part, view, extent) for part in parts]
    fetch = (_in_shards if _is_sharded(level) else _in_files)(level, view, extent, what)
    put = (_decoded if _has_loops(level, box) else _by_tensorstore)(level, voxels, box, what)
    chunk_bytes = math.prod(view.chunk_layout.read_chunk.shape) * voxels.itemsize
    number = max(1, BYTES_AT_ONCE // chunk_bytes)
    for first in range(0, len(parts), number):
        some = slice(first, first + number)
        contents = fetch(wholes[some])
        for part, whole, content in zip(parts[some], wholes[some], contents, strict=True):
            if content is None:
                voxels[part.slices(box.corner_zyx)] = 0
            else:
                put(part, whole, content)


def _chunks(view: Any, box: Box, extent: Box) -> list[Box]:
    return grid(box, view.chunk_layout.read_chunk.shape, extent.corner_zyx)


def _whole(part: Box, view: Any, extent: Box) -> Box:
    """Return the chunk that a part is of."""
    shape = view.chunk_layout.read_chunk.shape
    return Box.of(snap(part, shape, extent.corner_zyx).corner_zyx, shape).intersect(extent)


def _is_sharded(level: Level) -> bool:
    return bool(level.precomputed and "sharding" in level.precomputed["scale"])


def _has_loops(level: Level, box: Box) -> bool:
    if not level.precomputed or box.voxel_count < _WORTH_LOOPS:
        return False
    scale = level.precomputed["scale"]
    inside = not {"", ".", ".."} & set(scale["key"].split("/"))
    return inside and scale["encoding"] == "compressed_segmentation"


def _hides_chunks(level: Level, view: Any, box: Box, extent: Box) -> bool:
    """Tell whether chunks of the box may be there under names that only CloudVolume looks for."""
    if not level.precomputed or _is_sharded(level):
        return False
    directory = chunk_directory(level)
    if not directory:
        return _may_hide(level)
    return any(
        not os.path.exists(path) and any(os.path.exists(path + suffix) for suffix in SUFFIXES)
        for chunk in _chunks(view, box, extent)
        for path in [f"{directory}/{_whole(chunk, view, extent).name}"]
    )


def _may_hide(level: Level) -> bool:
    """Tell whether there may be such names: buckets say how an object is compressed."""
    return level.spec["kvstore"]["driver"] in ("file", "http")


# ---- where chunks are fetched ----


def _in_files(level: Level, view: Any, extent: Box, what: str) -> Fetch:
    """Return what fetches chunks from files of their own, also from those that are hidden."""
    assert level.precomputed
    start = f"{level.precomputed['scale']['key']}/"
    store = opened(level.spec["kvstore"], kvstores.VOXEL_LIMITS, what)
    suffixes = SUFFIXES if _may_hide(level) else ()

    def fetch(chunks: Sequence[Box]) -> list[bytes | None]:
        found: dict[Box, bytes] = {}
        for suffix in ("", *suffixes):
            left = [chunk for chunk in chunks if chunk not in found]
            asked = [store.read(start + chunk.name + suffix) for chunk in left]
            for chunk, future in zip(left, asked, strict=True):
                answer = wait(future, what, kvstores.VOXEL_LIMITS)
                if answer.state != "missing":
                    found[chunk] = _unpacked(answer.value, start + chunk.name, suffix, what)
        return [found.get(chunk) for chunk in chunks]

    return fetch


def _unpacked(content: bytes, name: str, suffix: str, what: str) -> bytes:
    """Return a chunk as it is encoded, of a file of CloudVolume's."""
    if suffix not in ("", ".gz"):
        raise unreadable(what, suffix)
    # A server may have unpacked it on the way.
    if suffix and content.startswith(b"\x1f\x8b"):
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise Refused(f"{what} can't be read: {name}{suffix} is damaged: {error}") from None
    return content


def _in_shards(level: Level, view: Any, extent: Box, what: str) -> Fetch:
    """Return what fetches chunks from shards, whose indices are kept, and looked at again."""
    assert level.precomputed
    scale = level.precomputed["scale"]
    base = under(level.spec["kvstore"], scale["key"])
    store = _shards(json.dumps({"base": base, "metadata": scale["sharding"]}), what)
    numbered = pyramid.Level((1, 1, 1), extent, tuple(view.chunk_layout.read_chunk.shape))
    began = time.time()

    def fetch(chunks: Sequence[Box]) -> list[bytes | None]:
        with ts.Batch() as batch:
            asked = [
                store.read(
                    shards.chunk_number(numbered, chunk).to_bytes(8, "big"),
                    staleness_bound=began,
                    batch=batch,
                )
                for chunk in chunks
            ]
        answers = [wait(future, what, kvstores.VOXEL_LIMITS) for future in asked]
        return [None if answer.state == "missing" else answer.value for answer in answers]

    return fetch


@cache
def _shards(spec: str, what: str) -> Any:
    cache_pool = {"cache_pool": {"total_bytes_limit": _INDEX_BYTES}}
    shared = kvstores.shared_context(kvstores.VOXEL_LIMITS)
    context = ts.Context(ts.Context.Spec(cache_pool), shared)
    future = ts.KvStore.open(
        {"driver": "neuroglancer_uint64_sharded", **json.loads(spec)}, context=context
    )
    return wait(future, what, kvstores.VOXEL_LIMITS)


# ---- how chunks are decoded ----


def _decoded(level: Level, voxels: npt.NDArray[Any], box: Box, what: str) -> Put:
    """Return what decodes compressed_segmentation into the array of a box."""
    from ...decoding import decode  # numba takes a while

    assert level.precomputed
    cell_zyx = level.precomputed["scale"]["compressed_segmentation_block_size"][::-1]
    channel = dict(level.chosen).get("channel", 0)

    def put(part: Box, whole: Box, content: bytes) -> None:
        try:
            if len(content) % 4:
                raise ValueError(f"its {len(content)} bytes are no words of 32 bits")
            decode(np.frombuffer(content, "<u4"), whole, cell_zyx, voxels, box, channel)
        except ValueError as error:
            raise Refused(
                f"{what} can't be read: its chunk {whole.name} is damaged: {error}"
            ) from None

    return put


def _by_tensorstore(level: Level, voxels: npt.NDArray[Any], box: Box, what: str) -> Put:
    """Return what has tensorstore decode chunks into the array of a box."""
    assert level.precomputed
    # A store in memory gets one chunk at a time, under the name that it should have.
    context = ts.Context()
    memory = {"driver": "memory"}
    store = wait(ts.KvStore.open(memory, context=context), what, kvstores.VOXEL_LIMITS)
    info = {key: value for key, value in level.precomputed.items() if key != "scale"}
    store["info"] = json.dumps(info)
    decoded = open_zyx(level._replace(spec=level.spec | {"kvstore": memory}), what, context=context)

    def put(part: Box, whole: Box, content: bytes) -> None:
        name = f"{level.precomputed['scale']['key']}/{whole.name}" if level.precomputed else ""
        store[name] = content
        copy(decoded, part, voxels, box, what)
        del store[name]

    return put
