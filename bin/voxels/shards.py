"""Shards of precomputed volumes, which hold many chunks, and the numbers of the chunks in them.

https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/sharded.md
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from .boxes import Box, chunks_of
from .pieces import encoded
from .pyramid import Level, grid_bits

_GZIP_LEVEL = 2
"""Of segmentations, 9 makes half as much of it, and takes 20 times as long."""


def chunk_number(level: Level, chunk: Box) -> int:
    """Return a chunk's number in a sharded volume: its position's bits interleaved, x lowest.

    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/volume.md
    """
    corners = zip(chunk.corner_zyx, level.volume.corner_zyx, level.chunk_zyx, strict=True)
    position = [(corner - start) // side for corner, start, side in corners]
    bits = grid_bits(level)
    number = place = 0
    for bit in range(max(bits)):
        for axis in (2, 1, 0):
            if bit < bits[axis]:
                number |= (position[axis] >> bit & 1) << place
                place += 1
    return number


def opened(level: Level, directory: Path, as_they_are: bool = False) -> ts.KvStore:
    """Return the chunks of a level by number, as 8 bytes, the highest first.

    Parameters
    ----------
    level : Level
        One with shards.
    directory : Path
        Where these are.
    as_they_are : bool
        Chunks are not compressed or decompressed, even where `data_encoding` says that they are.
    """
    spec = {
        "driver": "neuroglancer_uint64_sharded",
        "base": {"driver": "file", "path": f"{directory}/"},
        "metadata": {**(level.sharding or {})} | ({"data_encoding": "raw"} if as_they_are else {}),
    }
    # the cache holds a shard's index; what moves files into a volume has them on disk
    settings = {"cache_pool": {"total_bytes_limit": 2**24}, "file_io_sync": False}
    return ts.KvStore.open(spec, context=ts.Context(settings)).result()


def store(
    chunks: Iterable[tuple[Box, bytes]], level: Level, directory: Path, as_they_are: bool = False
) -> None:
    """Write encoded chunks into shards, or files where a level has none; as for `opened`."""
    directory.mkdir(parents=True, exist_ok=True)
    if level.sharding is None:
        for chunk, encoded in chunks:
            (directory / chunk.name).write_bytes(encoded)
        return
    shards = opened(level, directory, as_they_are)
    with ts.Transaction() as transaction:
        for chunk, encoded in chunks:
            key = chunk_number(level, chunk).to_bytes(8, "big")
            shards.with_transaction(transaction)[key] = encoded


def load(chunks: Sequence[Box], level: Level, directory: Path) -> Iterator[tuple[Box, bytes]]:
    """Yield encoded chunks of a level, as `store` wrote them.

    Raises
    ------
    ValueError, FileNotFoundError
        If one is missing.
    """
    if level.sharding is None:
        for chunk in chunks:
            yield chunk, (directory / chunk.name).read_bytes()
        return
    shards = opened(level, directory)
    with ts.Batch() as batch:
        asked = [
            shards.read(chunk_number(level, chunk).to_bytes(8, "big"), batch=batch)
            for chunk in chunks
        ]
    for chunk, future in zip(chunks, asked, strict=True):
        answer = future.result()
        if answer.state != "value":
            raise ValueError(f"chunk {chunk.name} is not in {directory}")
        yield chunk, answer.value


def raw(voxels: NDArray[Any], box: Box, level: Level) -> Iterator[tuple[Box, bytes]]:
    """Yield the chunks that have voxels in a box, as they are; zero beyond the box.

    Parameters
    ----------
    voxels : array, shape (Z, Y, X)
    box : Box
        Where they lie, in the level's voxels; it ends where chunks do.
    level : Level
    """
    little = voxels.dtype.newbyteorder("<")
    for chunk in chunks_of(box, level.chunk_zyx, level.volume.corner_zyx):
        part = chunk.intersect(box)
        inside = voxels[part.slices(box.corner_zyx)]
        if part != chunk:
            whole = np.zeros(chunk.shape_zyx, voxels.dtype)
            whole[part.slices(chunk.corner_zyx)] = inside
            inside = whole
        yield chunk, inside.astype(little, copy=False).tobytes()


def gzipped(voxels: NDArray[Any], box: Box, level: Level) -> Iterator[tuple[Box, bytes]]:
    """Yield chunks as `raw` does, each compressed.

    tensorstore compresses chunks of a precomputed volume at the slowest level of gzip, and those
    of a zarr array, which are the same, at any.
    """
    chunks = chunks_of(box, level.chunk_zyx, level.volume.corner_zyx)
    endian = {} if voxels.itemsize == 1 else {"configuration": {"endian": "little"}}
    codecs = [
        {"name": "bytes", **endian},
        {"name": "gzip", "configuration": {"level": _GZIP_LEVEL}},
    ]
    for shape in dict.fromkeys(chunk.shape_zyx for chunk in chunks):  # the last ones are smaller
        alike = [chunk for chunk in chunks if chunk.shape_zyx == shape]
        corner, end = alike[0].corner_zyx, alike[-1].end_zyx
        whole = Box.of(corner, [high - low for low, high in zip(corner, end, strict=True)])
        part = whole.intersect(box)
        inside = voxels[part.slices(box.corner_zyx)]
        yield from encoded(inside, part, shape, corner, codecs)
