"""Supervoxels of affinities, alike however the volume is cut.

An affinity says how surely a voxel and the one before it along an axis are of one object. By
definition, of a whole cutout: an edge joins its two voxels if its affinity is at least `high`, or
if it is at least `low` and the strongest of the edges of one of the two; of equally strong ones the
first of z-, y-, x-, x+, y+, z+ is. Supervoxels are what is joined; a voxel that nothing joins is in
none.

A block decides for its own voxels, so it has to know one plane of each axis' affinities beyond its
high side along that axis. `voxels.links` and `voxels.merging` then do what they do for labels:
`link_basins` finds which labels are joined across seams, and a component of one voxel is dust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import DIRECTIONS, Box
from .flooding import JOINED, X_ON, Y_ON, Z_ON, Affinities, X, Y, Z, flood
from .labelling import Labels, Statistics, check_sums, statistics_of
from .links import Links

Joins = NDArray[np.bool_]

DTYPES = ("uint8", "uint16")


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
    n = flood(z, y, x, begins, ends, low, high, choice, labels)
    choice &= JOINED - 1
    joins: dict[str, Joins] = {}
    for axis, (edges, back, on) in enumerate(
        ((z, Z, Z_ON), (y, Y, Y_ON), (x, X, X_ON)),
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
