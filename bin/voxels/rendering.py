"""Surfaces painted as seen from afar, without a display: a z-buffer of whole spans of pixels."""

from __future__ import annotations

from math import cos, radians, sin
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

TURNED, TILTED = radians(30), radians(25)
"""Where it is seen from: x to the right, y down and z away, but turned about y and tilted."""

_SMOOTH = 2
"""Pixels along each side of one that is shown."""

_MARGIN = 0.04
_AT_ONCE = 2**20
_LIGHT = np.array([-0.4, -0.5, -1.0])
_AMBIENT = 0.25


def view() -> Floats:
    """Return what turns XYZ to the right, down and away from who looks: 3 rows, a rotation."""
    turn = np.array(
        [[cos(TURNED), 0, sin(TURNED)], [0, 1, 0], [-sin(TURNED), 0, cos(TURNED)]], np.float64
    )
    tilt = np.array(
        [[1, 0, 0], [0, cos(TILTED), -sin(TILTED)], [0, sin(TILTED), cos(TILTED)]], np.float64
    )
    return tilt @ turn


def painted(
    vertices_nm: Floats, faces: npt.NDArray[np.uint32], colour: npt.NDArray[Any], side: int
) -> tuple[npt.NDArray[np.uint8], float]:
    """Paint a surface, as large as fits, on black: parallel lines stay so, nearer hides farther.

    Parameters
    ----------
    vertices_nm : float64 array, shape (n, 3)
        XYZ.
    faces : uint32 array, shape (m, 3)
        Outside they are seen counterclockwise.
    colour : array, shape (3,)
        Red, green and blue of what faces the light, 0 to 255.
    side : int
        Pixels of the picture along each side.

    Returns
    -------
    uint8 array, shape (side, side, 3)
    float
        The size of a pixel (nm).

    Raises
    ------
    ValueError
        If there is no triangle.
    """
    if not len(faces):
        raise ValueError("the mesh has no triangle")
    seen = (vertices_nm - vertices_nm[faces[0, 0]]) @ view().T
    used = seen[np.unique(faces)]
    low, high = used.min(axis=0), used.max(axis=0)
    pixels = side * _SMOOTH
    scale = pixels * (1 - 2 * _MARGIN) / max(*(high - low)[:2].tolist(), 1e-9)
    middle = (low + high) / 2
    places = (seen - [*middle[:2], low[2]]) * scale
    places[:, :2] += pixels / 2
    shades = np.append(0, _shades(seen, faces))
    nearest = _nearest(places, faces, pixels, (high[2] - low[2]) * scale)
    shown = shades[nearest].reshape(side, _SMOOTH, side, _SMOOTH).mean(axis=(1, 3))
    return (shown[..., None] * colour).astype(np.uint8), _SMOOTH / scale


def _shades(seen: Floats, faces: npt.NDArray[np.uint32]) -> Floats:
    """Return how bright each triangle is: by the mean of the normals at its corners."""
    p, q, r = (seen[faces[:, at]] for at in range(3))
    normals: Floats = np.cross(q - p, r - p)  # as long as the area, which weighs
    corners = faces.ravel()
    at_vertices: Floats = np.stack(
        [
            np.bincount(corners, np.repeat(normals[:, axis], 3), minlength=len(seen))
            for axis in range(3)
        ],
        axis=1,
    )
    means = _unit(_unit(at_vertices)[faces].sum(axis=1))
    means[means[:, 2] > 0] *= -1  # what is seen faces who looks
    lit = np.clip(means @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    return np.asarray(_AMBIENT + (1 - _AMBIENT) * lit, np.float64)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), np.float64)


def _nearest(
    places: Floats, faces: npt.NDArray[np.uint32], pixels: int, depth: float
) -> npt.NDArray[np.int64]:
    """Return the number of the triangle that is seen at each pixel, from 1; 0: none."""
    buffer = np.zeros(pixels * pixels, np.uint64)  # nearness above, number below
    steps = (2**31 - 1) / max(depth, 1e-9)
    for some in _pieces(places, faces):
        corners = places[faces[some]]
        triangle, row = _rows(corners, pixels)
        of_span, column = _columns(corners[triangle], row, pixels)
        triangle, row = triangle[of_span], row[of_span]
        away = _depths(corners, triangle, row, column)
        near = ((depth - away).clip(0, depth) * steps).astype(np.uint64)
        number = some[triangle].astype(np.uint64) + np.uint64(1)
        np.maximum.at(buffer, row * pixels + column, near << np.uint64(32) | number)
    return (buffer & np.uint64(2**32 - 1)).astype(np.int64)


def _pieces(places: Floats, faces: npt.NDArray[np.uint32]) -> Iterator[npt.NDArray[np.int64]]:
    """Yield triangles, by number, that cover no more than so many pixels together, or one."""
    p, q, r = (places[faces[:, at], :2] for at in range(3))
    sides = np.maximum(np.maximum(p, q), r) - np.minimum(np.minimum(p, q), r) + 2
    parts = np.cumsum(sides[:, 0] * sides[:, 1]) // _AT_ONCE
    starts = np.flatnonzero(np.append(True, parts[1:] != parts[:-1]))
    for start, end in zip(starts, np.append(starts[1:], len(faces)), strict=True):
        yield np.arange(start, end)


def _rows(corners: Floats, pixels: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return triangle and row of each row of pixels whose middle a triangle crosses."""
    heights = corners[:, :, 1]
    first = np.ceil(heights.min(axis=1) - 0.5).astype(np.int64).clip(0, pixels)
    end = np.ceil(heights.max(axis=1) - 0.5).astype(np.int64).clip(0, pixels)
    return _ranges(first, end)


def _columns(
    corners: Floats, row: npt.NDArray[np.int64], pixels: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return of which span, and in which column, each pixel is whose middle is within."""
    at = row + 0.5
    left, right = np.full(len(row), np.inf), np.full(len(row), -np.inf)
    for one in range(3):
        start, end = corners[:, one - 1, :2], corners[:, one, :2]
        crossed = (start[:, 1] <= at) != (end[:, 1] <= at)
        height = np.where(crossed, end[:, 1] - start[:, 1], 1)
        met = start[:, 0] + (at - start[:, 1]) * (end[:, 0] - start[:, 0]) / height
        left = np.where(crossed, np.minimum(left, met), left)
        right = np.where(crossed, np.maximum(right, met), right)
    none = left > right
    left[none] = right[none] = 0
    ends = (np.ceil(one - 0.5).astype(np.int64).clip(0, pixels) for one in (left, right))
    return _ranges(*ends)


def _ranges(
    first: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for all numbers of ranges which range they are of, and themselves."""
    lengths = end - first
    which = np.repeat(np.arange(len(first)), lengths)
    before = np.cumsum(lengths) - lengths
    return which, np.arange(len(which)) - before[which] + first[which]


def _depths(
    corners: Floats,
    triangle: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    column: npt.NDArray[np.int64],
) -> Floats:
    """Return how far away triangles are at the middles of pixels; never farther than a corner."""
    p, q, r = (corners[:, at] for at in range(3))
    x, y, z = np.cross(q - p, r - p).T
    flat = np.where(z == 0, 1, z)
    across, down = -x / flat, -y / flat
    from_p = column + 0.5 - p[triangle, 0], row + 0.5 - p[triangle, 1]
    away = p[triangle, 2] + across[triangle] * from_p[0] + down[triangle] * from_p[1]
    depths = corners[:, :, 2]
    return np.asarray(
        away.clip(depths.min(axis=1)[triangle], depths.max(axis=1)[triangle]), np.float64
    )
