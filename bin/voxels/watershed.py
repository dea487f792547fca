"""Supervoxels of affinities, alike however the volume is cut.

An affinity says how surely a voxel and the one before it along an axis are of one object. By
definition, of a whole cutout: an edge joins its two voxels if its affinity is at least `high`, or
if it is at least `low` and the strongest of the edges of one of the two; of equally strong ones the
first of z-, y-, x-, x+, y+, z+ is. Supervoxels are what is joined; a voxel that nothing joins is in
none.

A block decides for its own voxels, so it has to know one plane of each axis' affinities beyond its
high side along that axis.
`voxels.links` and `voxels.merging` then do what they do for labels: `link_basins` finds which
labels are joined across seams, and a component of one voxel is dust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import DIRECTIONS, Box
from .compiling import njit
from .labelling import Labels, Statistics, check_sums, statistics_of
from .links import Links

Affinities = NDArray[np.unsignedinteger[Any]]
Joins = NDArray[np.bool_]

DTYPES = ("uint8", "uint16")

_Z, _Y, _X, _X_ON, _Y_ON, _Z_ON, _NONE = range(7)
"""Which of its edges is a voxel's strongest, in the order in which ties are broken."""

_JOINED = 8
"""Is added where an edge within the block joins the voxel to another one."""


class Basins(NamedTuple):
    """Supervoxels of a block, as far as it alone can tell.

    Attributes
    ----------
    labels : uint32 array, shape (Z, Y, X)
        1..n, numbered by first voxel in C order; 0 where nothing joins a voxel, whatever lies
        outside of the block.
    statistics : labelling.Statistics
        Of each label.
    joins : dict of str to bool array
        By face (`labelling.FACES`), for each of its voxels, whether what this block knows joins it
        to the voxel beyond. What neither side joins is not joined.
    """

    labels: Labels
    statistics: Statistics
    joins: dict[str, Joins]


def seen(core: Box, cutout: Box, axis: int) -> Box:
    """Return the box of an axis' affinities that a block needs: itself and the plane behind it."""
    shape = list(core.shape_zyx)
    shape[axis] += int(core.end_zyx[axis] < cutout.end_zyx[axis])
    return Box.of(core.corner_zyx, shape)


def basins(affinities: Sequence[Affinities], core: Box, cutout: Box, low: int, high: int) -> Basins:
    """Find the supervoxels of one block.

    Takes 13 bytes a voxel beside the affinities.

    Parameters
    ----------
    affinities : sequence of 3 uint8 or uint16 arrays
        Of edges along z, y and x, each of the box that is `seen`: of each voxel to the one before
        it. What an edge that leaves the cutout says is not read.
    core, cutout : Box
        Of the cutout nothing is asked but on which sides the block ends with it.
    low, high : int
        In the unit of affinities.

    Raises
    ------
    ValueError
        If arrays are of another type or shape, `low` is not from 1 to `high`, or the block is too
        large for the widths used.
    """
    for axis, one in enumerate(affinities):
        of = seen(core, cutout, axis)
        if one.dtype.name not in DTYPES or one.dtype != affinities[0].dtype:
            raise ValueError(f"affinities are {one.dtype}: they must be of one of {DTYPES}")
        if one.shape != of.shape_zyx:
            raise ValueError(f"affinities of {one.shape} are not those of {of.name}")
    if not 1 <= low <= high:
        raise ValueError(f"low is {low}, and high {high}: they must be at least 1, in this order")
    if core.voxel_count >= 2**31:
        raise ValueError(f"block {core.name} has 2^31 voxels or more: choose a smaller block_shape")
    check_sums(core.voxel_count, core)
    begins = tuple(a == b for a, b in zip(core.corner_zyx, cutout.corner_zyx, strict=True))
    ends = tuple(a == b for a, b in zip(core.end_zyx, cutout.end_zyx, strict=True))
    z, y, x = affinities
    choice = np.empty(core.shape_zyx, np.uint8)
    labels = np.empty(core.shape_zyx, np.uint32)
    n = _label(z, y, x, begins, ends, low, high, choice, labels)
    choice &= _JOINED - 1
    joins: dict[str, Joins] = {}
    for axis, (edges, back, on) in enumerate(
        ((z, _Z, _Z_ON), (y, _Y, _Y_ON), (x, _X, _X_ON)),
    ):
        first, last = (choice.take(place, axis) for place in (0, -1))
        near = edges.take(0, axis) >= high
        joins[f"{'zyx'[axis]}0"] = (near | (first == back)) & (not begins[axis])
        joins[f"{'zyx'[axis]}1"] = (last == on) & (not ends[axis])
    return Basins(labels, statistics_of(labels, n, core.corner_zyx, None), joins)


