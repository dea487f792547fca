"""Surfaces of fewer triangles: quadric edge collapse (Garland and Heckbert 1997) by a library."""

from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray


def to(
    vertices_nm: NDArray[np.float64],
    faces: NDArray[np.integer[Any]],
    share: float,
    distance_nm: float,
) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
    """Return a surface of about `share` of the triangles."""
    if share >= 1 or len(faces) == 0:
        return vertices_nm, faces.astype(np.uint32)
    points, left = fast_simplification.simplify(
        np.ascontiguousarray(vertices_nm, np.float64),
        np.ascontiguousarray(faces, np.int32),
        target_count=max(4, int(share * len(faces))),
    )
    if not len(left):
        return vertices_nm, faces.astype(np.uint32)
    return points.astype(np.float64), left.astype(np.uint32)
