"""Blobs: maxima of the Laplacian of Gaussian over space and scale.

By definition, of a whole cutout, whose values go on reflected beyond its ends. The response at a
scale is the Laplacian times sigma squared, along each axis in its own unit, so that it is the same
whatever voxels and sigma; blobs are brighter or darker than what is around them. A candidate is not
below any of its neighbours in space and in the scales before and after it, and at or above the
threshold: of a plateau each voxel is one. Candidates in order (response down, raster up, scale up)
are kept, unless the centre of one that was kept lies within a share of the larger one's radius.

A block gives the candidates of its core, of which there are few; all are suppressed in one place.
Filters add up the same numbers in the same order in a block as in the whole, so all is the same to
the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..boxes import Box
from .filtering import apart, kernels, laplacian, maxima
from .searches import IMAGES, TRUNCATE, Blobs
from .taking import Integers

Floats = NDArray[np.float32]


class Candidates(NamedTuple):
    """Places where blobs may be.

    Attributes
    ----------
    zyx : int64 array, shape (n, 3)
        In the channel's coordinates.
    response : float32 array, shape (n,)
    scale : int64 array, shape (n,)
        Which sigma, from 0.
    """

    zyx: Integers
    response: Floats
    scale: Integers

    def ordered(self) -> Candidates:
        """Return them by response, down, then in raster order, then by scale."""
        z, y, x = self.zyx.T
        order = np.lexsort((self.scale, x, y, z, -self.response))
        return self.only(order)

    def only(self, rows: NDArray[Any]) -> Candidates:
        """Return those of some rows."""
        return Candidates(self.zyx[rows], self.response[rows], self.scale[rows])

    @classmethod
    def of(cls, parts: Iterable[Candidates]) -> Candidates:
        """Return all of several parts, in order."""
        none = cls(np.empty((0, 3), np.int64), np.empty(0, np.float32), np.empty(0, np.int64))
        return cls(*map(np.concatenate, zip(none, *parts, strict=True))).ordered()


def candidates(image: NDArray[Any], box: Box, core: Box, cutout: Box, blobs: Blobs) -> Candidates:
    """Return the candidates of a block's core, in order.

    Takes 16 bytes a voxel beside the image, 12 of them only where there are several scales. Where
    the image is NaN, there is nothing as far as filters reach.

    Parameters
    ----------
    image : uint8, int8, uint16, int16 or float32 array, shape (Z, Y, X)
    box : Box
        Where the image is: the core and its halo, as far as these are in the cutout.
    core, cutout : Box
    blobs : Blobs

    Raises
    ------
    ValueError
        If the image is of another type, or ends too early.
    """
    if image.dtype not in IMAGES:
        raise ValueError(f"no blobs are searched for in {image.dtype}: give {', '.join(IMAGES)}")
    if not (
        cutout.contains(box)
        and box.contains(core)
        and box.contains(_grown(core, blobs.halo, cutout))
    ):
        raise ValueError(
            f"box {box.name} does not have the {','.join(map(str, blobs.halo))} voxels (zyx) that "
            f"filters need around block {core.name}"
        )
    seen = _grown(core, (1, 1, 1), cutout)
    floats = image.astype(np.float32, order="C")
    first, end = (np.array(side) - box.corner_zyx for side in (seen.corner_zyx, seen.end_zyx))
    low, high = (np.array(side) - seen.corner_zyx for side in (core.corner_zyx, core.end_zyx))

    def found() -> Iterator[Candidates]:
        responses: list[Floats | None] = [None, None, None]
        for scale in range(len(blobs.sigmas) + 1):
            after = None
            if scale < len(blobs.sigmas):
                filters = [kernels(sigma, TRUNCATE) for sigma in blobs.sigmas[scale]]
                after = laplacian(floats, first, end, *filters, -1 if blobs.bright else 1)
            responses = [*responses[1:], after]
            before, here, after = responses
            if here is not None:
                beside = [one for one in (before, after) if one is not None]
                beside += [here] * (2 - len(beside))
                places = maxima(here, *beside, np.float32(blobs.threshold), low, high)
                yield Candidates(
                    places + np.array(seen.corner_zyx),
                    here[tuple(places.T)],
                    np.full(len(places), scale - 1, np.int64),
                )

    return Candidates.of(found())


def suppress(parts: Iterable[Candidates], blobs: Blobs) -> Candidates:
    """Keep the best candidates of all blocks, which are the blobs of the whole, in its order.

    Parameters
    ----------
    parts : iterable of Candidates
        Of cores that together are the cutout, without overlap; in any order.
    blobs : Blobs
    """
    every = Candidates.of(parts)
    if not len(every.scale):
        return every
    radii = np.sqrt(3.0) * blobs.separation * np.array(blobs.sigmas)
    cells, own = np.unique(
        every.zyx // np.ceil(radii[-1]).astype(np.int64), axis=0, return_inverse=True
    )
    near = _neighbours(cells)
    return every.only(apart(every.zyx, every.scale, radii, own.reshape(-1), near))


def _neighbours(cells: Integers) -> Integers:
    """Return which of the cells of a grid, given in order, are around each; -1 for none."""
    cells = cells - cells.min(axis=0) + 1
    _, height, width = cells.max(axis=0) + 2
    numbers = cells @ np.array([height * width, width, 1])
    steps = np.array([*product((-1, 0, 1), repeat=3)]) @ np.array([height * width, width, 1])
    wanted = numbers[:, None] + steps
    found = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
    return np.where(numbers[found] == wanted, found, -1)


def _grown(box: Box, margin: Sequence[int], within: Box) -> Box:
    """Return a box with a margin, as far as that is within another one."""
    low = np.maximum(np.subtract(box.corner_zyx, margin), within.corner_zyx)
    high = np.minimum(np.add(box.end_zyx, margin), within.end_zyx)
    return Box.of(low.tolist(), (high - low).tolist())
