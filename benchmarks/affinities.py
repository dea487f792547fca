"""Affinities of a segmentation, as a network might leave them: blurred at boundaries, and noisy.

They are 1 where a voxel and the one before it along an axis are of one object, and 0 elsewhere,
with noise; and then blurred by a Gaussian, so that a flat boundary still goes down to 0; as whole
numbers of 8 bits. Noise is seeded by plane and the blur ends within a few planes, so that slabs
have the values of the whole, whatever their depth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import absent  # noqa: F401
import inputs
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

SEED = 1
BLUR = 0.6  # voxels
NOISE = 0.2  # standard deviation, before it is blurred
REACH = 3  # voxels that the blur ends within

Affinities = npt.NDArray[np.uint8]


def slabs(
    cut: Callable[[int, int], npt.NDArray[Any]], shape_zyx: tuple[int, int, int], most: int = 64
) -> Iterator[tuple[int, Affinities]]:
    """Yield from which z on, and the affinities along z, y and x: uint8, shape (3, depth, Y, X).

    Parameters
    ----------
    cut : callable
        Takes the ends of a range of z and returns the segments there, ZYX; 0 is no object.
    shape_zyx : tuple of 3 int
    most : int
        The depth of a slab.
    """
    for low, high in inputs.slabs(shape_zyx[0], most):
        first, last = max(low - REACH - 1, 0), min(high + REACH, shape_zyx[0])
        segments = cut(first, last)
        made = np.empty((3, high - low, *shape_zyx[1:]), np.uint8)
        for axis in range(3):
            between = _between(segments, axis)
            if axis == 0 and first > 0:
                between = between[1:]  # of the first plane the one before is not here
            begin = last - len(between)
            between *= np.float32(BLUR * np.sqrt(2 * np.pi))
            for plane, z in zip(between, range(begin, last), strict=True):
                random = np.random.default_rng([SEED, axis, z])
                plane += random.standard_normal(plane.shape, np.float32) * np.float32(NOISE)
            blurred = gaussian_filter(between, BLUR, truncate=REACH / BLUR)
            blurred = blurred[low - begin :][: high - low]
            made[axis] = np.clip(np.rint(255 - 255 * blurred), 0, 255)
        yield low, made


def _between(segments: npt.NDArray[Any], axis: int) -> npt.NDArray[np.float32]:
    """Return 0 where a voxel and the one before it are of one object, or there is none before."""
    own = np.moveaxis(segments, axis, 0)
    between = np.zeros(own.shape, np.float32)
    between[1:] = (own[1:] != own[:-1]) | (own[1:] == 0)
    return np.ascontiguousarray(np.moveaxis(between, 0, axis))
