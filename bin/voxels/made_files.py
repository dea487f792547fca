"""The files of volumes that are made here, encoded and read back."""

import hashlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from . import shards, zarr_shards
from .boxes import CELL, Box, chunks_of
from .encoding import Chunks
from .made_metadata import create, metadata
from .made_volumes import Volume
from .pieces import pieces
from .pyramid import Level, grid_bits


def write(volume: Volume, number: int, voxels: NDArray[Any], box: Box, scratch: Path) -> str:
    """Write a block's voxels of a level, as the files that they will be.

    Parameters
    ----------
    volume : Volume
    number : int
        Which of its levels.
    voxels : array, shape (Z, Y, X)
    box : Box
        Where they lie, in the level's voxels; the rest of their cell of the block grid is zero.
    scratch : Path
        Where the files go, below it as below the volume.

    Returns
    -------
    str
        The sha256 of what is read back: its ZYX C-order little-endian bytes.

    Raises
    ------
    ValueError
        If what is read back is something else, unless it is encoded as jpeg, which loses.
    """
    create(volume, scratch)
    try:
        _put(volume, number, voxels, box, scratch)
        return _read_back(volume, number, voxels, box, scratch)
    finally:
        for name in metadata(volume):
            (scratch / name).unlink(missing_ok=True)


def _put(volume: Volume, number: int, voxels: NDArray[Any], box: Box, scratch: Path) -> None:
    level, directory = volume.levels[number], scratch / volume.levels[number].key
    if volume.encoding == "compressed_segmentation" and voxels.dtype == np.uint32:
        shards.store(_packed(voxels, box, level), level, directory)
    elif volume.format == "zarr":
        about = metadata(volume)[f"{level.key}/zarr.json"]
        zarr_shards.store(voxels, box, about, level.volume.corner_zyx, directory)
    elif level.sharding is None:
        store = opened(volume, number, box, scratch)
        for part in _parts(level, voxels, box):
            with ts.Transaction() as transaction:
                store.with_transaction(transaction)[part].write(voxels[part]).result()
    elif volume.encoding == "raw":
        encoded = shards.gzipped if volume.compression == "gzip" else shards.raw
        shards.store(encoded(voxels, box, level), level, directory, as_they_are=True)
    else:
        shards.store(_encoded(volume, number, voxels, box, scratch), level, directory)


def _packed(voxels: NDArray[Any], box: Box, level: Level) -> Iterator[tuple[Box, bytes]]:
    """Yield a block's chunks in compressed_segmentation, for half of what tensorstore takes."""
    chunks, voxels = Chunks(level.chunk_zyx), np.ascontiguousarray(voxels)
    for chunk in chunks_of(box, level.chunk_zyx, level.volume.corner_zyx):
        yield chunk, chunks.encode(voxels, box, chunk)[0].tobytes()


def _encoded(
    volume: Volume, number: int, voxels: NDArray[Any], box: Box, scratch: Path
) -> Iterator[tuple[Box, bytes]]:
    """Yield a block's chunks as tensorstore has them in files: in shards, it leaves out zeros."""
    level = volume.levels[number]
    files = volume._replace(levels=tuple(each._replace(sharding=None) for each in volume.levels))
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        create(files, Path(directory))
        _put(files, number, voxels, box, Path(directory))
        for chunk in chunks_of(box, level.chunk_zyx, level.volume.corner_zyx):
            yield chunk, Path(directory, level.key, chunk.name).read_bytes()


