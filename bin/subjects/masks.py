"""Labels of a segmentation on the grid of another image, and the masks that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from kit.bundles import Finished
from numpy.typing import NDArray
from voxels.boxes import Box

from . import nifti

LABELS, WHITE_MATTER = "labels.npy", "white_matter.npy"

LABEL_MOST = 2**31 - 1
_AT_ONCE = 64 * 2**20

COVERED_LEAST = 0.5
"""Share of the places asked for of an image that must lie within its segmentation."""

_SAMPLES = 9
"""Places along each axis at which it is asked whether two images lie in one place."""


class Labels(NamedTuple):
    """A segmentation.

    Attributes
    ----------
    values : int32 array, shape (z, y, x)
    affine : float64 array, shape (4, 4)
        From voxels (x, y, z) to mm.
    """

    values: NDArray[np.int32]
    affine: NDArray[np.float64]


def read(stream: BinaryIO, name: str) -> Labels:
    """Read a segmentation from a NIfTI file.

    Raises
    ------
    ValueError
        If it is none, or has values that are no labels.
    """
    with nifti.unpacked(stream, name) as content:
        start = content.read(540)
    stream.seek(0)
    head = nifti.header(start, name)
    if head.shape[3] != 1:
        raise ValueError(f"{name} has {head.shape[3]} volumes: a segmentation has one")
    with nifti.unpacked(stream, name) as content:
        (stored,) = nifti.volumes(content, head, name, _AT_ONCE)
    found = nifti.scaled(stored[0], head.slope, head.inter)
    values = found.astype(np.int32)
    if not (np.abs(found) <= LABEL_MOST).all() or (values != found).any():
        raise ValueError(f"{name} has values that are no labels: give whole numbers")
    return Labels(values, head.affine)


def resampled(
    labels: Labels, affine: NDArray[np.float64], shape_xyz: tuple[int, int, int]
) -> NDArray[np.int32]:
    """Return the label that is nearest to the middle of each voxel of another grid; 0 outside.

    Parameters
    ----------
    labels : Labels
    affine : float64 array, shape (4, 4)
        From voxels of the grid to mm.
    shape_xyz : tuple of 3 int

    Returns
    -------
    int32 array, shape (z, y, x)
    """
    x, y, z = shape_xyz
    found = np.zeros((z, y, x), np.int32)
    way = np.linalg.inv(labels.affine) @ affine
    plane = np.stack(np.meshgrid(np.arange(y), np.arange(x), indexing="ij"), -1)[..., ::-1]
    for depth in range(z):
        place = plane @ way[:3, :2].T + (way[:3, 2] * depth + way[:3, 3])
        # what lies between two voxels does so whatever the last digits of affines
        near = np.floor(place.round(6) + 0.5).astype(np.int64)
        inside = ((near >= 0) & (near < labels.values.shape[::-1])).all(axis=-1)
        found[depth][inside] = labels.values[tuple(near[inside].T[::-1])]
    return found


def chosen(labels: NDArray[np.int32], numbers: Iterable[int]) -> NDArray[np.bool_]:
    """Return which voxels have one of some labels."""
    return np.isin(labels, np.array([*numbers], np.int32))


def save(directory: Path, labels: NDArray[np.int32], white_matter: NDArray[np.bool_]) -> None:
    """Write labels and the mask of white matter, each of shape (z, y, x)."""
    np.save(directory / LABELS, labels)
    np.save(directory / WHITE_MATTER, white_matter)


def whole(masked: Finished, name: str) -> NDArray[Any]:
    """Return labels or a mask, shape (x, y, z) in C order, from the bundle that has them."""
    return np.ascontiguousarray(np.load(masked.file(name)).T)


def of_box(masked: Finished, name: str, box: Box) -> NDArray[Any]:
    """Return a box of labels or of a mask, shape (x, y, z), from the bundle that has them."""
    held = np.load(masked.file(name), mmap_mode="r")
    return np.ascontiguousarray(held[box.slices((0, 0, 0))].T)


def covered(labels: Labels, affine: NDArray[np.float64], shape_xyz: tuple[int, int, int]) -> float:
    """Return what share of places all over another grid lies within a segmentation."""
    sides = [np.linspace(-0.5, side - 0.5, _SAMPLES) for side in shape_xyz]
    grid = np.stack(np.meshgrid(*sides, indexing="ij"), -1).reshape(-1, 3)
    way = np.linalg.inv(labels.affine) @ affine
    place = (grid @ way[:3, :3].T + way[:3, 3]).round(6)
    inside = (place >= -0.5) & (place <= np.array(labels.values.shape[::-1]) - 0.5)
    return float(inside.all(axis=1).mean())


def check(
    labels: Labels,
    affine: NDArray[np.float64],
    shape_xyz: tuple[int, int, int],
    white_matter: Iterable[int],
    name: str,
) -> NDArray[np.int32]:
    """Return labels on the grid of an image that they are to be the segmentation of.

    Raises
    ------
    ValueError
        If they lie elsewhere in space, or leave no white matter.
    """
    share = covered(labels, affine, shape_xyz)
    if share < COVERED_LEAST:
        raise ValueError(
            f"{name} lies elsewhere in space: {share:.0%} of the image is within it; give the "
            "segmentation in the space of the image, at any resolution"
        )
    found = resampled(labels, affine, shape_xyz)
    if not chosen(found, white_matter).any():
        there = np.unique(found)
        listed = ", ".join(map(str, there[:20])) + (", …" if there.size > 20 else "")
        raise ValueError(
            f"{name} has none of white_matter_labels where the image is: it has {listed} there"
        )
    return found
