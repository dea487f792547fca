"""Blocks encoded a piece at a time, so that a large one is in memory once."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from .boxes import Box, chunks_of, grid, snap

PIECE_BYTES = 2**25
"""Of a piece, as voxels: work for a few threads."""


def pieces(box: Box, chunk_zyx: Sequence[int], origin_zyx: Sequence[int], size: int) -> list[Box]:
    """Cut a box into runs of chunks.

    Parameters
    ----------
    box : Box
    chunk_zyx, origin_zyx : sequence of 3 int
        The grid of chunks.
    size : int
        Bytes of a voxel.

    Returns
    -------
    list of Box
        Each holds chunks that follow one another in raster order, of `PIECE_BYTES` at most, if a
        chunk is; and so do all of them.
    """
    whole = snap(box, chunk_zyx, origin_zyx)
    piece = list(chunk_zyx)
    for axis in (2, 1, 0):
        number = -(-whole.shape_zyx[axis] // chunk_zyx[axis])
        fitting = max(1, PIECE_BYTES // (prod(piece) * size))
        piece[axis] *= min(number, fitting)
        if fitting < number:
            break
    return grid(box, piece, whole.corner_zyx)


def encoded(
    voxels: NDArray[Any],
    box: Box,
    chunk_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    codecs: Sequence[dict[str, Any]],
) -> Iterator[tuple[Box, bytes]]:
    """Yield the chunks of a grid that have voxels in a box, encoded by codecs of Zarr 3.

    Parameters
    ----------
    voxels : array, shape (Z, Y, X)
    box : Box
        Where they lie: chunks are zero beyond it.
    chunk_zyx, origin_zyx : sequence of 3 int
        The grid of chunks.
    codecs : sequence of dict
        As in the metadata of an array.
    """
    for piece in pieces(box, chunk_zyx, origin_zyx, voxels.itemsize):
        chunks = chunks_of(piece, chunk_zyx, origin_zyx)
        corner = chunks[0].corner_zyx
        sides = zip(piece.end_zyx, corner, chunk_zyx, strict=True)
        metadata = {
            "shape": [-(-(end - low) // side) * side for end, low, side in sides],
            "data_type": voxels.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunk_zyx)}},
            "codecs": list(codecs),
        }
        memory = ts.KvStore.open("memory://", context=ts.Context()).result()  # one of its own
        spec = {"driver": "zarr3", "metadata": metadata, "store_data_equal_to_fill_value": True}
        array = ts.open(spec, kvstore=memory, create=True).result()
        array[piece.slices(corner)].write(voxels[piece.slices(box.corner_zyx)]).result()
        for chunk in chunks:
            place = (np.array(chunk.corner_zyx) - corner) // chunk_zyx
            yield chunk, memory[f"c/{place[0]}/{place[1]}/{place[2]}"]
