"""Loops over windows of voxels, compiled by numba when first used and cached on disk.

A window has the sides `factor`; the first one of an axis began `phase` voxels before the array.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiling import njit

Voxels = NDArray[Any]
Sides = tuple[int, int, int]


def mean(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels) -> None:
    """Take the mean of each window, rounded to the nearest, half to even.

    Exact for all integers, as sums are kept whole. Floats are added in C order with 64 bits, and
    those that are NaN left out.

    Parameters
    ----------
    fine : array, shape (Z, Y, X), C order
    factor, phase : tuple of 3 int
        ZYX.
    coarse : array of the same dtype, shape (ceil((phase + Z) / factor), …)
        Where the means are written.
    """
    _check(fine, factor, phase, coarse)
    if fine.dtype.kind == "b":
        fine, coarse = fine.view(np.uint8), coarse.view(np.uint8)
    if fine.dtype == np.float16:  # which numba does not add
        wide = np.empty(coarse.shape)
        _mean_of_floats(fine.astype(np.float32), factor, phase, wide)
        coarse[...] = wide
    elif fine.dtype.kind == "f":
        _mean_of_floats(fine, factor, phase, coarse)
    elif fine.itemsize == 8:
        one = np.ones(1, fine.dtype)
        _mean_of_wide(fine, factor, phase, coarse, one)
    else:
        small = fine.itemsize <= 2 and factor[0] * factor[1] * factor[2] < 2**15
        sums = np.empty(coarse.shape[2], np.int32 if small else np.int64)
        _mean_of_narrow(fine, factor, phase, coarse, sums)


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_of_narrow(
    fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels, sums: Voxels
) -> None:
    """Take means of integers of 32 bits or less, row by row, so that processors add many at once.

    `sums` has as many integers as a row of `coarse`, wide enough for a window's sum.
    """
    depth, height, width = fine.shape
    step = factor[2]
    left = (step - phase[2]) % step  # voxels before the first whole window
    ragged = min(left, width)
    before = 1 if left else 0
    whole = (width - ragged) // step
    for z in range(coarse.shape[0]):
        z0, z1 = max(z * factor[0] - phase[0], 0), min((z + 1) * factor[0] - phase[0], depth)
        for y in range(coarse.shape[1]):
            y0, y1 = max(y * factor[1] - phase[1], 0), min((y + 1) * factor[1] - phase[1], height)
            sums[:] = 0
            for plane in range(z0, z1):
                for line in range(y0, y1):
                    row = fine[plane, line]
                    for x in range(ragged):
                        sums[0] += row[x]
                    if step == 2:
                        for x in range(whole):
                            first = ragged + 2 * x
                            sums[before + x] += sums.dtype.type(row[first]) + row[first + 1]
                    else:
                        for x in range(whole):
                            first = ragged + step * x
                            for i in range(first, first + step):
                                sums[before + x] += row[i]
                    for x in range(ragged + whole * step, width):
                        sums[before + whole] += row[x]
            lines = (z1 - z0) * (y1 - y0)
            out = coarse[z, y]
            if before:
                _divide(sums, 0, 1, lines * ragged, out)
            _divide(sums, before, before + whole, lines * step, out)
            rest = width - ragged - whole * step
            if rest:
                _divide(sums, before + whole, before + whole + 1, lines * rest, out)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _divide(sums: Voxels, start: int, stop: int, number: int, out: Voxels) -> None:
    """Divide sums of so many voxels, rounding half to even."""
    if number & (number - 1) == 0:
        shift, half = 0, number >> 1
        while 1 << shift < number:
            shift += 1
        for x in range(start, stop):
            total = sums[x]
            out[x] = (total + (half - 1) + ((total >> shift) & 1)) >> shift if half else total
    else:
        for x in range(start, stop):
            quotient = sums[x] // number
            twice = 2 * (sums[x] - quotient * number)
            out[x] = quotient + (twice > number or (twice == number and quotient & 1 == 1))


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_of_wide(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels, one: Voxels) -> None:
    """Take means of integers of 64 bits, whose sum no integer holds: by quotients and rests.

    `one` is 1 in their type: numba makes floats of what is signed and what is not.
    """
    depth, height, width = fine.shape
    unit = one[0]
    number = np.empty_like(one)
    for z in range(coarse.shape[0]):
        z0, z1 = max(z * factor[0] - phase[0], 0), min((z + 1) * factor[0] - phase[0], depth)
        for y in range(coarse.shape[1]):
            y0, y1 = max(y * factor[1] - phase[1], 0), min((y + 1) * factor[1] - phase[1], height)
            for x in range(coarse.shape[2]):
                x0 = max(x * factor[2] - phase[2], 0)
                x1 = min((x + 1) * factor[2] - phase[2], width)
                number[0] = (z1 - z0) * (y1 - y0) * (x1 - x0)
                n = number[0]
                quotient = rest = unit - unit
                for plane in range(z0, z1):
                    for line in range(y0, y1):
                        for i in range(x0, x1):
                            quotient += fine[plane, line, i] // n
                            rest += fine[plane, line, i] % n
                quotient += rest // n
                rest %= n
                if rest + rest > n or (rest + rest == n and quotient & unit == unit):
                    quotient += unit
                coarse[z, y, x] = quotient


@njit(cache=True, nogil=True, error_model="numpy")
def _mean_of_floats(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels) -> None:
    """Take means of floats, of those in a window that are not NaN; NaN where there are none."""
    depth, height, width = fine.shape
    for z in range(coarse.shape[0]):
        z0, z1 = max(z * factor[0] - phase[0], 0), min((z + 1) * factor[0] - phase[0], depth)
        for y in range(coarse.shape[1]):
            y0, y1 = max(y * factor[1] - phase[1], 0), min((y + 1) * factor[1] - phase[1], height)
            for x in range(coarse.shape[2]):
                x0 = max(x * factor[2] - phase[2], 0)
                x1 = min((x + 1) * factor[2] - phase[2], width)
                total, halves, number = 0.0, 0.0, 0
                for plane in range(z0, z1):
                    for line in range(y0, y1):
                        for i in range(x0, x1):
                            value = np.float64(fine[plane, line, i])
                            if value == value:
                                total += value
                                halves += value * 2.0**-60  # a sum beyond the largest float
                                number += 1
                if np.isinf(total) and not np.isinf(halves):
                    coarse[z, y, x] = halves / number * 2.0**60
                else:
                    mean = total / number if number else np.nan
                    coarse[z, y, x] = mean if mean == mean else np.nan  # its bits, on any processor


def mode(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels) -> None:
    """Take the most frequent value of each window; of several the first in C order.

    Parameters
    ----------
    fine : array, shape (Z, Y, X)
    factor, phase : tuple of 3 int
        ZYX.
    coarse : array of the same dtype, shape (ceil((phase + Z) / factor), …)
        Where the values are written.
    """
    _check(fine, factor, phase, coarse)
    if fine.dtype.kind in "bfi":  # their bits: as many loops less to be compiled
        bits = np.dtype(f"u{fine.itemsize}")
        fine, coarse = fine.view(bits), coarse.view(bits)
    if max(factor) <= 2:
        _mode_of_eight(fine, factor, phase, coarse)
    else:
        _mode_of_any(fine, factor, phase, coarse)


@njit(cache=True, nogil=True)
def _mode_of_eight(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels) -> None:
    """Take the most frequent value of windows whose sides are 1 or 2.

    Along an axis where a window has one voxel, that one counts twice, as all do. Whole windows of a
    row are looked at together, as processors do; most have four voxels of the first one's value.
    """
    depth, height, width = fine.shape
    values = np.zeros(8, fine.dtype)
    step, begun = factor[2], phase[2]
    alike = np.zeros(coarse.shape[2], np.uint8)  # of a window not looked at, none
    for z in range(coarse.shape[0]):
        z0 = max(z * factor[0] - phase[0], 0)
        z1 = min((z + 1) * factor[0] - phase[0], depth) - 1
        for y in range(coarse.shape[1]):
            y0 = max(y * factor[1] - phase[1], 0)
            y1 = min((y + 1) * factor[1] - phase[1], height) - 1
            upper, lower = fine[z0, y0], fine[z0, y1]
            upper_behind, lower_behind = fine[z1, y0], fine[z1, y1]
            if step == 2:
                # from the first whole window on: a place below 0 would be one from the end
                near, below = upper[begun:], lower[begun:]
                behind, last = upper_behind[begun:], lower_behind[begun:]
                found = alike[begun:]
                for x in range((width - begun) // 2):
                    found[x] = _alike(near, below, behind, last, 2 * x, 2 * x + 1)
            else:
                for x in range(width):
                    alike[x] = _alike(upper, lower, upper_behind, lower_behind, x, x)
            row = coarse[z, y]
            for x in range(row.size):
                x0 = max(x * step - begun, 0)
                if alike[x] >= 4:
                    row[x] = upper[x0]
                    continue
                x1 = min((x + 1) * step - begun, width) - 1
                values[0], values[1] = upper[x0], upper[x1]
                values[2], values[3] = lower[x0], lower[x1]
                values[4], values[5] = upper_behind[x0], upper_behind[x1]
                values[6], values[7] = lower_behind[x0], lower_behind[x1]
                row[x] = _most_frequent(values, 8)


@njit(cache=True, nogil=True, inline="always")
def _alike(
    upper: Voxels, lower: Voxels, upper_behind: Voxels, lower_behind: Voxels, x0: int, x1: int
) -> Any:
    """Count the voxels of a window that have the first one's value."""
    first = upper[x0]
    return (
        np.uint8(1)
        + np.uint8(first == upper[x1])
        + np.uint8(first == lower[x0])
        + np.uint8(first == lower[x1])
        + np.uint8(first == upper_behind[x0])
        + np.uint8(first == upper_behind[x1])
        + np.uint8(first == lower_behind[x0])
        + np.uint8(first == lower_behind[x1])
    )