def link_basins(
    planes: Sequence[Labels],
    joins: Sequence[Joins],
    neighbours: Mapping[int, tuple[Labels, Joins]],
) -> Links:
    """Find which labels of a block are joined to those of the blocks before it.

    Parameters
    ----------
    planes, joins : sequence of 3 arrays
        The block's first planes along z, y and x: labels, and what joins them to what is before.
    neighbours : dict
        By number in `boxes.DIRECTIONS`, of those that share a face: the neighbour's last plane of
        labels, and what joins it to what is beyond.

    Returns
    -------
    Links
        Each once, ordered by direction, label and neighbour's label.
    """
    parts = [np.zeros((3, 0), np.int64)]
    for direction in sorted(neighbours):
        step = DIRECTIONS[direction]
        if sum(map(abs, step)) != 1:
            raise ValueError(f"a neighbour {step} away shares no face with the block")
        axis = next(axis for axis in range(3) if step[axis])
        labels, far = neighbours[direction]
        both = joins[axis] | far
        pairs = np.unique(np.stack([planes[axis][both], labels[both]]), axis=1)
        parts.append(np.stack([np.full(pairs.shape[1], direction), *pairs]))
    return Links(*np.concatenate(parts, axis=1).astype(np.uint32))


@njit(cache=True, nogil=True)
def _label(
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
                most, which = low - 1, _NONE
                if (z > 0 or not begins[0]) and az[z, y, x] > most:
                    most, which = az[z, y, x], _Z
                if (y > 0 or not begins[1]) and ay[z, y, x] > most:
                    most, which = ay[z, y, x], _Y
                if (x > 0 or not begins[2]) and ax[z, y, x] > most:
                    most, which = ax[z, y, x], _X
                if (x + 1 < width or not ends[2]) and ax[z, y, x + 1] > most:
                    most, which = ax[z, y, x + 1], _X_ON
                if (y + 1 < height or not ends[1]) and ay[z, y + 1, x] > most:
                    most, which = ay[z, y + 1, x], _Y_ON
                if (z + 1 < depth or not ends[0]) and az[z + 1, y, x] > most:
                    which = _Z_ON
                choice[z, y, x] = which
    parent = np.arange(depth * height * width).astype(np.uint32)
    strides = height * width, width, 1
    flat = choice.reshape(-1)
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                here = z * strides[0] + y * strides[1] + x
                own = flat[here] & (_JOINED - 1)
                for axis in range(3):
                    if axis == 0:
                        inside, edge, back, on = z > 0, az[z, y, x], _Z, _Z_ON
                    elif axis == 1:
                        inside, edge, back, on = y > 0, ay[z, y, x], _Y, _Y_ON
                    else:
                        inside, edge, back, on = x > 0, ax[z, y, x], _X, _X_ON
                    if not inside:
                        continue
                    there = here - strides[axis]
                    if edge >= high or own == back or (flat[there] & (_JOINED - 1)) == on:
                        flat[here] |= _JOINED
                        flat[there] |= _JOINED
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
                if is_open or flat[here] & _JOINED:
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
