"""Pictures of a subject, painted without a display: a slice of it, and its tractogram from afar.

Left is left, and front is up or to the left. Directions are colours: red from left to right, green
from back to front, blue from below to above.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from voxels.rendering import view

from .parts import Affine, Streamlines, transformed

Canvas = NDArray[np.uint8]

SIDE = 640
"""Pixels of the longer side of a picture, or less."""

_OUTLINE = (255, 200, 0)
_MARGIN = 0.03
_DIMMEST = 0.35
_FROM_LEFT = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
"""What turns RAS to the right, down and away from who looks from the left."""


def png(canvas: Canvas) -> bytes:
    """Return a picture (Y, X, 3) as a PNG."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(canvas).save(stream, "PNG")
    return stream.getvalue()


def fa_slice(fa: NDArray[np.float64], mask: NDArray[Any], affine: Affine) -> Canvas:
    """Paint fractional anisotropy, from 0 to 1 in grey, with the mask's outline.

    The slice is the axial one with most of the mask.

    Parameters
    ----------
    fa : float64 array, shape (X, Y, Z)
    mask : array, shape (X, Y, Z)
        What is not zero is in it.
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).

    Returns
    -------
    uint8 array, shape (rows, columns, 3)
    """
    turned = _turned(mask != 0, affine)
    at = _fullest(turned)
    inside = _enlarged(_plane(turned, at))
    grey = np.clip(255 * _enlarged(_plane(_turned(fa, affine), at)), 0, 255).astype(np.uint8)
    canvas = np.repeat(grey[..., None], 3, axis=2)
    canvas[_edge(inside)] = _OUTLINE
    return canvas


def direction_slice(
    sh: NDArray[np.float64], fa: NDArray[np.float64], mask: NDArray[Any], affine: Affine
) -> Canvas:
    """Paint where the fODF is largest in each voxel of the mask: a line, as bright as the FA.

    Parameters are those of `fa_slice`, and `sh`, float64 of shape (X, Y, Z, coefficients), in
    dipy's default basis. Takes about 10 KB a voxel of the slice.
    """
    from dipy.data import default_sphere
    from dipy.reconst.shm import order_from_ncoef, sh_to_sf

    turned = _turned(mask != 0, affine)
    at = _fullest(turned)
    inside = _plane(turned, at)
    order = order_from_ncoef(sh.shape[-1])
    coefficients = _plane(_turned(sh, affine), at)[inside]
    values = sh_to_sf(coefficients, default_sphere, sh_order_max=order, basis_type=None)
    largest = default_sphere.vertices[values.argmax(axis=-1)]
    axes, signs = _orientation(affine)
    along = largest[:, axes] * signs
    colours = _colours(along) * _plane(_turned(fa, affine), at)[inside][:, None] ** 0.5
    each = _zoom(inside.shape)
    canvas = np.zeros((inside.shape[0] * each, inside.shape[1] * each, 3), np.uint8)
    row, column = np.nonzero(inside)
    for step in np.linspace(-0.45, 0.45, 2 * each):
        y = ((row + 0.5 - step * along[:, 1]) * each).astype(np.int64)
        x = ((column + 0.5 + step * along[:, 0]) * each).astype(np.int64)
        canvas[y, x] = colours.clip(0, 255).astype(np.uint8)
    return canvas


