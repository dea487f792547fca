"""Shards of Zarr 3, which hold the chunks of a block one after the other, and then where each is.

https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from .boxes import Box
from .pieces import encoded

_ABSENT = 2**64 - 1


def store(
    voxels: NDArray[Any],
    box: Box,
    metadata: dict[str, Any],
    corner_zyx: Sequence[int],
    directory: Path,
) -> None:
    """Write a block as its shard.

    tensorstore writes the same bytes, but has all voxels of a shard in memory once more, and twice
    as they are encoded.

    Parameters
    ----------
    voxels : array, shape (Z, Y, X)
    box : Box
        Where they lie, all in one shard; the rest of a chunk of theirs is zero, other chunks are
        absent.
    metadata : dict
        The array's, with one codec, `sharding_indexed`, whose index is at the end.
    corner_zyx : sequence of 3 int
        Of the array, in coordinates of the box.
    directory : Path
        The array's.
    """
    shard_zyx = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    about = metadata["codecs"][0]["configuration"]
    chunk_zyx = about["chunk_shape"]
    at = (np.array(box.corner_zyx) - corner_zyx) // shard_zyx
    corner = np.array(corner_zyx) + at * shard_zyx
    index = np.full([*(np.array(shard_zyx) // chunk_zyx), 2], _ABSENT, np.uint64)
    path = directory.joinpath("c", *map(str, at))
    path.parent.mkdir(parents=True, exist_ok=True)
    end = 0
    with path.open("wb") as stream:
        for chunk, content in encoded(voxels, box, chunk_zyx, corner_zyx, about["codecs"]):
            index[tuple((np.array(chunk.corner_zyx) - corner) // chunk_zyx)] = end, len(content)
            end += stream.write(content)
        stream.write(_index(index, about["index_codecs"]))


def _index(index: NDArray[np.uint64], codecs: Sequence[dict[str, Any]]) -> bytes:
    """Return the index of a shard as it is stored."""
    memory = ts.KvStore.open("memory://", context=ts.Context()).result()
    metadata = {
        "shape": index.shape,
        "data_type": "uint64",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": index.shape}},
        "codecs": list(codecs),
    }
    array = ts.open({"driver": "zarr3", "metadata": metadata}, kvstore=memory, create=True).result()
    array.write(index).result()
    return bytes(memory["c/0/0/0/0"])
