"""Loops that decode chunks of Neuroglancer's compressed_segmentation, whoever wrote them.

https://github.com/google/neuroglancer/blob/master/src/sliceview/compressed_segmentation
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .boxes import CELL, Box
from .compiling import njit

_TABLE_BITS = 8
"""Of a value at most, where the table of its cell is copied."""

_CELL_MAX = 2**40

Whole = int | np.int64
Six = tuple[Whole, Whole, Whole, Whole, Whole, Whole]


def decode(
    words: NDArray[np.uint32],
    chunk: Box,
    cell_zyx: Sequence[int],
    voxels: NDArray[Any],
    box: Box,
    channel: int = 0,
) -> None:
    """Decode what a chunk of compressed_segmentation has of a box; nothing in it is trusted.

    Parameters
    ----------
    words : uint32 array
        The chunk, of whatever writer.
    chunk : Box
        Where its voxels lie; of the last one along an axis, what the volume has of it.
    cell_zyx : sequence of 3 int
        Shape of its cells, `compressed_segmentation_block_size`.
    voxels : uint32 or uint64 array, shape (Z, Y, X), C order
        Where voxels are written; of the dtype that was encoded.
    box : Box
        Where the array lies; it meets the chunk.
    channel : int
        Which one of the chunk's.

    Raises
    ------
    ValueError
        If the chunk is damaged: it names words that it does not have. Some voxels may be written.
    """
    if voxels.dtype.name not in ("uint32", "uint64") or not voxels.flags.c_contiguous:
        raise ValueError(f"an array of {voxels.dtype} takes no ids")
    if voxels.shape != box.shape_zyx:
        raise ValueError(f"an array of {voxels.shape} is not that of {box.name}")
    if min(cell_zyx) < 1 or math.prod(cell_zyx) > _CELL_MAX:
        raise ValueError(f"cells of {list(cell_zyx)} are none")
    start = int(words[channel]) if channel < words.size else words.size + 1
    if start > words.size:
        raise ValueError("it ends before its channel begins")
    words = words[start:]
    words.flags.writeable = False  # as those of a file are: one loop less to be compiled
    part = chunk.intersect(box)
    axes = zip(part.corner_zyx, part.end_zyx, chunk.corner_zyx, cell_zyx, strict=True)
    spans = tuple(_spans(low - first, high - first, side) for low, high, first, side in axes)
    sides = zip(chunk.shape_zyx, cell_zyx, strict=True)
    cells = tuple(-(-side // cell) for side, cell in sides)
    to = tuple(at - first for at, first in zip(part.corner_zyx, box.corner_zyx, strict=True))
    if math.prod(cells) > words.size // 2:
        raise ValueError("it has fewer words than cells")
    number = _decode(words, cells, tuple(cell_zyx), spans, voxels, to)
    if number >= 0:
        raise ValueError(f"its cell {number} names words that it does not have")


@lru_cache(1024)
def _spans(start: int, stop: int, side: int) -> NDArray[np.int64]:
    """Cut a range of voxels of a chunk at its cells: number, and range within, of each cell."""
    numbers = range(start // side, (stop - 1) // side + 1)
    return np.array(
        [(i, max(start - i * side, 0), min(stop - i * side, side)) for i in numbers], np.int64
    )


@njit(cache=True, nogil=True)
def _decode(
    words: NDArray[np.uint32],
    cells: tuple[int, ...],
    cell: tuple[int, ...],
    spans: tuple[NDArray[np.int64], ...],
    voxels: NDArray[Any],
    to: tuple[int, ...],
) -> Any:
    """Decode parts of cells into an array, from a place on.

    Returns the number of a cell that is damaged, or -1.
    """
    flat = voxels.reshape(-1)
    ids = np.empty(1 << _TABLE_BITS, voxels.dtype)
    wide = voxels.itemsize // 4  # words of an id
    strides = voxels.shape[1] * voxels.shape[2], voxels.shape[2]
    volume = np.int64(cell[0]) * cell[1] * cell[2]
    to_z = to[0]
    for i, z0, z1 in spans[0]:
        to_y = to[1]
        for j, y0, y1 in spans[1]:
            to_x = to[2]
            for k, x0, x1 in spans[2]:
                number = (i * cells[1] + j) * cells[2] + k
                header, at = words[2 * number], np.int64(words[2 * number + 1])
                table, bits = np.int64(header & np.uint32(0xFFFFFF)), np.int64(header >> 24)
                if bits > 32 or bits & (bits - 1) or 32 * at + bits * volume > 32 * words.size:
                    return number
                ranges = z0, z1, y0, y1, x0, x1
                known = (words.size - table) // wide  # ids that the table has at most
                used: Whole = np.int64(1) << bits
                if used > known or bits > _TABLE_BITS:
                    used = 1 + _largest(words, at, bits, cell, ranges)
                if used > known:
                    return number
                place = (to_z * voxels.shape[1] + to_y) * voxels.shape[2] + to_x
                if bits > _TABLE_BITS:
                    step = strides[0], strides[1], wide
                    _fill_rich(words, at, bits, cell, ranges, table, flat, place, step)
                else:
                    for n in range(used):
                        ids[n] = _id(words, table + n * wide, wide)
                    _fill(words, at, bits, cell, ranges, ids, flat, place, strides)
                to_x += x1 - x0
            to_y += y1 - y0
        to_z += z1 - z0
    return -1


@njit(cache=True, nogil=True)
def _id(words: NDArray[np.uint32], at: Whole, wide: Whole) -> Any:
    """Return an id of one word or two."""
    found = np.uint64(words[at])
    if wide == 2:
        found |= np.uint64(words[at + 1]) << np.uint64(32)
    return found


@njit(cache=True, nogil=True)
def _largest(
    words: NDArray[np.uint32],
    at: Whole,
    bits: Whole,
    cell: tuple[int, ...],
    ranges: Six,
) -> Whole:
    """Return the highest place in its table that a part of a cell names."""
    z0, z1, y0, y1, x0, x1 = ranges
    mask = (np.int64(1) << bits) - 1
    largest = np.int64(0)
    if bits == 0:  # there may be no word
        return largest
    for z in range(z0, z1):
        for y in range(y0, y1):
            for x in range(x0, x1):
                bit = ((z * cell[1] + y) * cell[2] + x) * bits
                largest = max(largest, np.int64(words[at + (bit >> 5)]) >> (bit & 31) & mask)
    return largest


@njit(cache=True, nogil=True)
def _fill(
    words: NDArray[np.uint32],
    at: Whole,
    bits: Whole,
    cell: tuple[int, ...],
    ranges: Six,
    ids: NDArray[Any],
    flat: NDArray[Any],
    place: Whole,
    strides: Any,
) -> None:
    """Write a part of a cell whose ids are these; unsigned, as others could count from the end."""
    z0, z1, y0, y1, x0, x1 = ranges
    mask = np.uint32((1 << bits) - 1)
    shift = np.uint32(bits)
    a_word = x1 - x0 == CELL and bits * CELL <= 32
    for z in range(z0, z1):
        for y in range(y0, y1):
            to = np.uint64(place + (z - z0) * strides[0] + (y - y0) * strides[1])
            bit = ((z * cell[1] + y) * cell[2] + x0) * bits
            if bits == 0:
                if x1 - x0 == CELL:
                    for x in range(CELL):
                        flat[to + np.uint64(x)] = ids[0]
                else:
                    for x in range(x1 - x0):
                        flat[to + np.uint64(x)] = ids[0]
            elif a_word and (bit & 31) + bits * CELL <= 32:
                word = words[np.uint64(at + (bit >> 5))] >> np.uint32(bit & 31)
                for x in range(CELL):
                    flat[to + np.uint64(x)] = ids[np.uint64(word & mask)]
                    word >>= shift
            else:
                for x in range(x1 - x0):
                    word = words[np.uint64(at + (bit >> 5))] >> np.uint32(bit & 31)
                    flat[to + np.uint64(x)] = ids[np.uint64(word & mask)]
                    bit += bits


@njit(cache=True, nogil=True)
def _fill_rich(
    words: NDArray[np.uint32],
    at: Whole,
    bits: Whole,
    cell: tuple[int, ...],
    ranges: Six,
    table: Whole,
    flat: NDArray[Any],
    place: Whole,
    step: tuple[Whole, Whole, Whole],
) -> None:
    """Write a part of a cell of more ids than are worth a copy of its table."""
    z0, z1, y0, y1, x0, x1 = ranges
    mask = (np.int64(1) << bits) - 1
    for z in range(z0, z1):
        for y in range(y0, y1):
            to = place + (z - z0) * step[0] + (y - y0) * step[1]
            for x in range(x0, x1):
                bit = ((z * cell[1] + y) * cell[2] + x) * bits
                index = np.int64(words[at + (bit >> 5)]) >> (bit & 31) & mask
                flat[to + x - x0] = _id(words, table + index * step[2], step[2])
