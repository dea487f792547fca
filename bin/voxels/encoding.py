"""Labels and ids as chunks of Neuroglancer's compressed_segmentation.

A block's labels are encoded once, in the chunks of the volume that they will become. Turning
them into component ids then only replaces the ids in the chunks' tables.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .arrays import read_array, write_array
from .boxes import CELL, Box, chunks_of
from .labelling import Labels

Words = NDArray[np.uint32]


class Chunks:
    """Encodes and decodes chunks up to a shape; keeps the memory that it needs for that.

    Parameters
    ----------
    chunk_zyx : sequence of 3 int
        The largest chunk.
    """

    def __init__(self, chunk_zyx: Sequence[int]) -> None:
        # numba takes a while: only for those who encode
        from . import compressed_segmentation, decoding

        self._loops, self._decoding = compressed_segmentation, decoding
        cells = [-(-side // CELL) * CELL for side in chunk_zyx]
        self._voxels = np.zeros(cells, np.uint32)
        self._words = np.empty(self._loops.words_max(self._voxels.shape), np.uint32)
        self._tables = np.empty_like(self._words)

    def _whole(self, shape_zyx: Sequence[int]) -> Labels:
        """Memory for a chunk's whole cells, contiguous as the loops want it."""
        depth, height, width = (-(-side // CELL) * CELL for side in shape_zyx)
        flat = self._voxels.reshape(-1)[: depth * height * width]
        return flat.reshape(depth, height, width)

    def encode(self, voxels: Labels, box: Box, chunk: Box) -> tuple[Words, int]:
        """Encode a chunk of the array of a box, zero where it leaves the box.

        Returns
        -------
        words : uint32 array
        tables : int
            Where in it the tables begin: from there on it holds nothing but ids.
        """
        if box.contains(chunk) and not any(side % CELL for side in chunk.shape_zyx):
            corners = zip(box.corner_zyx, chunk.corner_zyx, chunk.end_zyx, strict=True)
            (z0, z1), (y0, y1), (x0, x1) = ((low - at, high - at) for at, low, high in corners)
            whole, lower, upper = voxels, (z0, y0, x0), (z1, y1, x1)
        else:
            whole, lower = self._whole(chunk.shape_zyx), (0, 0, 0)
            upper = whole.shape
            whole[...] = 0
            part = chunk.intersect(box)
            whole[part.slices(chunk.corner_zyx)] = voxels[part.slices(box.corner_zyx)]
        tables, end = self._loops.encode(whole, lower, upper, self._words, self._tables)
        return self._words[:end].copy(), tables

    def decode(self, words: Words, shape_zyx: Sequence[int]) -> Labels:
        """Decode a chunk; what is returned holds until the next call.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        box = Box.of((0, 0, 0), shape_zyx)
        voxels = self._voxels.reshape(-1)[: box.voxel_count].reshape(box.shape_zyx)
        self._decoding.decode(words, box, (CELL, CELL, CELL), voxels, box)
        return voxels


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
        chunks = Chunks(chunk_zyx)
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

    def relabel(self, lookup: Labels, chunks: Sequence[Box]) -> dict[Box, Words]:
        """Replace the labels by ids, in place; return the chunks.

        Parameters
        ----------
        lookup : uint32 array
            Id by label.
        chunks : sequence of Box
            Where the chunks lie, as `chunks_of` gives them.

        Raises
        ------
        ValueError
            If a label is not in the look-up table: it was made from other labels.
        """
        by_chunk = {}
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
            labels[...] = lookup[labels]
            by_chunk[chunk] = self.words[start:end]
        return by_chunk
