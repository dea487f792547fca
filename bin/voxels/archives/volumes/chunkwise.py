"""Chunks of precomputed volumes that are fetched by name or number, not through tensorstore's view.

Those of compressed_segmentation are decoded by loops of our own, which take half to two thirds of
tensorstore's time; those in encodings that tensorstore does not know in processes of their own, by
these encodings' packages; those that only CloudVolume would find, under names of its own, are
unpacked, and if they are pictures decoded by tensorstore, from a store in memory.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorstore as ts

from ...boxes import Box, grid, snap
from ...files import PACKED
from .. import Refused
from ..places import kvstores
from ..places.kvstores import wait
from . import apart, several
from .chunk_contents import Content, Encoded, in_files, in_shards, unpacked
from .copying import BYTES_AT_ONCE, copy
from .opening import open_zyx
from .precomputed import chunk_directory, in_words_of_tensorstore, own_encoding
from .stated import Level

_WORTH_LOOPS = 2**20
"""Voxels of a box for which it is worth to load the loops."""

_LOOPS_HERE = importlib.util.find_spec("numba") is not None
"""Not so in the image that pulls blocks: to compile them takes longer than they save there."""

_SMALL = 2**20
_WORTH_ANOTHER = 2**25
"""Bytes of voxels for which it is worth to start another process."""

_UNPACKED_MOST = 4
"""How many times as many bytes as voxels take a chunk may have that was unpacked."""

Put = Callable[[Box, Box, Encoded], None]


def goes_by_chunk(level: Level, view: Any, box: Box, extent: Box) -> bool:
    """Tell whether the chunks of a box are read here."""
    if own_encoding(level) or _has_loops(level, box):
        return True
    return _hides_chunks(level, view, box, extent)


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
    fetch = (in_shards if _is_sharded(level) else in_files)(level, view, extent, what)
    chunk_bytes = _chunk_bytes(level, view)
    put = _putting(level, voxels, box, what, chunk_bytes)

    def fill(part: Box, whole: Box, content: Content | None) -> None:
        if content is None:
            voxels[part.slices(box.corner_zyx)] = 0
            return
        try:
            put(part, whole, unpacked(content, _UNPACKED_MOST * chunk_bytes + _SMALL))
        except ValueError as error:
            raise Refused(
                f"{what} can't be read: its chunk {whole.name} is damaged: {error}"
            ) from None

    number = max(1, BYTES_AT_ONCE // chunk_bytes)
    threads = min(apart.AT_ONCE, 1 + len(parts) * chunk_bytes // _WORTH_ANOTHER)
    batches = [slice(first, first + number) for first in range(0, len(parts), number)]
    with ThreadPoolExecutor(threads) as pool, ThreadPoolExecutor(1) as fetching:
        fetched = fetching.submit(fetch, wholes[batches[0]])
        for some, following in zip_longest(batches, batches[1:]):
            contents = fetched.result()
            if following:
                fetched = fetching.submit(fetch, wholes[following])
            slow = own_encoding(level) or any(content and content.suffix for content in contents)
            for _ in (pool.map if slow else map)(fill, parts[some], wholes[some], contents):
                pass


def _chunk_bytes(level: Level, view: Any) -> int:
    """Return how many bytes the voxels of a chunk take, of all its channels."""
    voxels = math.prod(view.chunk_layout.read_chunk.shape)
    return int(voxels * view.dtype.numpy_dtype.itemsize * several.beside(level, view))


def _chunks(view: Any, box: Box, extent: Box) -> list[Box]:
    return grid(box, view.chunk_layout.read_chunk.shape, extent.corner_zyx)


def _whole(part: Box, view: Any, extent: Box) -> Box:
    """Return the chunk that a part is of."""
    shape = view.chunk_layout.read_chunk.shape
    return Box.of(snap(part, shape, extent.corner_zyx).corner_zyx, shape).intersect(extent)


def _is_sharded(level: Level) -> bool:
    return bool(level.precomputed and "sharding" in level.precomputed["scale"])


def _has_loops(level: Level, box: Box) -> bool:
    if not (_LOOPS_HERE and level.precomputed) or box.voxel_count < _WORTH_LOOPS:
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
        return True
    return any(
        not os.path.exists(path) and any(os.path.exists(path + suffix) for suffix in PACKED)
        for chunk in _chunks(view, box, extent)
        for path in [f"{directory}/{_whole(chunk, view, extent).name}"]
    )


def _putting(level: Level, voxels: npt.NDArray[Any], box: Box, what: str, chunk_bytes: int) -> Put:
    """Return what decodes chunks into the array of a box."""
    assert level.precomputed
    if _has_loops(level, box):
        return _by_loops(level, voxels, box)
    encoding = level.precomputed["scale"]["encoding"]
    if encoding in ("jpeg", "png", "compressed_segmentation"):
        return _by_tensorstore(level, voxels, box, what)
    channel = dict(level.chosen).get("channel", 0)
    channels = int(level.precomputed["num_channels"])

    def put(part: Box, whole: Box, content: Encoded) -> None:
        shape = (*whole.shape_zyx[::-1], channels)
        target, inside = voxels[part.slices(box.corner_zyx)], part.slices(whole.corner_zyx)
        if encoding == "raw":
            target[...] = _plain(content, shape, voxels.dtype)[..., channel].T[inside]
            return
        with apart.process(encoding, voxels.dtype.name, chunk_bytes) as process:
            target[...] = process.decode(content, shape)[..., channel].T[inside]

    return put


def _plain(content: Encoded, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    expected = math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(f"it has {len(content)} bytes, where {expected} were expected")
    return np.frombuffer(content, dtype.newbyteorder("<")).reshape(shape, order="F")


def _by_loops(level: Level, voxels: npt.NDArray[Any], box: Box) -> Put:
    """Return what decodes compressed_segmentation into the array of a box."""
    from ...decoding import decode  # numba takes a while

    assert level.precomputed
    cell_zyx = level.precomputed["scale"]["compressed_segmentation_block_size"][::-1]
    channel = dict(level.chosen).get("channel", 0)

    def put(part: Box, whole: Box, content: Encoded) -> None:
        if len(content) % 4:
            raise ValueError(f"its {len(content)} bytes are no words of 32 bits")
        decode(np.frombuffer(content, "<u4"), whole, cell_zyx, voxels, box, channel)

    return put


def _by_tensorstore(level: Level, voxels: npt.NDArray[Any], box: Box, what: str) -> Put:
    """Return what has tensorstore decode chunks into the array of a box."""
    assert level.precomputed
    # A store in memory gets one chunk at a time, under the name that it should have.
    context = ts.Context()
    memory = {"driver": "memory"}
    store = wait(ts.KvStore.open(memory, context=context), what, kvstores.VOXEL_LIMITS)
    info = in_words_of_tensorstore(level.precomputed)
    info = {key: value for key, value in info.items() if key != "scale"}
    store["info"] = json.dumps(info)
    decoded = open_zyx(level._replace(spec=level.spec | {"kvstore": memory}), what, context=context)

    def put(part: Box, whole: Box, content: Encoded) -> None:
        name = f"{level.precomputed['scale']['key']}/{whole.name}" if level.precomputed else ""
        store[name] = bytes(content)
        copy(decoded, part, voxels, box, what)
        del store[name]

    return put
