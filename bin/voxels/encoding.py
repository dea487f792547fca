"""Labels and ids as chunks of Neuroglancer's compressed_segmentation.

A block's labels are encoded once, in the chunks of the volume that they will become. Turning
them into component ids then only replaces the ids in the chunks' tables.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import Box, grid, snap
from .kernels import CELL, decode, encode, words_max
from .label import Ids, Labels
from .volumes import read_array, write_array

Words = NDArray[np.uint32]

_CHUNK_VOXELS = 64**3
"""Voxels that a chunk should have: little for a viewer to fetch."""

_CHUNK_VOXELS_MAX = 2**22
"""The encoding counts a chunk's words in 24 bits: of larger chunks some would not fit."""


def chunk_shape(block_shape_zyx: Sequence[int]) -> tuple[int, int, int]:
    """Shape of the chunks that a block is cut into, ZYX.

    The block halved along all axes at once until a chunk is small enough: then the chunks of a
    block can lie in one shard. Where an odd side ends that too early, the largest divisors.

    Raises
    ------
    ValueError
        If the block's sides have no divisors that make chunks small enough.

    Examples
    --------
    >>> chunk_shape((512, 512, 512)), chunk_shape((64, 512, 512)), chunk_shape((25, 512, 512))
    ((64, 64, 64), (16, 128, 128), (25, 128, 128))
    """
    chunk = np.array(block_shape_zyx)
    while chunk.prod() > _CHUNK_VOXELS and not (chunk % 2).any() and chunk.min() >= 2 * CELL:
        chunk //= 2
    if chunk.prod() > _CHUNK_VOXELS_MAX:
        chunk = np.array([_largest_divisor(side) for side in block_shape_zyx])
    if chunk.prod() > _CHUNK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {','.join(map(str, block_shape_zyx))} can't be cut into chunks: choose "
            "sides that are powers of 2, or that have a divisor between 16 and 128"
        )
    z, y, x = chunk.tolist()
    return z, y, x


def _largest_divisor(side: int) -> int:
    """Largest divisor of a side up to 128, or the side itself if that is below 16."""
    largest = next(divisor for divisor in range(min(side, 128), 0, -1) if side % divisor == 0)
    return largest if largest >= 16 else side


class Chunks:
    """Encodes and decodes chunks up to a shape; keeps the memory that it needs for that.

    Parameters
    ----------
    chunk_zyx : sequence of 3 int
        The largest chunk.
    dtype : {"uint32", "uint64"}
        Of the voxels.
    """

    def __init__(self, chunk_zyx: Sequence[int], dtype: Any) -> None:
        cells = [-(-side // CELL) * CELL for side in chunk_zyx]
        self._voxels = np.zeros(cells, dtype)
        self._words = np.empty(words_max(chunk_zyx), np.uint32)
        self._tables = np.empty_like(self._words)

    def _whole(self, shape_zyx: Sequence[int]) -> Ids:
        """Memory for a chunk's whole cells, contiguous as the kernels want it."""
        depth, height, width = (-(-side // CELL) * CELL for side in shape_zyx)
        flat = self._voxels.reshape(-1)[: depth * height * width]
        return flat.reshape(depth, height, width)

    def encode(self, voxels: Ids, box: Box, chunk: Box) -> tuple[Words, int]:
        """Encode a chunk of the array of a box, zero where it leaves the box.

        Returns
        -------
        words : uint32 array
        tables : int
            Where in it the tables begin: from there on it holds nothing but ids.
        """
        whole = self._whole(chunk.shape_zyx)
        if whole.shape != chunk.shape_zyx or not box.contains(chunk):
            whole[...] = 0
        if box.meets(chunk):
            part = chunk.intersect(box)
            whole[part.slices(chunk.corner_zyx)] = voxels[part.slices(box.corner_zyx)]
        tables, end = encode(whole, self._words, self._tables)
        return self._words[:end].copy(), tables

    def decode(self, words: Words, shape_zyx: Sequence[int]) -> Ids:
        """Decode a chunk; what is returned holds until the next call."""
        whole = self._whole(shape_zyx)
        decode(words, whole)
        depth, height, width = shape_zyx
        return whole[:depth, :height, :width]


class EncodedLabels:
    """The labels of a block, encoded.

    Attributes
    ----------
    words : uint32 array
        The chunks that have voxels in the block, in raster order.
    index : int64 array, shape (chunks + 1, 2)
        Where each chunk begins in `words`, and where its tables do; last, where all end.
    """

    def __init__(self, words: Words, index: NDArray[np.int64]) -> None:
        self.words = words
        self.index = index

    @classmethod
    def of(
        cls, labels: Labels, box: Box, chunk_zyx: Sequence[int], origin_zyx: Sequence[int]
    ) -> "EncodedLabels":
        """Encode the labels of a block, in chunks of a grid; zero where a chunk leaves it."""
        parts, index, end = [], [], 0
        chunks = Chunks(chunk_zyx, np.uint32)
        for chunk in chunks_of(box, chunk_zyx, origin_zyx):
            words, tables = chunks.encode(labels, box, chunk)
            parts.append(words)
            index.append((end, end + tables))
            end += len(words)
        return cls(np.concatenate(parts), np.array([*index, (end, end)], np.int64))

    @classmethod
    def read(cls, directory: Path) -> "EncodedLabels":
        """Read what `write` wrote."""
        index = np.load(directory / "labels.npy", allow_pickle=False)
        return cls(read_array(directory / "labels.zarr"), index)

    def write(self, directory: Path) -> None:
        """Write `labels.zarr`, the words, and `labels.npy`, the index."""
        write_array(directory / "labels.zarr", self.words)
        np.save(directory / "labels.npy", self.index)

    def relabel(self, lookup: Ids, chunks: Sequence[Box]) -> dict[Box, Words]:
        """Replace labels by ids; 32-bit ids take the labels' place.

        Parameters
        ----------
        lookup : uint32 or uint64 array
            Id by label.
        chunks : sequence of Box
            Where the chunks lie, as `chunks_of` gives them.

        Raises
        ------
        ValueError
            If a label is not in the look-up table: it was made from other labels.
        """
        found = {}
        wide = lookup.dtype == np.uint64
        shape = np.max([chunk.shape_zyx for chunk in chunks], axis=0).tolist() if wide else (1, 1, 1)
        narrow, coder = Chunks(shape, np.uint32), Chunks(shape, np.uint64)
        for chunk, (start, tables), (end, _) in zip(
            chunks, self.index[:-1], self.index[1:], strict=True
        ):
            labels = self.words[tables:end]
            largest = int(labels.max())
            if largest >= len(lookup):
                raise ValueError(
                    f"the look-up table ends at label {len(lookup) - 1} but the block has "
                    f"{largest}: it must be made from these labels"
                )
            if wide:
                ids = lookup[narrow.decode(self.words[start:end], chunk.shape_zyx)]
                found[chunk] = coder.encode(ids, chunk, chunk)[0]
            else:
                labels[...] = lookup[labels]
                found[chunk] = self.words[start:end]
        return found


def chunks_of(box: Box, chunk_zyx: Sequence[int], origin_zyx: Sequence[int]) -> list[Box]:
    """Chunks of a grid that have voxels in a box: whole below it, clipped where it ends."""
    return grid(snap(box, chunk_zyx, origin_zyx), chunk_zyx, origin_zyx)
