"""Skeletons drawn as seen from afar: lines as wide as what they stand for, the nearest last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from .rendering import view

if TYPE_CHECKING:
    import numpy.typing as npt

    from .skeleton_reading import Lines

_SMOOTH = 3
"""Pixels along each side of one that is shown."""

_MARGIN = 0.06
_FARTHEST = 0.35
"""How bright what is farthest away is."""

_WIDTH = 1.5
"""Pixels that a line is wide at least."""


def drawn(
    skeleton: Lines, colour: npt.NDArray[Any], side: int
) -> tuple[npt.NDArray[np.uint8], float]:
    """Draw a skeleton, as large as fits, on black: parallel lines stay so, nearer hides farther.

    A line is as wide as a tenth of what its vertices' radii say, so that it is seen where it is
    thick.

    Parameters
    ----------
    skeleton : Lines
    colour : array, shape (3,)
        Red, green and blue of what is nearest, 0 to 255.
    side : int
        Pixels of the picture along each side.

    Returns
    -------
    uint8 array, shape (side, side, 3)
    float
        The size of a pixel (nm).
    """
    seen = skeleton.vertices_nm.astype(np.float64) @ view().T
    low, high = seen.min(axis=0), seen.max(axis=0)
    pixels = side * _SMOOTH
    longest = max(*(high - low)[:2].tolist(), 2 * float(skeleton.radius_nm.max()), 1e-9)
    scale = pixels * (1 - 2 * _MARGIN) / longest
    places = (seen[:, :2] - (low + high)[:2] / 2) * scale + pixels / 2
    ends = skeleton.edges if len(skeleton.edges) else np.zeros((1, 2), np.uint32)
    depth = seen[ends, 2].mean(axis=1)
    near = 1 - (1 - _FARTHEST) * (depth - low[2]) / max(high[2] - low[2], 1e-9)
    shades = (near[:, None] * colour).astype(np.uint8)
    thick = np.maximum(skeleton.radius_nm[ends].mean(axis=1) * scale / 5, _WIDTH * _SMOOTH)
    image = Image.new("RGB", (pixels, pixels))
    brush = ImageDraw.Draw(image)
    for at in np.argsort(-depth, kind="stable").tolist():
        (x0, y0), (x1, y1) = places[ends[at]].tolist()
        width, shade = float(thick[at]), tuple(shades[at].tolist())
        brush.line((x0, y0, x1, y1), fill=shade, width=round(width))
        for x, y in ((x0, y0), (x1, y1)):
            brush.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=shade)
    shown = image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(shown, np.uint8), _SMOOTH / scale
