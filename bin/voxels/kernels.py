"""Loops over every voxel of a block, compiled by numba when first used and cached on disk.

What these do, numpy can do too, but takes several times as long; the tests compare the two.
"""

import math
import os

import numpy as np

# Cached beside this file where that can be written, else where numba keeps such things; by whoever
# can write in neither (a container with a read-only home), in the task's own directory.
if not os.access(os.path.dirname(__file__), os.W_OK) and not os.access(
    os.path.expanduser("~"), os.W_OK
):
    os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(os.getcwd(), ".numba"))

import numba.np.linalg
from numba import njit
from numpy.typing import NDArray

from .boxes import CELL


def _no_blas() -> None:
    raise ImportError("no linear algebra here")


# numba looks for scipy's BLAS when it is first used, which takes as long as importing numba. Only
# in the programs: who imports the package may want it.
if not __name__.startswith("bossflow."):
    numba.np.linalg.ensure_blas = _no_blas

CELL_WORDS_MAX = 2 + CELL**3 // 2 + CELL**3
"""32-bit words that a cell takes at most: header, values of 16 bits, table."""

_SLOTS = 1024


@njit(cache=True, nogil=True)
def statistics(labels: NDArray[np.uint32], n: int) -> NDArray[np.int64]:
    """Count, sum, bound and find the labels of an array, in one pass over its runs along x.

    Parameters
    ----------
    labels : uint32 array, shape (Z, Y, X), C order
    n : int
        The largest label.

    Returns
    -------
    int64 array, shape (n + 1, 11)
        By label: voxels; sums of z, y, x; half-open box as z0, z1, y0, y1, x0, x1; index of the
        first voxel in C order. All 0 for label 0, and where there is no such label.
    """
    found = np.zeros((n + 1, 11), np.int64)
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            before = (z * height + y) * width
            label, start = labels[z, y, 0], 0
            for x in range(1, width):
                if labels[z, y, x] != label:
                    if label:
                        _add_run(found, label, z, y, start, x, before)
                    label, start = labels[z, y, x], x
            if label:
                _add_run(found, label, z, y, start, width, before)
    return found


@njit(cache=True, nogil=True, inline="always")
def _add_run(
    found: NDArray[np.int64], label: int, z: int, y: int, x0: int, x1: int, before: int
) -> None:
    """Add voxels x0 to x1 of a row to a label's statistics; runs come in raster order."""
    length = x1 - x0
    if found[label, 0] == 0:
        found[label, 4] = z
        found[label, 6] = y
        found[label, 7] = y + 1
        found[label, 8] = x0
        found[label, 9] = x1
        found[label, 10] = before + x0
    else:
        found[label, 6] = min(found[label, 6], y)
        found[label, 7] = max(found[label, 7], y + 1)
        found[label, 8] = min(found[label, 8], x0)
        found[label, 9] = max(found[label, 9], x1)
    found[label, 0] += length
    found[label, 1] += z * length
    found[label, 2] += y * length
    found[label, 3] += (x0 + x1 - 1) * length >> 1
    found[label, 5] = z + 1


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
    index = np.zeros(CELL**3, np.int64)  # of each voxel of a cell in the cell's table
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
                last_index = 0
                table[0] = last
                slot = _slot(last)
                slots[slot], slot_cell[slot] = 0, cell
                for z in range(z0, z0 + CELL):
                    for y in range(y0, y0 + CELL):
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
                                last_index = slots[slot]
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
                            packed |= np.uint32(index[at + i] << (i * bits))
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


