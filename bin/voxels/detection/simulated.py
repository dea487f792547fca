"""Simulated X-ray tomography of cells: dark balls with blurred edges, in noise.

A voxel is a function of its place and a seed, so any box of a volume without end can be made alone.
All is integers, or sums, products and roots of 64-bit floats, which are the same everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..boxes import Box
from ..compiling import njit
from .taking import Integers, Values

PITCH = 24
"""Voxels from a place of a cell to the next one."""

JITTER = 4
"""Voxels that a cell's middle is off its place, along each axis, at most."""

RADII = 5.5, 9.0
"""Voxels, of the smallest and the largest cells."""

BRIGHT, DARK = 150.0, 90.0
"""Means of what is outside and inside of cells."""

NOISE = 12.0
"""Standard deviation of values."""

VOXEL_SIZE_NM = 650.0, 650.0, 650.0
"""ZYX."""

_PRESENT = 7, 8
"""Of so many places this many have a cell."""


def image(box: Box, seed: int) -> Values:
    """Make the voxels of a box.

    Parameters
    ----------
    box : Box
    seed : int

    Returns
    -------
    uint8 array, shape (Z, Y, X)
    """
    voxels = np.empty(box.shape_zyx, np.uint8)
    centres, radii = _around(box, seed, JITTER + RADII[1] + 1)
    _draw(voxels, np.array(box.corner_zyx), centres, radii, seed % 2**32)
    return voxels


def cells(box: Box, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cells whose middles are in a box, by place.

    Parameters
    ----------
    box : Box
    seed : int

    Returns
    -------
    zyx : float64 array, shape (n, 3)
        Middles; that of the first voxel is 0.
    radii : float64 array, shape (n,)
        In voxels.
    """
    centres, radii = _around(box, seed, JITTER + 1)
    inside = ((centres >= box.corner_zyx) & (centres < box.end_zyx)).all(axis=1)
    return centres[inside], radii[inside]


def _around(box: Box, seed: int, margin: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all cells whose places are in a box or a margin around it."""
    low = np.floor((np.array(box.corner_zyx) - margin) / PITCH).astype(np.int64)
    high = np.ceil((np.array(box.end_zyx) + margin) / PITCH).astype(np.int64) + 1
    places = np.stack(
        np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1, dtype=np.int64
    ).reshape(-1, 3)
    centres, radii = _cells(places, seed % 2**32)
    return centres, radii


@njit(cache=True, nogil=True)
def _mixed(z: int, y: int, x: int, seed: int) -> np.uint64:
    """Return 64 bits that look random, of a place and a seed (the finaliser of splitmix64)."""
    bits = np.uint64(seed)
    for number in (z, y, x):
        bits = (bits ^ np.uint64(number)) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return bits


@njit(cache=True, nogil=True)
def _cells(places: Integers, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return middles and radii of the cells that are at places of the lattice."""
    centres, radii = np.empty((len(places), 3)), np.empty(len(places))
    found = 0
    for place in places:
        bits = _mixed(place[0], place[1], place[2], seed ^ 0x5BD1E995)
        if bits % np.uint64(_PRESENT[1]) >= np.uint64(_PRESENT[0]):
            continue
        for axis in range(3):
            part = (bits >> np.uint64(8 + 12 * axis)) & np.uint64(0xFFF)
            off = (float(part) / 4095.0 * 2.0 - 1.0) * JITTER
            centres[found, axis] = (place[axis] + 0.5) * PITCH + off
        part = (bits >> np.uint64(44)) & np.uint64(0xFFF)
        radii[found] = RADII[0] + float(part) / 4095.0 * (RADII[1] - RADII[0])
        found += 1
    return centres[:found].copy(), radii[:found].copy()


@njit(cache=True, nogil=True)
def _draw(
    voxels: Values,
    corner: Integers,
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    seed: int,
) -> None:
    """Write cells and noise."""
    shape = np.array(voxels.shape)
    share = np.zeros(voxels.shape, np.float32)  # of a voxel that is cell, rather
    for one in range(len(radii)):
        middle, radius = centres[one] - corner, radii[one]
        low = np.maximum(np.floor(middle - radius - 1.0).astype(np.int64), 0)
        high = np.minimum(np.ceil(middle + radius + 1.0).astype(np.int64) + 1, shape)
        for z in range(low[0], high[0]):
            for y in range(low[1], high[1]):
                for x in range(low[2], high[2]):
                    square = (z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2
                    inside = (radius + 1.0 - np.sqrt(square)) / 2.0
                    share[z, y, x] = max(share[z, y, x], min(inside, 1.0))
    for z in range(shape[0]):
        for y in range(shape[1]):
            for x in range(shape[2]):
                bits = _mixed(corner[0] + z, corner[1] + y, corner[2] + x, seed)
                # four numbers from 0 to 65535, whose sum is nearly normal
                total = np.int64(0)
                for part in range(4):
                    total += np.int64((bits >> np.uint64(16 * part)) & np.uint64(0xFFFF))
                noise = (total - 131070) / 37837.0 * NOISE
                value = BRIGHT + (DARK - BRIGHT) * share[z, y, x] + noise + 0.5
                voxels[z, y, x] = min(max(value, 0.0), 255.0)