def tractogram(
    parts: Iterable[Streamlines], affine: Affine, shape: tuple[int, int, int], side: int = SIDE
) -> Canvas:
    """Paint streamlines as seen from the left, a little from the front and above.

    What is nearer hides what is farther, and is brighter; so the picture does not depend on the
    order of streamlines. Takes about 120 bytes for each pixel that streamlines of a batch cross,
    and 8 a pixel of the picture.

    Parameters
    ----------
    parts : iterable of Streamlines
        As `parts.batches` yields them.
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).
    shape : tuple of 3 int
        Of the volume (X, Y, Z), which fills the picture.
    side : int
        Pixels along each side.

    Returns
    -------
    uint8 array, shape (side, side, 3)
    """
    onto, depth = _camera(affine, shape, side)
    buffer = np.zeros(side * side, np.uint64)  # nearness above, colour below
    for some in parts:
        placed = transformed(some.positions.astype(np.float64), onto)
        last = some.offsets[1:].astype(np.int64) - 1
        steps = np.delete(np.arange(len(placed)), last)
        along = placed[steps + 1] - placed[steps]
        number = np.sqrt((along[:, :2] ** 2).sum(axis=1)).astype(np.int64) + 2
        which = np.repeat(np.arange(len(steps)), number)
        part = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
        at = placed[steps][which] + (part / (number - 1)[which])[:, None] * along[which]
        moved = np.diff(some.positions.astype(np.float64), axis=0)[steps]
        colour = (_colours(moved).astype(np.uint64) << _SHIFTS).sum(axis=1, dtype=np.uint64)
        x, y = at[:, :2].astype(np.int64).T
        near = (1 - at[:, 2] / depth).clip(0, 1) * (2**32 - 1)
        value = near.astype(np.uint64) << np.uint64(32) | colour[which]
        np.maximum.at(buffer, y * side + x, value)
    rgb = (buffer[:, None] >> _SHIFTS & np.uint64(255)).astype(np.float64)
    near = (buffer >> np.uint64(32)).astype(np.float64) / 2**32
    shaded = rgb * (_DIMMEST + (1 - _DIMMEST) * near[:, None])
    return shaded.astype(np.uint8).reshape(side, side, 3)


_SHIFTS = np.array([16, 8, 0], np.uint64)


def _camera(affine: Affine, shape: tuple[int, int, int], side: int) -> tuple[Affine, float]:
    """Return what takes mm to pixels, and to how many it is far; and how many these are at most."""
    seen = view() @ _FROM_LEFT
    corners = np.stack(np.meshgrid(*((-0.5, n - 0.5) for n in shape)), axis=-1).reshape(-1, 3)
    placed = (corners @ affine[:3, :3].T + affine[:3, 3]) @ seen.T
    low, high = placed.min(axis=0), placed.max(axis=0)
    scale = side * (1 - 2 * _MARGIN) / (high - low)[:2].max()
    onto = np.eye(4)
    onto[:3, :3] = seen * scale
    onto[:2, 3] = side / 2 - (low + high)[:2] / 2 * scale
    onto[2, 3] = -low[2] * scale
    return onto, float((high - low)[2] * scale)


def _colours(along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return red, green and blue (0 to 255) of directions (n, 3)."""
    lengths = np.sqrt((along**2).sum(axis=1, keepdims=True))
    return np.asarray(255 * np.abs(along) / np.where(lengths > 0, lengths, 1), np.float64)


def _orientation(affine: Affine) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return which axes of voxels are nearest to R, A and S, and whether they run along (1, -1)."""
    from nibabel.orientations import io_orientation

    found = np.asarray(io_orientation(affine), np.float64)  # type: ignore[no-untyped-call]
    axes = np.argsort(found[:, 0])
    return axes, found[axes, 1]


def _turned(volume: NDArray[Any], affine: Affine) -> NDArray[Any]:
    """Return a volume with its first three axes along R, A and S; a view."""
    axes, signs = _orientation(affine)
    turned = np.moveaxis(volume, axes.tolist(), [0, 1, 2])
    return turned[tuple(slice(None, None, int(sign)) for sign in signs)]


def _fullest(mask: NDArray[np.bool_]) -> int:
    return int(mask.sum(axis=(0, 1)).argmax())


def _plane(turned: NDArray[Any], at: int) -> NDArray[Any]:
    """Return a slice: rows from front to back, columns from left to right."""
    return np.asarray(turned[:, ::-1, at].swapaxes(0, 1))


def _zoom(shape: tuple[int, ...]) -> int:
    return max(1, SIDE // max(shape[:2]))


def _enlarged(plane: NDArray[Any]) -> NDArray[Any]:
    each = _zoom(plane.shape)
    return plane.repeat(each, axis=0).repeat(each, axis=1)


def _edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what is inside, and beside what is not."""
    wide = np.pad(inside, 1)
    within = wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]
    return np.asarray(inside & ~within, np.bool_)
