"""Streamlines through regions: bundles, and how many go through each voxel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parts import Affine, Streamlines, voxels_at


def through(
    some: Streamlines,
    include: Iterable[NDArray[Any]],
    exclude: Iterable[NDArray[Any]],
    affine: Affine,
) -> NDArray[np.bool_]:
    """Say which streamlines go through all masks to include, and through none to exclude.

    One goes through a mask if the voxel nearest to one of its points is in it.

    Parameters
    ----------
    some : Streamlines
    include, exclude : iterable of array, shape (X, Y, Z)
        What is not zero is in it; all on the grid of the diffusion image.
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).

    Returns
    -------
    bool array, shape (m,)
        For `Streamlines.only`.
    """
    chosen = np.ones(len(some), bool)
    for masks, wanted in ((include, True), (exclude, False)):
        for mask in masks:
            voxels = voxels_at(some.positions, affine, mask.shape)
            met = np.append(0, np.cumsum(mask.reshape(-1)[voxels] != 0))
            chosen &= (np.diff(met[some.offsets.astype(np.int64)]) > 0) == wanted
    return chosen


def visits(
    parts: Iterable[Streamlines], affine: Affine, shape: tuple[int, int, int]
) -> NDArray[np.uint32]:
    """Count the streamlines in each voxel.

    A streamline counts once for each voxel that is nearest to one of its points, however often it
    comes back. What it crosses between two points is not looked at: with steps of a quarter of a
    voxel's side that is a corner now and then. Takes about 80 bytes a point of a batch, and 4 a
    voxel.

    Parameters
    ----------
    parts : iterable of Streamlines
        As `parts.batches` yields them.
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).
    shape : tuple of 3 int
        Of the volume (X, Y, Z).

    Returns
    -------
    uint32 array, shape (X, Y, Z)
    """
    size = int(np.prod(shape))
    counts = np.zeros(size, np.uint32)
    for some in parts:
        line = np.repeat(np.arange(len(some)), some.lengths)
        place = line * size + voxels_at(some.positions, affine, shape)
        new = np.append(True, place[1:] != place[:-1])[: len(place)]
        counts += np.bincount(np.unique(place[new]) % size, minlength=size).astype(np.uint32)
    return counts.reshape(shape)
