"""Loops of the search for blobs: the Laplacian of Gaussian, its maxima, and which are kept.

Each value is the sum of the same numbers in the same order, wherever its voxel lies in an array,
and nothing is contracted or reordered: numba does neither unless it is told to. So a part of an
array has the bits of the whole.
"""

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def kernels(sigma: float, truncate: float) -> Floats:
    """Return halves of the Gaussian, and of its second derivative times sigma squared.

    Parameters
    ----------
    sigma : float
        In voxels.
    truncate : float
        Sigmas that they reach, rounded to voxels.

    Returns
    -------
    float32 array, shape (2, n)
        From the middle on; the whole first one adds up to 1, the second one to 0.
    """
    steps = np.arange(int(truncate * sigma + 0.5) + 1) / sigma
    smooth = np.exp(-0.5 * steps**2)
    smooth /= 2 * smooth.sum() - smooth[0]
    curve = (steps**2 - 1) * smooth
    curve -= smooth * (2 * curve.sum() - curve[0])
    return np.stack([smooth, curve]).astype(np.float32)


@njit(cache=True, nogil=True)
def laplacian(
    image: Floats,
    low: Integers,
    high: Integers,
    along_z: Floats,
    along_y: Floats,
    along_x: Floats,
    sign: int,
) -> Floats:
    """Filter a part of an array, which goes on reflected beyond its ends.

    Takes some planes beside the result.

    Parameters
    ----------
    image : float32 array, shape (Z, Y, X)
    low, high : int64 array, shape (3,)
        Half-open range of what is asked for.
    along_z, along_y, along_x : float32 array, shape (2, n)
        What `kernels` gives.
    sign : {1, -1}
        Of the result.

    Returns
    -------
    float32 array
        Sum of the second derivatives along each axis, smoothed along the other two.
    """
    depth, height, width = high[0] - low[0], high[1] - low[1], high[2] - low[2]
    reach_y, reach_x = along_y.shape[1] - 1, along_x.shape[1] - 1
    first_y, first_x = max(low[1] - reach_y, 0), max(low[2] - reach_x, 0)
    end_y = min(high[1] + reach_y, image.shape[1])
    end_x = min(high[2] + reach_x, image.shape[2])
    found = np.empty((depth, height, width), np.float32)
    smooth = np.empty((end_y - first_y, end_x - first_x), np.float32)
    curved = np.empty_like(smooth)
    once = np.empty(end_x - first_x, np.float32)
    both = np.empty_like(once)
    padded = np.empty((2, width + 2 * reach_x), np.float32)
    for z in range(depth):
        for y in range(first_y, end_y):
            row, bent = smooth[y - first_y], curved[y - first_y]
            _set(row, image[low[0] + z, y, first_x:end_x], along_z[0, 0])
            _set(bent, image[low[0] + z, y, first_x:end_x], along_z[1, 0])
            for step in range(1, along_z.shape[1]):
                before = image[_reflected(low[0] + z - step, image.shape[0]), y, first_x:end_x]
                after = image[_reflected(low[0] + z + step, image.shape[0]), y, first_x:end_x]
                _add_twice(row, bent, before, after, along_z[0, step], along_z[1, step])
        for y in range(height):
            at = low[1] + y
            _set(once, smooth[at - first_y], along_y[0, 0])
            _set(both, smooth[at - first_y], along_y[1, 0])
            _add(both, curved[at - first_y], curved[at - first_y], np.float32(0.5) * along_y[0, 0])
            for step in range(1, along_y.shape[1]):
                i = _reflected(at - step, image.shape[1]) - first_y
                j = _reflected(at + step, image.shape[1]) - first_y
                _add_twice(once, both, smooth[i], smooth[j], along_y[0, step], along_y[1, step])
                _add(both, curved[i], curved[j], along_y[0, step])
            for x in range(width + 2 * reach_x):
                place = _reflected(low[2] - reach_x + x, image.shape[2]) - first_x
                padded[0, x] = once[place]
                padded[1, x] = both[place]
            row = found[z, y]
            _set(row, padded[1, reach_x : reach_x + width], along_x[0, 0])
            _add(
                row,
                padded[0, reach_x : reach_x + width],
                padded[0, reach_x : reach_x + width],
                np.float32(0.5) * along_x[1, 0],
            )
            for step in range(1, reach_x + 1):
                i, j = reach_x - step, reach_x + step
                _add(row, padded[1, i : i + width], padded[1, j : j + width], along_x[0, step])
                _add(row, padded[0, i : i + width], padded[0, j : j + width], along_x[1, step])
            if sign < 0:
                for x in range(width):
                    row[x] = -row[x]
    return found


