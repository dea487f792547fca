"""Chunks of precomputed volumes as they are encoded: by name from files, by number from shards."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import tensorstore as ts

from ... import pyramid, shards
from ...boxes import Box
from ...files import PACKED
from ..places import kvstores
from ..places.kvstores import opened, under, wait
from .stated import Level

_INDEX_BYTES = 2**24
"""Of the indices of shards, which are kept."""

_PACKED = {
    ".gz": ("gzip", b"\x1f\x8b"),
    ".br": ("brotli", b""),
    ".zstd": ("zstd", b"\x28\xb5\x2f\xfd"),
}
"""By suffix, how a file is compressed, and the bytes with which it begins."""


Encoded = bytes | memoryview


class Content(NamedTuple):
    """A chunk as its file has it, and what the file's name ends with."""

    packed: bytes
    suffix: str = ""


Fetch = Callable[[Sequence[Box]], list[Content | None]]

_PIECE = b"\x1f\x8b\x08"
"""With which each piece of a file of gzip's begins."""

_own = threading.local()
"""Each thread's room for a chunk that is unpacked: fresh memory takes as long to get as to fill."""


def in_files(level: Level, view: Any, extent: Box, what: str) -> Fetch:
    """Return what fetches chunks from files of their own, also from those that are hidden."""
    assert level.precomputed
    start = f"{level.precomputed['scale']['key']}/"
    store = opened(level.spec["kvstore"], kvstores.VOXEL_LIMITS, what)

    def fetch(chunks: Sequence[Box]) -> list[Content | None]:
        found: dict[Box, Content] = {}
        for suffix in ("", *PACKED):
            left = [chunk for chunk in chunks if chunk not in found]
            asked = [store.read(start + chunk.name + suffix) for chunk in left]
            for chunk, future in zip(left, asked, strict=True):
                answer = wait(future, what, kvstores.VOXEL_LIMITS)
                if answer.state != "missing":
                    found[chunk] = Content(answer.value, suffix)
        return [found.get(chunk) for chunk in chunks]

    return fetch


def unpacked(content: Content, most: int) -> Encoded:
    """Return a chunk as it is encoded, of a file of CloudVolume's.

    It may be in memory that the thread unpacks the next chunk into.

    Raises
    ------
    ValueError
        If it is damaged, or unpacks to more bytes than a chunk has.
    """
    packed, suffix = content
    compression, start = _PACKED.get(suffix, ("", b""))
    # A server may have unpacked it on the way.
    if not suffix or not packed or not packed.startswith(start):
        return packed
    found = _by_libdeflate(packed, most) if compression == "gzip" else None
    return found if found is not None else _by_arrow(packed, compression, most)


def _by_libdeflate(packed: bytes, most: int) -> memoryview | None:
    """Return what a file holds that gzip packed in one piece, in a quarter of zlib's time, or None.

    Whatever is doubtful is left to zlib, which says what is wrong. A file may have several pieces,
    of which libdeflate would return the first; it ends with the size and the checksum of the last.
    """
    try:
        import deflate
    except ImportError:  # an outside image
        return None
    size = int.from_bytes(packed[-4:], "little")
    if size > most or packed.find(_PIECE, 1) != -1:
        return None
    try:
        found = deflate.gzip_decompress(packed, size)
    except (deflate.DeflateError, ValueError):
        return None
    is_all = deflate.crc32(found).to_bytes(4, "little") == packed[-8:-4] and len(found) == size
    return memoryview(found).toreadonly() if is_all else None


def _by_arrow(packed: bytes, compression: str, most: int) -> memoryview:
    import pyarrow as pa  # takes a while: only for those who unpack

    room = getattr(_own, "room", None)
    if room is None or len(room) <= most:
        room = _own.room = np.empty(most + 1, np.uint8)  # takes what is written of it
    size = 0
    try:
        with pa.CompressedInputStream(pa.py_buffer(packed), compression) as stream:
            while size <= most and (number := stream.readinto(room[size:])):
                size += number
    except OSError as error:
        raise ValueError(str(error)) from None
    if size > most:
        raise ValueError(f"it unpacks to more than {most} bytes")
    return memoryview(room.data)[:size].toreadonly()


def in_shards(level: Level, view: Any, extent: Box, what: str) -> Fetch:
    """Return what fetches chunks from shards, whose indices are kept, and looked at again."""
    assert level.precomputed
    scale = level.precomputed["scale"]
    base = under(level.spec["kvstore"], scale["key"])
    store = _shards(json.dumps({"base": base, "metadata": scale["sharding"]}), what)
    numbered = pyramid.Level((1, 1, 1), extent, tuple(view.chunk_layout.read_chunk.shape))
    began = time.time()

    def fetch(chunks: Sequence[Box]) -> list[Content | None]:
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
        return [None if answer.state == "missing" else Content(answer.value) for answer in answers]

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
