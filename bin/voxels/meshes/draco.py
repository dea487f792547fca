"""Draco, in which Neuroglancer wants a mesh: positions are whole numbers, and stay so."""

from typing import Any

import DracoPy
import numpy as np
from numpy.typing import NDArray

_LEVEL = 7
"""Of 0 to 10: higher ones take longer for nothing."""


def encode(vertices: NDArray[np.integer[Any]], faces: NDArray[np.integer[Any]]) -> bytes:
    """Encode a part of a mesh; no rounding, whatever order Draco chooses for vertices and faces.

    Positions go in as 32-bit integers with sign, the only ones that Neuroglancer takes.

    Parameters
    ----------
    vertices : array of integers, shape (n, 3)
        XYZ, from 0 on, below 2^31.
    faces : array of integers, shape (m, 3)
        m is 1 at least.
    """
    content: bytes = DracoPy.encode(
        np.ascontiguousarray(vertices, np.int32),
        np.ascontiguousarray(faces, np.uint32),
        compression_level=_LEVEL,
    )
    return content
