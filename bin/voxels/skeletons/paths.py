"""The lines of a skeleton, from the farthest voxel that no line stands for to the lines before.

Compiled. `costs` are those of the way to a voxel, `NEVER` where none was found; of a voxel on a
line it is -1 less the number of its vertex.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .fields import NEVER, from_voxels, queue
from .rows import AROUND, Numbers, Voxels, around

Floats = NDArray[np.float64]

_LISTS = 65


class Penalty(NamedTuple):
    """What a voxel costs: `scale` (1 - radius / most)^exponent + far / farthest.

    Attributes
    ----------
    radii, far : float32 arrays, shape (n,)
        Of each voxel the distances to the boundary, and from the root.
    most, farthest : float
        More than the largest of each.
    scale : float
    exponent : int
    """

    radii: NDArray[np.float32]
    far: NDArray[np.float32]
    most: float
    farthest: float
    scale: float
    exponent: int


@njit(cache=True, nogil=True)
def _cost(voxel: int, penalty: Penalty) -> float:
    share = 1.0 - np.float64(penalty.radii[voxel]) / penalty.most
    power = penalty.scale
    for _ in range(penalty.exponent):
        power *= share
    return power + np.float64(penalty.far[voxel]) / penalty.farthest


@njit(cache=True, nogil=True)
def draw(
    voxels: Voxels,
    penalty: Penalty,
    order: Numbers,
    size: Floats,
    scale: float,
    const: float,
) -> tuple[Numbers, Numbers]:
    """Return the voxels on the lines, the root first, and of each the vertex before it.

    `order` has the voxels by their distance from the root. A line stands for what is within
    `scale` times the radius and `const` of one of its voxels, on a way through the component.
    """
    n = len(order)
    costs, slack = np.full(n, NEVER), np.full(n, NEVER)
    parent, reached = np.empty(n, np.int32), np.empty(n, np.int32)
    behind = np.empty(n, np.int32)
    widest = scale * np.float64(penalty.radii.max()) + const
    lists = queue(size, widest, np.full(n, -2, np.int32), behind)
    path, before = np.empty(1024, np.int32), np.empty(1024, np.int32)
    path[0], before[0], costs[order[0]] = order[0], -1, -1.0
    drawn, n_vertices, last = 0, 1, n - 1
    while True:
        starts = np.empty(n_vertices - drawn)
        for at in range(len(starts)):
            starts[at] = widest - (scale * np.float64(penalty.radii[path[drawn + at]]) + const)
        from_voxels(path[drawn:n_vertices], starts, widest, slack, voxels, lists)
        drawn = n_vertices
        while last >= 0 and slack[order[last]] <= widest:
            last -= 1
        if last < 0:
            return path[:n_vertices], before[:n_vertices]
        voxel, joint, n_reached = _search(
            order[last], voxels, penalty, costs, parent, behind, reached
        )
        previous = int(-1.0 - costs[joint])
        for one in range(n_reached):
            costs[reached[one]] = NEVER
        while voxel >= 0:
            if n_vertices == len(path):
                path, before = _longer(path), _longer(before)
            path[n_vertices], before[n_vertices] = voxel, previous
            previous = n_vertices
            costs[voxel] = -1.0 - n_vertices
            n_vertices += 1
            voxel = parent[voxel]


@njit(cache=True, nogil=True)
def _search(
    target: int,
    voxels: Voxels,
    penalty: Penalty,
    costs: Floats,
    parent: Numbers,
    behind: Numbers,
    reached: Numbers,
) -> tuple[Any, Any, int]:
    """Find the cheapest way from a target to a line; return its last voxel, and which it joins.

    All that costs is the voxel, so none is reached cheaper later on, and each is put into the
    queue once. Also returns how many were `reached`.
    """
    found, steps = np.empty(AROUND, np.int32), np.empty(AROUND, np.uint8)
    bits = costs.view(np.int64)  # in the order of the costs, which are not negative here
    heads = np.full(_LISTS, -1, np.int32)
    costs[target] = 0.0
    parent[target] = behind[target] = -1
    reached[0] = heads[0] = target
    n_reached, lowest = 1, 0
    while True:
        if heads[0] < 0:
            lowest = _settle(heads, behind, bits)
        voxel: Any = heads[0]
        heads[0] = behind[voxel]
        here = costs[voxel]
        joint, best = -1, 8
        for one in range(around(voxel, voxels, found, steps)):
            there = found[one]
            cost = costs[there]
            if cost < 0 and steps[one] < best:
                joint, best = there, steps[one]
            if cost != NEVER:
                continue
            costs[there] = here + _cost(there, penalty)
            parent[there] = voxel
            into = _list(bits[there] ^ lowest)
            behind[there] = heads[into]
            heads[into] = there
            reached[n_reached] = there
            n_reached += 1
        if joint >= 0:
            return voxel, joint, n_reached


@njit(cache=True, nogil=True)
def _longer(numbers: Numbers) -> Numbers:
    longer = np.empty(2 * len(numbers), np.int32)
    longer[: len(numbers)] = numbers
    return longer


@njit(cache=True, nogil=True)
def _list(differing: int) -> int:
    """Return the number of bits up to the highest one, by which a radix heap has its lists.

    R. K. Ahuja, K. Mehlhorn, J. B. Orlin and R. E. Tarjan, Journal of the ACM 37 (1990) 213.
    """
    bits = 0
    if differing >> 32:
        bits += 32
        differing >>= 32
    if differing >> 16:
        bits += 16
        differing >>= 16
    if differing >> 8:
        bits += 8
        differing >>= 8
    if differing >> 4:
        bits += 4
        differing >>= 4
    if differing >> 2:
        bits += 2
        differing >>= 2
    if differing >> 1:
        bits += 1
        differing >>= 1
    return bits + differing


@njit(cache=True, nogil=True)
def _settle(heads: Numbers, behind: Numbers, bits: NDArray[np.int64]) -> Any:
    """Spread the lowest list, the cheapest voxels into list 0; return their cost."""
    low = 1
    while heads[low] < 0:
        low += 1
    voxel: Any = heads[low]
    heads[low] = -1
    least, at = bits[voxel], voxel
    while at >= 0:
        least = min(least, bits[at])
        at = behind[at]
    while voxel >= 0:
        following = behind[voxel]
        into = _list(bits[voxel] ^ least)
        behind[voxel] = heads[into]
        heads[into] = voxel
        voxel = following
    return least