@njit(cache=True, nogil=True)
def decode(words: NDArray[np.uint32], voxels: NDArray[np.uint32]) -> None:
    """Decode a chunk of compressed_segmentation, in cells of 8x8x8 voxels.

    Parameters
    ----------
    words : uint32 array
        As `encode` leaves it; also with the ids in its tables replaced.
    voxels : uint32 array, shape (Z, Y, X)
        Where the chunk's voxels are written. Each side a multiple of `CELL`.
    """
    depth, height, width = voxels.shape
    header = 1
    for z0 in range(0, depth, CELL):
        for y0 in range(0, height, CELL):
            for x0 in range(0, width, CELL):
                table = 1 + np.int64(words[header] & np.uint32(0xFFFFFF))
                bits = np.int64(words[header] >> np.uint32(24))
                at = np.int64(1) + words[header + 1]
                header += 2
                if bits == 0:
                    voxels[z0 : z0 + CELL, y0 : y0 + CELL, x0 : x0 + CELL] = words[table]
                    continue
                mask = np.uint32((1 << bits) - 1)
                word, left = np.uint32(0), np.int64(0)
                for z in range(z0, z0 + CELL):
                    for y in range(y0, y0 + CELL):
                        for x in range(x0, x0 + CELL):
                            if left == 0:
                                word, left = words[at], np.int64(32)
                                at += 1
                            voxels[z, y, x] = words[table + np.int64(word & mask)]
                            word >>= np.uint32(bits)
                            left -= bits


@njit(cache=True, nogil=True)
def downsample(
    fine: NDArray[np.uint32], factor: tuple[int, int, int], coarse: NDArray[np.uint32]
) -> None:
    """Take the most frequent value of each cell of voxels; of several the first in C order.

    Parameters
    ----------
    fine : uint32 array, shape (Z, Y, X)
    factor : tuple of 3 int
        ZYX sides of a cell, 1 or 2. Cells are cut off where the array ends.
    coarse : uint32 array, shape (ceil(Z / z), ceil(Y / y), ceil(X / x))
        Where the values are written.
    """
    depth, height, width = fine.shape
    values = np.zeros(8, np.uint32)
    for z in range(coarse.shape[0]):
        z0, z1 = z * factor[0], min((z + 1) * factor[0], depth) - 1
        for y in range(coarse.shape[1]):
            y0, y1 = y * factor[1], min((y + 1) * factor[1], height) - 1
            upper, lower = fine[z0, y0], fine[z0, y1]
            upper_behind, lower_behind = fine[z1, y0], fine[z1, y1]
            row = coarse[z, y]
            for x in range(row.size):
                x0 = x * factor[2]
                x1 = min(x0 + factor[2], width) - 1
                # Along an axis where the cell has one voxel, that one counts twice, as all do.
                first = upper[x0]
                if (
                    (first == upper[x1])
                    & (first == lower[x0])
                    & (first == lower[x1])
                    & (first == upper_behind[x0])
                    & (first == upper_behind[x1])
                    & (first == lower_behind[x0])
                    & (first == lower_behind[x1])
                ):
                    row[x] = first
                    continue
                values[0], values[1] = first, upper[x1]
                values[2], values[3] = lower[x0], lower[x1]
                values[4], values[5] = upper_behind[x0], upper_behind[x1]
                values[6], values[7] = lower_behind[x0], lower_behind[x1]
                most = 0
                for i in range(8):
                    most += values[i] == first
                if most < 4:  # else no other value is more frequent
                    for i in range(1, 7):
                        count = 0
                        for j in range(i, 8):
                            count += values[j] == values[i]
                        if count > most:
                            first, most = values[i], count
                row[x] = first


def words_max(shape_zyx: tuple[int, ...]) -> int:
    """32-bit words that an encoded chunk takes at most."""
    return 1 + CELL_WORDS_MAX * math.prod(-(-side // CELL) for side in shape_zyx)


def compile_all() -> None:
    """Compile what a run needs, so that the first task does not have to."""
    voxels = np.zeros((2 * CELL, CELL, CELL), np.uint32)
    words = np.empty(words_max(voxels.shape), np.uint32)
    statistics(voxels, 0)
    encode(voxels, (0, 0, 0), voxels.shape, words, np.empty_like(words))
    decode(words, voxels)
    for fine in voxels, voxels[:, :, :-1]:
        for coarse in np.zeros((CELL, CELL // 2, CELL // 2), np.uint32), voxels[:CELL, :4, :4]:
            downsample(fine, (2, 2, 2), coarse)
