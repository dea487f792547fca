"""Files of arrays: a block's array, and the precomputed segmentation volume."""

import hashlib
import json
from collections.abc import Sequence
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from .boxes import Box, grid, snap
from .label import Ids

_ARRAY_CHUNK = 256
"""Largest side of an array's chunks: few files, and work for a few threads."""

_SLAB = 1 << 20
"""Voxels converted in one go."""


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as Zarr (version 2, zstd); the path must not exist yet.

    Takes no memory beside the array but a chunk or two.
    """
    spec = {
        "driver": "zarr",
        "kvstore": {"driver": "file", "path": str(path)},
        "metadata": {
            "shape": array.shape,
            "chunks": [min(side, _ARRAY_CHUNK) for side in array.shape],
            "dtype": array.dtype.newbyteorder("<").str,
            "compressor": {"id": "zstd", "level": 1},
        },
        "store_data_equal_to_fill_value": True,
    }
    store = ts.open(spec, create=True).result()
    store.write(array, can_reference_source_data_indefinitely=True).result()


def read_array(path: Path) -> NDArray[Any]:
    """Read a whole array as `write_array` wrote it, in C order.

    Raises
    ------
    ValueError
        If it is not there or a chunk of it is missing or damaged.
    """
    spec = {
        "driver": "zarr",
        "kvstore": {"driver": "file", "path": str(path)},
        "fill_missing_data_reads": False,  # a chunk that got lost is not zero
    }
    array: NDArray[Any] = ts.open(spec).result().read().result()
    return array


def create_segmentation(
    directory: Path,
    cutout: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    voxel_size_nm_zyx: Sequence[float],
    dtype: str,
) -> None:
    """Begin a precomputed segmentation volume: write its `info`, and no chunk yet.

    The volume starts at the block grid's point at or below the cutout's lower corner and ends
    where the cutout ends. Its chunks divide the blocks, so no two blocks share a chunk's file.

    Parameters
    ----------
    directory : Path
        Made if need be.
    cutout : Box
        What will be written; the rest of the volume is zero.
    block_shape_zyx, origin_zyx : sequence of 3 int
        The block grid.
    voxel_size_nm_zyx : sequence of 3 float
        Nanometres.
    dtype : {"uint32", "uint64"}
        Width of the ids.
    """
    volume = snap(cutout, block_shape_zyx, origin_zyx)
    chunk_zyx = [_chunk_side(side) for side in block_shape_zyx]
    resolution = [int(size) if size == int(size) else size for size in voxel_size_nm_zyx[::-1]]
    scale: dict[str, Any] = {
        "key": "_".join(map(str, resolution)),
        "resolution": resolution,
        "voxel_offset": volume.corner_zyx[::-1],
        "size": volume.shape_zyx[::-1],
        "chunk_sizes": [chunk_zyx[::-1]],
        "encoding": "raw",
    }
    # This encoding counts its 32-bit words in 24 bits: a larger chunk may not fit, and tensorstore
    # writes such a chunk damaged, without a word. 1282 words are the most for a cell of 8x8x8
    # 64-bit ids: header 2, values 256, table 1024.
    if prod(ceil(side / 8) for side in chunk_zyx) * 1282 < 2**24:
        scale["encoding"] = "compressed_segmentation"
        scale["compressed_segmentation_block_size"] = [8, 8, 8]
    info = {
        "@type": "neuroglancer_multiscale_volume",
        "type": "segmentation",
        "data_type": dtype,
        "num_channels": 1,
        "scales": [scale],
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "info").write_text(json.dumps(info, indent=1), encoding="utf-8")


def _chunk_side(side: int) -> int:
    """Side of the chunks of a block: its largest divisor up to 128, or all if below 16."""
    largest = next(divisor for divisor in range(min(side, 128), 0, -1) if side % divisor == 0)
    return largest if largest >= 16 else side


def write_block(
    directory: Path,
    box: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    ids: Ids,
) -> list[Path]:
    """Write one block into a precomputed segmentation volume.

    A block that the cutout clips at its lower end is padded with zeros down to its grid cell, so
    that every chunk of the cell is written, and by this block alone. Takes a layer of chunks of
    memory.

    Parameters
    ----------
    directory : Path
        Of the volume, as `create_segmentation` left it for the same block grid.
    box : Box
        The block.
    block_shape_zyx, origin_zyx : sequence of 3 int
        The block grid.
    ids : array, shape `box.shape_zyx`, of the volume's dtype
        Component ids.

    Returns
    -------
    list of Path
        The chunks' files, which no other block writes.

    Raises
    ------
    ValueError
        If the ids have another shape than the block or another dtype than the volume, the block
        does not fit the volume and its chunks, or a chunk was not written.
    """
    info = json.loads((directory / "info").read_text(encoding="utf-8"))
    (scale,) = info["scales"]
    volume = Box.of(scale["voxel_offset"][::-1], scale["size"][::-1])
    cell = snap(box, block_shape_zyx, origin_zyx)
    if not volume.contains(cell):
        raise ValueError(f"block {box.name} leaves its volume, {volume.name}")
    chunk_zyx, origin = scale["chunk_sizes"][0][::-1], volume.corner_zyx
    chunks = grid(cell, chunk_zyx, origin)
    whole = [
        Box.of(snap(chunk, chunk_zyx, origin).corner_zyx, chunk_zyx).intersect(volume)
        for chunk in chunks
    ]
    if chunks != whole:
        raise ValueError(f"block {box.name} shares a chunk with another block of {volume.name}")
    if ids.shape != box.shape_zyx or ids.dtype != info["data_type"]:
        raise ValueError(
            f"block {box.name} has {ids.dtype} ids of shape {list(ids.shape)}: "
            f"they must be {info['data_type']} of shape {list(box.shape_zyx)}"
        )
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(directory)},
        "scale_index": 0,
        "store_data_equal_to_fill_value": True,
    }
    store = ts.open(spec).result()[..., 0]
    for z0, z1 in sorted({(chunk.z0, chunk.z1) for chunk in chunks}):
        layer = cell._replace(z0=z0, z1=z1)
        target = store[layer.x0 : layer.x1, layer.y0 : layer.y1, layer.z0 : layer.z1]
        source = _padded(ids, box, layer).T
        target.write(source, can_reference_source_data_indefinitely=True).result()
    files = [directory / scale["key"] / chunk.name for chunk in chunks]
    missing = [file.name for file in files if not file.exists()]
    if missing:
        raise ValueError(f"chunk {missing[0]} of block {box.name} was not written")
    return files


def _padded(ids: Ids, box: Box, layer: Box) -> Ids:
    """Part of a block's ids in a layer of its cell, zero where the layer leaves the block."""
    if layer.z1 <= box.z0:
        return np.zeros(layer.shape_zyx, ids.dtype)
    part = layer.intersect(box)
    inside = ids[part.slices(box.corner_zyx)]
    if part == layer:
        return inside
    padded = np.zeros(layer.shape_zyx, ids.dtype)
    padded[part.slices(layer.corner_zyx)] = inside
    return padded


def digest_ids(ids: Ids) -> str:
    """Sha256, in hex, of an array's C-order bytes as little-endian uint64, whatever its width."""
    digest = hashlib.sha256()
    flat = ids.reshape(-1)
    for start in range(0, flat.size, _SLAB):
        digest.update(flat[start : start + _SLAB].astype("<u8").data)
    return digest.hexdigest()