@njit(cache=True, nogil=True)
def _mode_of_any(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels) -> None:
    """Take the most frequent value of windows of any sides."""
    depth, height, width = fine.shape
    values = np.zeros(factor[0] * factor[1] * factor[2], fine.dtype)
    for z in range(coarse.shape[0]):
        z0, z1 = max(z * factor[0] - phase[0], 0), min((z + 1) * factor[0] - phase[0], depth)
        for y in range(coarse.shape[1]):
            y0, y1 = max(y * factor[1] - phase[1], 0), min((y + 1) * factor[1] - phase[1], height)
            for x in range(coarse.shape[2]):
                x0 = max(x * factor[2] - phase[2], 0)
                x1 = min((x + 1) * factor[2] - phase[2], width)
                number = 0
                for plane in range(z0, z1):
                    for line in range(y0, y1):
                        for i in range(x0, x1):
                            values[number] = fine[plane, line, i]
                            number += 1
                coarse[z, y, x] = _most_frequent(values, number)


@njit(cache=True, nogil=True, inline="always")
def _most_frequent(values: Voxels, number: int) -> Any:
    """Return the most frequent of the first so many values; of several the first."""
    best, most = values[0], 0
    for i in range(number):
        if number - i <= most or 2 * most >= number:  # no other value can be more frequent
            break
        count = 0
        for j in range(i, number):
            count += values[j] == values[i]
        if count > most:
            best, most = values[i], count
    return best


def _check(fine: Voxels, factor: Sides, phase: Sides, coarse: Voxels) -> None:
    """Refuse arrays that do not fit: compiled loops would read and write beyond them."""
    axes = zip(fine.shape, factor, phase, strict=True)
    windows = tuple(-(-(begun + side) // step) for side, step, begun in axes)
    if coarse.shape != windows or coarse.dtype != fine.dtype or not fine.size:
        raise ValueError(
            f"{windows} windows of {fine.dtype} make no {coarse.shape} of {coarse.dtype}"
        )
