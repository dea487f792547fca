"""Loops over every voxel of a block, compiled by numba when first used and cached on disk.

What these do, numpy can do too, but takes several times as long; the tests compare the two.
"""

import numpy as np
from numpy.typing import NDArray

from . import bordering, uniting
from .boxes import CELL, Box
from .compiling import njit
from .compressed_segmentation import encode, words_max
from .contingency import contingency
from .decoding import decode
from .flooding import flood
from .windows import mean, mode


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
    totals = np.zeros((n + 1, 11), np.int64)
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            before = (z * height + y) * width
            label, start = labels[z, y, 0], 0
            for x in range(1, width):
                if labels[z, y, x] != label:
                    if label:
                        _add_run(totals, label, z, y, start, x, before)
                    label, start = labels[z, y, x], x
            if label:
                _add_run(totals, label, z, y, start, width, before)
    return totals


@njit(cache=True, nogil=True, inline="always")
def _add_run(
    totals: NDArray[np.int64], label: int, z: int, y: int, x0: int, x1: int, before: int
) -> None:
    """Add voxels x0 to x1 of a row to a label's statistics; runs come in raster order."""
    length = x1 - x0
    if totals[label, 0] == 0:
        totals[label, 4] = z
        totals[label, 6] = y
        totals[label, 7] = y + 1
        totals[label, 8] = x0
        totals[label, 9] = x1
        totals[label, 10] = before + x0
    else:
        totals[label, 6] = min(totals[label, 6], y)
        totals[label, 7] = max(totals[label, 7], y + 1)
        totals[label, 8] = min(totals[label, 8], x0)
        totals[label, 9] = max(totals[label, 9], x1)
    totals[label, 0] += length
    totals[label, 1] += z * length
    totals[label, 2] += y * length
    totals[label, 3] += (x0 + x1 - 1) * length >> 1
    totals[label, 5] = z + 1


@njit(cache=True, nogil=True)
def intensities(
    labels: NDArray[np.uint32],
    values: NDArray[np.unsignedinteger],
    first: int,
    shift: int,
    sums: NDArray[np.int64],
    counts: NDArray[np.uint32],
) -> None:
    """Add up, bound and count the values of voxels by label.

    Parameters
    ----------
    labels : uint32 array, shape (n,)
    values : uint8 or uint16 array, shape (n,)
        Fewer than 2^31, so that their squares add up in 63 bits.
    first : int
        The label of the first row of `sums` and `counts`; labels beyond their rows are left out.
    shift : int
        How many low bits of a value tell no bins apart.
    sums : int64 array, shape (m, 4)
        Added to, by label: values, their squares; bounded: the smallest, the largest.
    counts : uint32 array, shape (m, bins)
        Added to: voxels by label and bin.
    """
    last = first + len(counts)
    for i in range(len(labels)):
        label = np.int64(labels[i])
        if first <= label < last:
            row, value = label - first, np.int64(values[i])
            sums[row, 0] += value
            sums[row, 1] += value * value
            sums[row, 2] = min(sums[row, 2], value)
            sums[row, 3] = max(sums[row, 3], value)
            counts[row, value >> shift] += 1


@njit(cache=True, nogil=True)
def differing(
    labels: NDArray[np.uint32],
    dz: int,
    dy: int,
    dx: int,
    first: NDArray[np.uint32],
    second: NDArray[np.uint32],
) -> int:
    """Write the pairs of labels that differ from each voxel to the one a step further on.

    Parameters
    ----------
    labels : uint32 array, shape (Z, Y, X), C order
    dz, dy, dx : int
        The step: 0 or 1 each.
    first, second : uint32 array, shape (n,)
        Written to, as far as there is room.

    Returns
    -------
    int
        How many pairs there are.
    """
    depth, height, width = labels.shape
    found, room = 0, len(first)
    for z in range(depth - dz):
        for y in range(height - dy):
            here, there = labels[z, y], labels[z + dz, y + dy]
            for x in range(width - dx):
                if here[x] != there[x + dx]:
                    if found < room:
                        first[found], second[found] = here[x], there[x + dx]
                    found += 1
    return found


def compile_all() -> None:
    """Compile what a run needs, so that the first task does not have to."""
    voxels = np.zeros((2 * CELL, CELL, CELL), np.uint32)
    words = np.empty(words_max(voxels.shape), np.uint32)
    statistics(voxels, 0)
    differing(voxels, 0, 0, 1, *np.zeros((2, 1), np.uint32))
    for dtype in ("uint32", "uint64"):
        many = np.arange(2**12, dtype=dtype)  # more than the first table holds
        contingency(many, many)
    for dtype in ("uint8", "uint16"):
        flat = voxels.reshape(-1)
        sums, counts = np.zeros((1, 4), np.int64), np.zeros((1, 256), np.uint32)
        intensities(flat, flat.astype(dtype), 1, 0, sums, counts)
        edges, choice = voxels.astype(dtype), voxels.astype(np.uint8)
        ends = (True, True, True)
        flood(edges, edges, edges, ends, ends, 1, 1, choice, voxels.copy())
    bordering.compile_all(voxels)
    uniting.compile_all()
    encode(voxels, (0, 0, 0), voxels.shape, words, np.empty_like(words))
    box = Box.of((0, 0, 0), voxels.shape)
    for dtype in ("uint32", "uint64"):
        decode(words, box, (CELL, CELL, CELL), voxels.astype(dtype), box)
    for dtype in ("uint8", "uint16", "uint32", "uint64"):
        mode(voxels.astype(dtype), (2, 2, 2), (0, 0, 0), np.zeros((CELL, 4, 4), dtype))
    for fine in voxels, voxels[:, :, :-1]:
        for coarse in np.zeros((CELL, CELL // 2, CELL // 2), np.uint32), voxels[:CELL, :4, :4]:
            mode(fine, (2, 2, 2), (0, 0, 0), coarse)
    for dtype in ("uint8", "uint16", "float32"):
        for coarse in np.zeros((CELL, 4, 4), dtype), np.zeros((CELL, 4, 5), dtype)[..., :4]:
            mean(voxels.astype(dtype), (2, 2, 2), (0, 0, 0), coarse)
