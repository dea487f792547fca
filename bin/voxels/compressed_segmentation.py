"""Loops that encode a chunk as Neuroglancer's compressed_segmentation; `decoding` undoes it."""

import math

import numpy as np
from numpy.typing import NDArray

from .boxes import CELL
from .compiling import njit

CELL_WORDS_MAX = 2 + CELL**3 // 2 + CELL**3
"""32-bit words that a cell takes at most: header, values of 16 bits, table."""

_SLOTS = 1024


@njit(cache=True, nogil=True)
def encode(
    voxels: NDArray[np.uint32],
    lower: tuple[int, int, int],
    upper: tuple[int, int, int],
    words: NDArray[np.uint32],
    tables: NDArray[np.uint32],
) -> tuple[int, int]:
    """Encode a chunk as Neuroglancer's compressed_segmentation, in cells of 8x8x8 voxels.

    All tables come after all values, so that ids can be replaced without decoding. Format:
    https://github.com/google/neuroglancer/blob/master/src/sliceview/compressed_segmentation

    Parameters
    ----------
    voxels : uint32 array, shape (Z, Y, X), C order
    lower, upper : tuple of 3 int
        ZYX corners of the chunk in it; each side is a multiple of `CELL`.
    words, tables : uint32 array
        Where the chunk is written, and scratch: both of `words_max` of its shape.

    Returns
    -------
    tuple of int
        Where the tables begin in `words`, and where the chunk ends.
    """
    depth, height, width = upper[0] - lower[0], upper[1] - lower[1], upper[2] - lower[2]
    index = np.zeros(CELL**3, np.uint32)  # of each voxel of a cell in the cell's table
    table = np.zeros(CELL**3, np.uint32)
    slots = np.zeros(_SLOTS, np.int64)  # hash of a value to its place in the table,
    slot_cell = np.full(_SLOTS, -1, np.int64)  # if it was put there in this cell
    known = np.zeros(_SLOTS, np.uint32)  # hash of a value to where in `tables` it stands
    known_at = np.full(_SLOTS, -1, np.int64)
    cells = (depth // CELL) * (height // CELL) * (width // CELL)
    here, tabled = 2 * cells, 0  # ends of values and tables so far
    last_at, last_size = 0, 0
    cell = -1
    words[0] = 1
    for z0 in range(lower[0], upper[0], CELL):
        for y0 in range(lower[1], upper[1], CELL):
            for x0 in range(lower[2], upper[2], CELL):
                cell += 1
                last = voxels[z0, y0, x0]
                size, bits, at = 1, 0, 0
                last_index = np.uint32(0)
                table[0] = last
                slot = _slot(last)
                slots[slot], slot_cell[slot] = 0, cell
                for z in range(z0, z0 + CELL):
                    for y in range(y0, y0 + CELL):
                        other = np.uint32(0)  # most rows are of one value: seen at once
                        for x in range(CELL):
                            other |= voxels[z, y, np.uint64(x0 + x)] ^ last
                            index[np.uint64(at + x)] = last_index
                        if not other:
                            at += CELL
                            continue
                        for x in range(x0, x0 + CELL):
                            value = voxels[z, y, x]
                            if value != last:
                                last = value
                                slot = _slot(value)
                                while slot_cell[slot] == cell and table[slots[slot]] != value:
                                    slot = (slot + 1) & (_SLOTS - 1)
                                if slot_cell[slot] != cell:
                                    slots[slot], slot_cell[slot] = size, cell
                                    table[size] = value
                                    size += 1
                                last_index = np.uint32(slots[slot])
                            index[at] = last_index
                            at += 1
                if size > 1:
                    bits = 1
                    while (1 << bits) < size:
                        bits *= 2

                # The table before serves again where it is the same, and any entry of any table
                # serves a cell of one value.
                slot = _slot(table[0])
                same = size == last_size
                for i in range(size if same else 0):
                    same = same and table[i] == tables[last_at + i]
                if same:
                    at = last_at
                elif size == 1 and known_at[slot] >= 0 and known[slot] == table[0]:
                    at = known_at[slot]
                else:
                    at = last_at = tabled
                    last_size = size
                    for i in range(size):
                        slot = _slot(table[i])
                        known[slot], known_at[slot] = table[i], tabled
                        tables[tabled] = table[i]
                        tabled += 1
                words[1 + 2 * cell] = np.uint32(at | bits << 24)
                words[2 + 2 * cell] = here
                if bits:
                    each = 32 // bits
                    at = 0
                    for word in range(1 + here, 1 + here + CELL**3 // each):
                        packed = np.uint32(0)
                        for i in range(each):
                            packed |= index[np.uint64(at + i)] << np.uint32(i * bits)
                        words[word] = packed
                        at += each
                    here += CELL**3 // each
    for cell in range(cells):
        words[1 + 2 * cell] += np.uint32(here)
    words[1 + here : 1 + here + tabled] = tables[:tabled]
    return 1 + here, 1 + here + tabled


@njit(cache=True, nogil=True)
def _slot(value: np.uint32) -> np.int64:
    """Place of a value in a hash table (multiplicative hashing)."""
    return np.int64((np.uint64(value) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(54))


def words_max(shape_zyx: tuple[int, ...]) -> int:
    """32-bit words that an encoded chunk takes at most."""
    return 1 + CELL_WORDS_MAX * math.prod(-(-side // CELL) for side in shape_zyx)
