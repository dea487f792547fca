"""Where the pixels of a picture are in space, and how long its scale bar is."""

from __future__ import annotations

from math import floor, log10
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

SIDE, SIDE_MIN, OBJECT_SIDE = 448, 32, 168
"""Pixels of the longest side of a picture, at least of the other one, and of an object's."""

IN_PLANE = {"x": ("y", "z"), "y": ("x", "z"), "z": ("x", "y")}
"""By the axis that a slice is across, those to the right and down."""


class Frame(NamedTuple):
    """Where the pixels of a picture are.

    Attributes
    ----------
    axis : {"x", "y", "z"}
        Across which it is.
    start_nm, end_nm : dict of str to float
        The box that is shown.
    width, height : int
        Pixels.
    """

    axis: str
    start_nm: dict[str, float]
    end_nm: dict[str, float]
    width: int
    height: int

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Frame:
        """Return the frame of a picture that is asked for, as `pictures.draw` takes it."""
        axis, box_nm = asked["axis"], asked["box_nm"]
        side = OBJECT_SIDE if "only" in asked else SIDE
        low = {name: float(ends[0]) for name, ends in box_nm.items()}
        high = {name: float(ends[1]) for name, ends in box_nm.items()}
        across, down = (high[name] - low[name] for name in IN_PLANE[axis])
        most = max(across, down)
        width, height = (max(SIDE_MIN, round(side * one / most)) for one in (across, down))
        return cls(axis, low, high, width, height)

    @property
    def axes(self) -> tuple[str, str]:
        """Those to the right and down."""
        return IN_PLANE[self.axis]

    @property
    def pixel_nm(self) -> dict[str, float]:
        """Size of a pixel along these (nm)."""
        right, down = self.axes
        return {
            right: (self.end_nm[right] - self.start_nm[right]) / self.width,
            down: (self.end_nm[down] - self.start_nm[down]) / self.height,
        }

    def centres(self, axis: str) -> npt.NDArray[np.float64]:
        """Return where the centres of pixels are along one of its axes (nm)."""
        number = self.width if axis == self.axes[0] else self.height
        steps = np.arange(number, dtype=np.float64) + 0.5
        return np.asarray(self.start_nm[axis] + steps * self.pixel_nm[axis], np.float64)

    @property
    def bar_nm(self) -> float:
        """Length of its scale bar (nm)."""
        return bar_within(0.4 * self.width * self.pixel_nm[self.axes[0]])

    @property
    def bar(self) -> str:
        """That, in its usual unit."""
        return length(self.bar_nm)


def bar_within(most_nm: float) -> float:
    """Return the longest scale bar that fits: 1, 2 or 5 times a power of ten (nm)."""
    ten = 10.0 ** floor(log10(most_nm))
    return max(step * ten for step in (1, 2, 5) if step * ten <= most_nm)


def length(nm: float) -> str:
    """Return a length in its usual unit: `200 nm`, `5 µm`, `1 mm`."""
    for unit, size in (("mm", 1e6), ("µm", 1e3)):
        if nm >= size:
            return f"{nm / size:g} {unit}"
    return f"{nm:g} nm"
