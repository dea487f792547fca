"""Sums of values in a ball around each voxel: of whole numbers, so exact."""

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .balls import Widths


@njit(cache=True, nogil=True)
def spread(
    values: NDArray[np.uint8],
    widths: Widths,
    sums: NDArray[np.int32],
    corner_zyx: tuple[int, int, int],
    sign: int,
) -> None:
    """Add to each voxel the values in the ball around it.

    Values are summed along x by running sums, then along y to the disks of the ball, then along z:
    about as many additions of rows as the ball has rows, and no more memory than planes.

    Parameters
    ----------
    values : uint8 array, shape (Z, Y, X)
        Whatever is outside counts as 0.
    widths : int64 array
        The ball.
    sums : int32 array, C order
        Added to, also around the values, as far as it reaches.
    corner_zyx : tuple of 3 int
        Where in `sums` the first value is; all of them are inside.
    sign : int
        1 to add, -1 to subtract.
    """
    reach_z, reach_y = widths.shape[0] // 2, widths.shape[1] // 2
    reach_x = int(widths[reach_z, reach_y])
    depth, height, width = values.shape
    z0, y0, x0 = corner_zyx
    above, left = min(reach_y, y0), min(reach_x, x0)
    tall = above + height + min(reach_y, sums.shape[1] - y0 - height)
    wide = left + width + min(reach_x, sums.shape[2] - x0 - width)
    running = np.zeros(wide + 2 * reach_x + 1, np.int32)
    runs = np.zeros((reach_x + 1, height, wide), np.int32)
    filled = np.zeros(height, np.bool_)
    disk = np.zeros(wide, np.int32)
    for z in range(depth):
        some = False
        for y in range(height):
            filled[y] = _run(values[z, y], running, left + reach_x)
            if filled[y]:
                some = True
                for reach in range(reach_x + 1):
                    run = runs[reach, y]
                    low, high = running[reach_x - reach :], running[reach_x + reach + 1 :]
                    for x in range(wide):
                        run[x] = high[x] - low[x]
        if not some:
            continue
        for dz in range(reach_z + 1):
            before, after = z0 + z - dz, z0 + z + dz
            to_before = before >= 0 and dz > 0
            to_after = after < sums.shape[0]
            if not (to_before or to_after):
                continue
            for y in range(tall):
                if not _disk(runs, filled, widths[reach_z + dz], y - above, disk):
                    continue
                if to_before:
                    _add(sums[before, y0 - above + y], x0 - left, disk, sign)
                if to_after:
                    _add(sums[after, y0 - above + y], x0 - left, disk, sign)


@njit(cache=True, nogil=True)
def _run(row: NDArray[np.uint8], running: NDArray[np.int32], start: int) -> bool:
    """Write the sums of the values before each of a row, which begins late; tell if any is > 0."""
    total = np.int32(0)
    for x in range(len(row)):
        running[start + x] = total
        total += np.int32(row[x])
    running[start + len(row) :] = total
    return bool(total > 0)


@njit(cache=True, nogil=True)
def _disk(
    runs: NDArray[np.int32],
    filled: NDArray[np.bool_],
    widths: NDArray[np.int64],
    y: int,
    disk: NDArray[np.int32],
) -> bool:
    """Sum up the runs around a row; tell if there were any."""
    reach, some = len(widths) // 2, False
    for dy in range(max(-reach, -y), min(reach, len(filled) - 1 - y) + 1):
        width = widths[reach + dy]
        if width >= 0 and filled[y + dy]:
            run = runs[width, y + dy]
            if some:
                for x in range(len(disk)):
                    disk[x] += run[x]
            else:
                for x in range(len(disk)):
                    disk[x] = run[x]
            some = True
    return some


@njit(cache=True, nogil=True)
def _add(row: NDArray[np.int32], start: int, values: NDArray[np.int32], sign: int) -> None:
    part = row[start : start + len(values)]
    if sign > 0:
        for x in range(len(values)):
            part[x] += values[x]
    else:
        for x in range(len(values)):
            part[x] -= values[x]