@njit(cache=True, nogil=True)
def _reflected(place: int, length: int) -> int:
    """Return where a place is, on an axis that is reflected at its ends again and again."""
    place = place % (2 * length)
    return place if place < length else 2 * length - 1 - place


@njit(cache=True, nogil=True)
def _set(row: Floats, values: Floats, weight: np.float32) -> None:
    for x in range(len(row)):
        row[x] = weight * values[x]


@njit(cache=True, nogil=True)
def _add(row: Floats, before: Floats, after: Floats, weight: np.float32) -> None:
    for x in range(len(row)):
        row[x] += weight * (before[x] + after[x])


@njit(cache=True, nogil=True)
def _add_twice(
    row: Floats, other: Floats, before: Floats, after: Floats, one: np.float32, two: np.float32
) -> None:
    for x in range(len(row)):
        pair = before[x] + after[x]
        row[x] += one * pair
        other[x] += two * pair


@njit(cache=True, nogil=True)
def maxima(
    here: Floats, first: Floats, second: Floats, least: np.float32, low: Integers, high: Integers
) -> Integers:
    """Find voxels that are not below any of their neighbours, here and in two other arrays.

    Parameters
    ----------
    here, first, second : float32 array, shape (Z, Y, X)
    least : float32
        The smallest value of one that counts.
    low, high : int64 array, shape (3,)
        Half-open range of the voxels that are looked at; neighbours may lie outside.

    Returns
    -------
    int64 array, shape (n, 3)
        In raster order.
    """
    places, found = np.empty((64, 3), np.int64), 0
    for z in range(low[0], high[0]):
        for y in range(low[1], high[1]):
            for x in range(low[2], high[2]):
                value = here[z, y, x]
                if not value >= least or (x > 0 and here[z, y, x - 1] > value):
                    continue
                if not (
                    _highest(here, z, y, x, value)
                    and _highest(first, z, y, x, value)
                    and _highest(second, z, y, x, value)
                ):
                    continue
                if found == len(places):
                    places = np.concatenate((places, np.empty_like(places)))
                places[found, 0], places[found, 1], places[found, 2] = z, y, x
                found += 1
    return places[:found].copy()


@njit(cache=True, nogil=True)
def _highest(values: Floats, z: int, y: int, x: int, value: np.float32) -> bool:
    """Tell whether no voxel around a place is above a value, or NaN."""
    for w in range(max(z - 1, 0), min(z + 2, values.shape[0])):
        for v in range(max(y - 1, 0), min(y + 2, values.shape[1])):
            for u in range(max(x - 1, 0), min(x + 2, values.shape[2])):
                if not value >= values[w, v, u]:
                    return False
    return True


@njit(cache=True, nogil=True)
def apart(
    zyx: Integers, scale: Integers, radii: NDArray[np.float64], cell: Integers, near: Integers
) -> NDArray[np.bool_]:
    """Tell which places are kept, each unless it is too near to one that was kept before it.

    Parameters
    ----------
    zyx : int64 array, shape (n, 3)
    scale : int64 array, shape (n,)
    radii : float64 array, shape (scales, 3)
        Half axes of the ellipsoid around a place in which there is no other one; of two places
        those of the larger scale count.
    cell : int64 array, shape (n,)
        In which cell each place is; cells are as large as any ellipsoid reaches.
    near : int64 array, shape (m, 27)
        The cells around each cell; -1 where there is none.
    """
    kept = np.zeros(len(zyx), np.bool_)
    last, earlier = np.full(len(near), -1), np.full(len(zyx), -1)
    for one in range(len(zyx)):
        free = True
        for beside in near[cell[one]]:
            other = last[beside] if beside >= 0 else -1
            while free and other >= 0:
                larger, square = max(scale[one], scale[other]), 0.0
                for axis in range(3):
                    step = (zyx[one, axis] - zyx[other, axis]) / radii[larger, axis]
                    square += step * step
                free = square >= 1.0
                other = earlier[other]
        if free:
            kept[one] = True
            earlier[one] = last[cell[one]]
            last[cell[one]] = one
    return kept
