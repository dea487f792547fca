"""Skeletons as SWC, a file for each segment.

R. C. Cannon, D. A. Turner, G. K. Pyapali and H. V. Wheal, Journal of Neuroscience Methods 84 (1998)
49.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .teasar import Skeleton

UNITS = {"nm": 1.0, "um": 1000.0}
"""Nanometres of each unit."""

_UNDEFINED = 0
"""What a vertex is said to be a part of."""


def encoded(skeleton: Skeleton, voxel_size_nm_zyx: Sequence[float], unit: str = "um") -> bytes:
    """Return the file of a skeleton, which names its unit; each tree has a root.

    Parameters
    ----------
    skeleton : Skeleton
    voxel_size_nm_zyx : sequence of 3 float
    unit : {"um", "nm"}
        Of places and radii. Most programs take SWC to be in micrometres.
    """
    places = skeleton.places_nm(voxel_size_nm_zyx) / UNITS[unit]
    radii = skeleton.radius_nm.astype(np.float64) / UNITS[unit]
    parents = np.full(len(places), -1, np.int64)
    parents[skeleton.edges[:, 1]] = skeleton.edges[:, 0].astype(np.int64) + 1
    lines = [f"# unit: {unit}", "# id type x y z radius parent"]
    table = zip(places.tolist(), radii.tolist(), parents.tolist(), strict=True)
    for number, ((x, y, z), radius, parent) in enumerate(table, 1):
        lines.append(f"{number} {_UNDEFINED} {x:.10g} {y:.10g} {z:.10g} {radius:.7g} {parent}")
    return ("\n".join(lines) + "\n").encode()
