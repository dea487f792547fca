"""Volumes to detect something in, their cuttings, and what is to be found by definition."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import ndimage
from voxels.boxes import Box, grid
from voxels.detection import blobs, filtering
from voxels.detection.balls import extents
from voxels.detection.blobs import Blobs, Candidates
from voxels.detection.searches import Spheres
from voxels.halos import widened

corners = st.tuples(*[st.integers(-60, 60)] * 3)
voxel_sizes = st.sampled_from([(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (1.0, 0.7, 1.5)])


@st.composite
def volumes(draw: Any, most: int = 30) -> np.ndarray:
    """Draw a volume: noise, blobs, or, so that there are ties, few values in large steps."""
    shape = tuple(draw(st.integers(1, most)) for _ in range(3))
    kind = draw(st.sampled_from(["noise", "blobs", "ties"]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    if kind == "noise":
        return random.integers(0, 256, shape, np.uint8)
    if kind == "blobs":
        smooth = ndimage.gaussian_filter(random.normal(size=shape), 2.0) * 1200 + 60
        return np.clip(smooth, 0, 255).astype(np.uint8)
    coarse = random.integers(0, 2, [-(-side // 3) for side in shape]).astype(np.uint8) * 255
    return coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, shape))].copy()


def balls_of(widths: np.ndarray) -> np.ndarray:
    """Return a ball as an array of truths."""
    reach = extents(widths)[2]
    return np.abs(np.arange(-reach, reach + 1)) <= widths[:, :, None]


def blocks(
    cutout: Box, number: tuple[int, ...], origin: tuple[int, ...], halo: tuple[int, ...]
) -> list[tuple[Box, Box]]:
    """Cut a cutout along each axis into so many blocks, or one more, by a grid from anywhere.

    Return each core, and the box with its halo, as far as that is inside.
    """
    block_shape = [-(-side // many) for side, many in zip(cutout.shape_zyx, number, strict=True)]
    cores = grid(cutout, block_shape, origin)
    return [(core, blobs._grown(core, halo, cutout)) for core in cores]


def beyond(box: Box, cutout: Box) -> Box:
    """Return what DETECT_BLOCK is told of a cutout: a voxel more than it reads."""
    return widened(box, (1, 1, 1), cutout)


def greedy(values: np.ndarray, spheres: Spheres) -> list[tuple[int, ...]]:
    """Return rows of z, y, x, sum, as the definition has it: one after the other."""
    left = values.astype(np.int64)
    ball = balls_of(spheres.summed).astype(np.int64)
    cleared = np.argwhere(balls_of(spheres.cleared)) - extents(spheres.cleared)
    rows = []
    while True:
        sums = ndimage.correlate(left, ball, mode="constant")
        place = np.unravel_index(sums.argmax(), sums.shape)
        if sums[place] < spheres.least:
            return rows
        rows.append((*map(int, place), int(sums[place])))
        gone = cleared + place
        left[tuple(gone[((gone >= 0) & (gone < left.shape)).all(axis=1)].T)] = 0


def response(image: np.ndarray, blobs_: Blobs, scale: int) -> np.ndarray:
    """Return the response of a scale in 64-bit floats, by scipy's filters."""
    halves = [filtering.kernels(sigma, blobs.TRUNCATE) for sigma in blobs_.sigmas[scale]]
    whole = [np.concatenate([half[:, :0:-1], half], axis=1, dtype=np.float64) for half in halves]
    total = np.zeros(image.shape)
    for curved in range(3):
        one = image.astype(np.float64)
        for axis in range(3):
            weights = whole[axis][int(axis == curved)]
            one = ndimage.correlate1d(one, weights, axis=axis, mode="reflect")
        total += one
    return -total if blobs_.bright else total


def apart(every: Candidates, blobs_: Blobs) -> Candidates:
    """Return the candidates that are kept by definition, each compared with all that were."""
    radii = np.sqrt(3.0) * blobs_.separation * np.array(blobs_.sigmas)
    kept: list[int] = []
    for one in range(len(every.scale)):
        larger = np.maximum(every.scale[one], every.scale[kept])
        steps = (every.zyx[one] - every.zyx[kept]) / radii[larger]
        if ((steps * steps).sum(axis=1) >= 1.0).all():
            kept.append(one)
    return every.only(np.array(kept, np.int64))
