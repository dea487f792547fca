"""The loop over a block's voxels that finds its supervoxels, compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiling import njit

Affinities = NDArray[np.unsignedinteger[Any]]
Labels = NDArray[np.uint32]

Z, Y, X, X_ON, Y_ON, Z_ON, NONE = range(7)
"""Which of its edges is a voxel's strongest, in the order in which ties are broken."""

JOINED = 8
"""Is added where an edge within the block joins the voxel to another one."""


@njit(cache=True, nogil=True)
def flood(
    az: Affinities,
    ay: Affinities,
    ax: Affinities,
    begins: tuple[bool, bool, bool],
    ends: tuple[bool, bool, bool],
    low: int,
    high: int,
    choice: NDArray[np.uint8],
    labels: Labels,
) -> int:
    """Fill each voxel's strongest edge, and the labels of what edges within the block join.

    Returns how many labels there are.
    """
    depth, height, width = labels.shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                most, which = low - 1, NONE
                if (z > 0 or not begins[0]) and az[z, y, x] > most:
                    most, which = az[z, y, x], Z
                if (y > 0 or not begins[1]) and ay[z, y, x] > most:
                    most, which = ay[z, y, x], Y
                if (x > 0 or not begins[2]) and ax[z, y, x] > most:
                    most, which = ax[z, y, x], X
                if (x + 1 < width or not ends[2]) and ax[z, y, x + 1] > most:
                    most, which = ax[z, y, x + 1], X_ON
                if (y + 1 < height or not ends[1]) and ay[z, y + 1, x] > most:
                    most, which = ay[z, y + 1, x], Y_ON
                if (z + 1 < depth or not ends[0]) and az[z + 1, y, x] > most:
                    which = Z_ON
                choice[z, y, x] = which
    parent = np.arange(depth * height * width).astype(np.uint32)
    strides = height * width, width, 1
    flat = choice.reshape(-1)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                here = z * strides[0] + y * strides[1] + x
                own = flat[here] & (JOINED - 1)
                for axis in range(3):
                    if axis == 0:
                        inside, edge, back, on = z > 0, az[z, y, x], Z, Z_ON
                    elif axis == 1:
                        inside, edge, back, on = y > 0, ay[z, y, x], Y, Y_ON
                    else:
                        inside, edge, back, on = x > 0, ax[z, y, x], X, X_ON
                    if not inside:
                        continue
                    there = here - strides[axis]
                    if edge >= high or own == back or (flat[there] & (JOINED - 1)) == on:
                        flat[here] |= JOINED
                        flat[there] |= JOINED
                        one, other = _root(parent, here), _root(parent, there)
                        parent[max(one, other)] = min(one, other)
    found = 0
    numbers = labels.reshape(-1)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                here = z * strides[0] + y * strides[1] + x
                root = _root(parent, here)
                if root != here:
                    numbers[here] = numbers[root]
                    continue
                is_open = (z == 0 and not begins[0]) or (z == depth - 1 and not ends[0])
                is_open |= (y == 0 and not begins[1]) or (y == height - 1 and not ends[1])
                is_open |= (x == 0 and not begins[2]) or (x == width - 1 and not ends[2])
                numbers[here] = 0
                if is_open or flat[here] & JOINED:
                    found += 1
                    numbers[here] = found
    return found


@njit(cache=True, nogil=True)
def _root(parent: NDArray[np.uint32], at: Any) -> Any:
    """Return the first voxel of a group, with shorter ways to it from here on."""
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = np.int64(parent[at])
    return at
