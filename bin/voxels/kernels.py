"""Loops over every voxel of a block, compiled by numba when first used and cached on disk.

What these do, numpy can do too, but takes several times as long; the tests compare the two.
"""

import numpy as np
from numpy.typing import NDArray

from .boxes import CELL
from .compiling import njit
from .compressed_segmentation import decode, encode, words_max


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
