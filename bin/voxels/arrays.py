"""Files of arrays."""

from math import prod
from pathlib import Path
from typing import Any

import tensorstore as ts
from numpy.typing import NDArray

_ARRAY_CHUNK_VOXELS = 256**3
"""Voxels of an array's chunks: few files, and work for a few threads."""


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as Zarr (version 2, zstd); the path must not exist yet.

    Takes no memory beside the array but a chunk or two.
    """
    spec = {
        "driver": "zarr",
        "kvstore": {"driver": "file", "path": str(path)},
        "metadata": {
            "shape": array.shape,
            "chunks": _chunks(array.shape),
            "dtype": array.dtype.newbyteorder("<").str,
            "compressor": {"id": "zstd", "level": 1},
        },
        "store_data_equal_to_fill_value": True,
    }
    store = ts.open(spec, create=True).result()
    store.write(array, can_reference_source_data_indefinitely=True).result()


def _chunks(shape: tuple[int, ...]) -> list[int]:
    """Shape of chunks that are contiguous in memory: slabs of the array, at most 256^3 voxels."""
    chunks = list(shape)
    for axis in range(len(shape)):
        chunks[axis] = max(
            1, min(shape[axis], _ARRAY_CHUNK_VOXELS // max(1, prod(shape[axis + 1 :])))
        )
        if chunks[axis] > 1:
            break
    return chunks


def read_array(path: Path, part: tuple[slice, ...] = ()) -> NDArray[Any]:
    """Read an array as `write_array` wrote it, or a part of it, in C order.

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
    array: NDArray[Any] = ts.open(spec).result()[part].read(order="C").result()
    return array
