"""Copying voxels of a volume into an array, as tensorstore reads them."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import tensorstore as ts

from ...boxes import Box
from ..places import kvstores
from ..places.kvstores import wait

BYTES_AT_ONCE = 64 * 2**20


def copy(view: Any, part: Box, voxels: npt.NDArray[Any], box: Box, what: str) -> None:
    """Copy a part of a view to its place in the array of a box."""
    source = view[part.z0 : part.z1, part.y0 : part.y1, part.x0 : part.x1]
    target = ts.array(voxels[part.slices(box.corner_zyx)])
    wait(target.write(source), what, kvstores.VOXEL_LIMITS)
