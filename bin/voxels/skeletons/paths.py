"""The lines of a skeleton, from the farthest voxel that no line stands for to the lines before.

Compiled. `costs` are those of the way to a voxel, `_DEAR` where none was found; of a voxel on a
line it is -1 less the number of its vertex.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit
from .fields import NEVER, from_voxels, put, step_lengths, take
from .rows import AROUND, Numbers, Voxels, around

Floats = NDArray[np.float64]

_DEAR = np.iinfo(np.int64).max

_GROUP = 256
"""Lists of voxels that are passed over at once, where none of them has any."""


class Penalty(NamedTuple):
    """What a voxel costs: 1 + scale (1 - radius / most)^exponent, to the nearest whole number.

    Attributes
    ----------
    radii : float32 array, shape (n,)
        Of each voxel the distance to the boundary.
    most : float
        More than the largest of them.
    scale : float
    exponent : int
    """

    radii: NDArray[np.float32]
    most: float
    scale: float
    exponent: int


@njit(cache=True, nogil=True)
def _cost(voxel: int, penalty: Penalty) -> int:
    share = 1.0 - np.float64(penalty.radii[voxel]) / penalty.most
    power = penalty.scale
    for _ in range(penalty.exponent):
        power *= share
    return 1 + int(power + 0.5)


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
    costs, slack = np.full(n, _DEAR), np.full(n, NEVER)
    ways, lengths = np.empty(n), step_lengths(size)
    parent, reached = np.empty(n, np.int32), np.empty(n, np.int32)
    none = np.empty(0, np.int32)
    widest = scale * np.float64(penalty.radii.max()) + const
    path, before = np.empty(1024, np.int32), np.empty(1024, np.int32)
    path[0], before[0], costs[order[0]] = order[0], -1, -1
    drawn, n_vertices, last = 0, 1, n - 1
    while True:
        starts = np.empty(n_vertices - drawn)
        for at in range(len(starts)):
            starts[at] = widest - (scale * np.float64(penalty.radii[path[drawn + at]]) + const)
        from_voxels(path[drawn:n_vertices], starts, widest, slack, voxels, size, none)
        drawn = n_vertices
        while last >= 0 and slack[order[last]] <= widest:
            last -= 1
        if last < 0:
            return path[:n_vertices], before[:n_vertices]
        voxel, joint, n_reached = _search(
            order[last], voxels, penalty, lengths, costs, ways, parent, reached
        )
        previous = -1 - costs[joint]
        for one in range(n_reached):
            costs[reached[one]] = _DEAR
        while voxel >= 0:
            if n_vertices == len(path):
                path, before = _longer(path), _longer(before)
            path[n_vertices], before[n_vertices] = voxel, previous
            previous = n_vertices
            costs[voxel] = -1 - n_vertices
            n_vertices += 1
            voxel = parent[voxel]


@njit(cache=True, nogil=True)
def _search(
    target: int,
    voxels: Voxels,
    penalty: Penalty,
    lengths: Floats,
    costs: NDArray[np.int64],
    ways: Floats,
    parent: Numbers,
    reached: Numbers,
) -> tuple[Any, Any, int]:
    """Find the cheapest way from a target to a line; return its last voxel, and which it joins.

    Also returns how many were `reached`. All that costs is the voxel, so none is reached cheaper
    later on, and each is put once into a list, by its cost (R. B. Dial, Communications of the ACM
    12 (1969) 632). Of ways that cost the same the shortest is taken; `ways` are their lengths.
    """
    found, steps = np.empty(AROUND, np.int32), np.empty(AROUND, np.uint8)
    heads = np.full(int(penalty.scale) + 3, -1, np.int32)
    held = np.zeros(len(heads) // _GROUP + 1, np.int32)
    entries, pool = np.empty((256, 2), np.int32), np.array([-1, 0])
    costs[target], ways[target], parent[target], reached[0] = 0, 0.0, -1, target
    entries = put(target, 0, heads, entries, pool)
    held[0] = n_reached = 1
    now = 0
    while True:
        while heads[now] < 0:
            now += _GROUP if now % _GROUP == 0 and held[now // _GROUP] == 0 else 1
            if now >= len(heads):
                now = 0
        voxel: Any = entries[heads[now], 0]
        take(heads[now], now, heads, entries, pool)
        held[now // _GROUP] -= 1
        here, way = costs[voxel], ways[voxel]
        joint, best = -1, 8
        for one in range(around(voxel, voxels, found, steps)):
            there = found[one]
            cost = costs[there]
            if cost < 0 and steps[one] < best:
                joint, best = there, steps[one]
            if cost <= here:
                continue
            if cost != _DEAR:
                if costs[parent[there]] == here and way + lengths[steps[one]] < ways[there]:
                    ways[there], parent[there] = way + lengths[steps[one]], voxel
                continue
            more = _cost(there, penalty)
            costs[there], parent[there] = here + more, voxel
            ways[there] = way + lengths[steps[one]]
            into = now + more
            if into >= len(heads):
                into -= len(heads)
            entries = put(there, into, heads, entries, pool)
            held[into // _GROUP] += 1
            reached[n_reached] = there
            n_reached += 1
        if joint >= 0:
            return voxel, joint, n_reached


@njit(cache=True, nogil=True)
def _longer(numbers: Numbers) -> Numbers:
    longer = np.empty(2 * len(numbers), np.int32)
    longer[: len(numbers)] = numbers
    return longer
