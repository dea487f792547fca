"""Values that spheres are searched for in: probabilities in 255ths, by whatever they are told."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .mixture import above
from .searches import PROBABILITIES
from .taking import Values


def looked_up(image: NDArray[Any], table: Values) -> Values:
    """Return what a table has for each value of an image.

    Parameters
    ----------
    image : uint8 or uint16 array, shape (Z, Y, X)
    table : uint8 array
        For each value that the image may hold.
    """
    values = np.empty(image.shape, np.uint8)
    for plane, into in zip(image, values, strict=True):
        np.take(table, plane, out=into)
    return values


def in_255ths(image: NDArray[Any]) -> Values:
    """Return probabilities as whole 255ths, rounded.

    Parameters
    ----------
    image : uint8, uint16 or float32 array, shape (Z, Y, X)
        In 255ths, 65535ths, or from 0 to 1; what is not a number (NaN) counts as 0.

    Raises
    ------
    ValueError
        If it is of another type, or a float is below 0 or above 1.
    """
    if image.dtype not in PROBABILITIES:
        raise ValueError(
            f"no probabilities are known in {image.dtype}: give {', '.join(PROBABILITIES)}"
        )
    if image.dtype == np.uint8:
        return image
    values = np.empty(image.shape, np.uint8)
    for plane, into in zip(image, values, strict=True):
        if image.dtype == np.uint16:
            into[:] = (plane.astype(np.uint32) + 128) // 257
            continue
        known = np.nan_to_num(plane, nan=0.0)
        if known.min() < 0 or known.max() > 1:
            raise ValueError(
                f"values go from {known.min():g} to {known.max():g}, and probabilities from 0 to "
                "1: give a volume of these"
            )
        into[:] = np.rint(known * np.float32(255))
    return values


def at_least(values: Values, least: Fraction | int) -> Values:
    """Return probabilities, 0 for those that are below a share."""
    if not least:
        return values
    return looked_up(values, above(np.arange(256, dtype=np.uint8), least))