def _read_back(volume: Volume, number: int, voxels: NDArray[Any], box: Box, scratch: Path) -> str:
    sha256 = hashlib.sha256()
    if volume.encoding == "compressed_segmentation":
        level = volume.levels[number]
        _compare_ids(level, voxels, box, scratch / level.key)
        sha256.update(np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<")).data)
        return sha256.hexdigest()
    store = opened(volume, number, box, scratch)
    made = np.empty_like(voxels) if volume.encoding == "jpeg" else voxels
    for part in _parts(volume.levels[number], voxels, box):
        found = store[part].read(order="C").result()
        if volume.encoding == "jpeg":
            made[part] = found
        elif not _same(found, voxels[part]):
            raise _other(box)
    sha256.update(np.ascontiguousarray(made, made.dtype.newbyteorder("<")).data)
    return sha256.hexdigest()


def _parts(level: Level, voxels: NDArray[Any], box: Box) -> Iterator[tuple[slice, ...]]:
    """Yield slices of the array of a box that are written, or read back, at once."""
    for piece in pieces(box, level.chunk_zyx, level.volume.corner_zyx, voxels.itemsize):
        yield piece.slices(box.corner_zyx)


def _compare_ids(level: Level, voxels: NDArray[Any], box: Box, directory: Path) -> None:
    """Compare chunks of compressed_segmentation with the voxels of a box, as they are decoded."""
    from .decoding import decode  # numba takes a while

    memory = np.empty(prod(level.chunk_zyx), voxels.dtype)
    chunks = chunks_of(box, level.chunk_zyx, level.volume.corner_zyx)
    for chunk, content in shards.load(chunks, level, directory):
        found = memory[: chunk.voxel_count].reshape(chunk.shape_zyx)
        decode(np.frombuffer(content, "<u4"), chunk, (CELL, CELL, CELL), found, chunk)
        part = chunk.intersect(box)
        written = voxels[part.slices(box.corner_zyx)]
        if not np.array_equal(found[part.slices(chunk.corner_zyx)], written):
            raise _other(box)


def _other(box: Box) -> ValueError:
    return ValueError(f"what was written of {box.name} is read back as something else")


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Say whether arrays are the same, to the bit."""
    if one.dtype.kind == "f":
        bits = f"u{one.itemsize}"
        one, other = np.ascontiguousarray(one).view(bits), np.ascontiguousarray(other).view(bits)
    return bool(np.array_equal(one, other))


def digest_of(dtype: str, written: Sequence[tuple[Box, str]]) -> str:
    """Return a digest that is equal only where the same voxels were written.

    Parameters
    ----------
    dtype : str
    written : sequence of (Box, str)
        Of each level, where, and what `write` returned.
    """
    told = [dtype, *([*box.shape_zyx, sha256] for box, sha256 in written)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def moved(earlier: Volume, volume: Volume, name: str) -> str:
    """Return what a block's file of an earlier volume is called in another one, of other extent.

    Parameters
    ----------
    earlier, volume : Volume
        Where the block is, and where it goes: it has the same box in both.
    name : str
        Its path in the earlier one.

    Raises
    ------
    ValueError
        If it is another file there: chunks or blocks are others, or shards are counted otherwise.
    """
    key, _, rest = name.partition("/")
    number = [level.key for level in earlier.levels].index(key)
    theirs, mine = earlier.levels[number], volume.levels[number]
    if earlier._replace(levels=()) != volume._replace(levels=()):
        raise ValueError("volumes are written otherwise")
    if (theirs.factor_zyx, theirs.chunk_zyx) != (mine.factor_zyx, mine.chunk_zyx):
        raise ValueError("chunks have other shapes")
    if volume.format == "zarr":
        chunk, *at = rest.split("/")
        sides = zip(
            at,
            theirs.volume.corner_zyx,
            mine.volume.corner_zyx,
            volume.blocks_zyx[number],
            strict=True,
        )
        shifted = [divmod(int(index) * side + low - own, side) for index, low, own, side in sides]
        if any(left for _, left in shifted):
            raise ValueError("blocks begin elsewhere")
        rest = "/".join([chunk, *(str(index) for index, _ in shifted)])
    elif theirs.sharding != mine.sharding or (
        mine.sharding
        and (theirs.volume.corner_zyx, grid_bits(theirs))
        != (mine.volume.corner_zyx, grid_bits(mine))
    ):
        raise ValueError("its shards are counted otherwise")
    return f"{mine.key}/{rest}"


def opened(volume: Volume, number: int, box: Box, directory: Path) -> Any:
    """Return the tensorstore of a box of a level: axes z, y and x, from 0."""
    level = volume.levels[number]
    # what moves files into the volume has them on disk
    context = ts.Context({"file_io_sync": False})
    common = {"store_data_equal_to_fill_value": True}
    if volume.format == "zarr":
        kvstore = {"driver": "file", "path": f"{directory}/{level.key}/"}
        store = ts.open({"driver": "zarr3", "kvstore": kvstore, **common}, context=context).result()
        return store[box.slices(level.volume.corner_zyx)][ts.d[:].translate_to[0]]
    kvstore = {"driver": "file", "path": f"{directory}/"}
    spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": number}
    store = ts.open(spec | common, context=context).result()
    inside = store[box.x0 : box.x1, box.y0 : box.y1, box.z0 : box.z1, 0]
    return inside.transpose([2, 1, 0])[ts.d[:].translate_to[0]]
