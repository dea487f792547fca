"""Links: which labels of one block and of the blocks before it touch across their seam.

They are found on the planes of one block's seams alone.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .boxes import DIRECTIONS, REACH
from .labelling import Connectivity, Integers, Labels

Unsigned = NDArray[np.unsignedinteger[Any]]


class Links(NamedTuple):
    """Pairs of labels, of a block and of blocks before it, that touch across their seam.

    Attributes
    ----------
    direction : unsigned integer array, shape (m,)
        Where the other block lies: a number in `boxes.DIRECTIONS`.
    label : unsigned integer array, shape (m,)
        Label in the block itself.
    neighbour_label : unsigned integer array, shape (m,)
        Label in the other block.
    """

    direction: Unsigned
    label: Unsigned
    neighbour_label: Unsigned


def facing(direction: int) -> str:
    """Face of the neighbour in a direction that holds all its voxels which may touch the block."""
    axis = next(axis for axis in range(3) if DIRECTIONS[direction][axis])
    return f"{'zyx'[axis]}1"


def link_block(
    planes: Sequence[Labels],
    segment_id: Unsigned,
    neighbours: Mapping[int, tuple[Labels, Unsigned]],
    connectivity: Connectivity,
) -> Links:
    """Find the links of one block.

    Two voxels touch where they are neighbours under the connectivity, both have a label, and the
    segment ids of these are equal. Takes about 50 bytes per voxel of a seam.

    Parameters
    ----------
    planes : sequence of 3 unsigned integer arrays
        The block's first planes along z, y and x, each over its two other axes in order.
    segment_id : unsigned integer array
        Segment ids of the block's labels from 1 on.
    neighbours : dict
        Number in `boxes.DIRECTIONS` to the neighbour's plane `facing` the block, and the segment
        ids of its labels.
    connectivity : {6, 18, 26}
        As the blocks were labelled.

    Returns
    -------
    Links
        Each once, ordered by direction, label and neighbour's label.
    """
    reach = REACH[connectivity]
    own_segment = _by_label(segment_id)
    parts = [np.zeros((3, 0), np.int64)]
    for direction in sorted(neighbours):
        step = DIRECTIONS[direction]
        axis = next(axis for axis in range(3) if step[axis])
        across = [way for number, way in enumerate(step) if number != axis]
        spare = reach - sum(map(abs, step))
        if spare < 0:
            continue
        # Along an axis on which the neighbour lies to a side, only its last voxels and the first
        # of the block may touch; along the others any two, if they are no further apart than 1.
        plane, segment = neighbours[direction]
        near = planes[axis][tuple(_NEAR[way] for way in across)]
        far = plane[tuple(_NEAR[-way] for way in across)]
        ways = [(0,) if way else (0, -1, 1) for way in across]
        shifts = [shift for shift in product(*ways) if sum(map(abs, shift)) <= spare]
        pairs = _touching(near, far, own_segment, _by_label(segment), shifts)
        parts.append(np.stack([np.full(len(pairs), direction), *pairs.T]))
    return Links(*np.concatenate(parts, axis=1).astype(np.uint32))


_NEAR = {-1: slice(0, 1), 0: slice(None), 1: slice(-1, None)}
"""Voxels along an axis that are nearest to what lies a step away: the first, all, the last."""


def _by_label(segment_id: Unsigned) -> Unsigned:
    return np.concatenate([np.zeros(1, segment_id.dtype), segment_id])


def _touching(
    near: Labels,
    far: Labels,
    near_segment: Unsigned,
    far_segment: Unsigned,
    shifts: Sequence[tuple[int, ...]],
) -> Integers:
    """Distinct pairs of labels of one segment on two planes that face each other.

    Parameters
    ----------
    near, far : unsigned integer array, shape (a, b)
        Labels on either side; 0 is background.
    near_segment, far_segment : unsigned integer array
        Segment id by label.
    shifts : sequence of (int, int)
        How far apart in the plane two voxels may lie that touch; the first is (0, 0).

    Returns
    -------
    int64 array, shape (m, 2)
        In ascending order.

    Examples
    --------
    >>> near, far = np.array([[1, 1, 0]], np.uint32), np.array([[2, 0, 3]], np.uint32)
    >>> ids = np.array([0, 7, 7, 7], np.uint64)
    >>> _touching(near, far, ids, ids, [(0, 0)]).tolist()
    [[1, 2]]
    >>> _touching(near, far, ids, ids, [(0, 0), (0, 1)]).tolist()
    [[1, 2], [1, 3]]
    """
    both = (near != 0) & (far != 0)
    both[both] = near_segment[near[both]] == far_segment[far[both]]
    pairs = [_packed(near[both], far[both])]
    if len(shifts) > 1:
        # Where straight neighbours touch, a diagonal one that could is a neighbour of the
        # straight one, in the same block and so of the same label: nothing new.
        rows, columns = np.nonzero((near != 0) & ~both)
        near_labels = near[rows, columns]
        padded = np.pad(far, 1)
        for down, right in shifts[1:]:
            far_labels = padded[rows + 1 + down, columns + 1 + right]
            touch = far_labels != 0
            touch[touch] = near_segment[near_labels[touch]] == far_segment[far_labels[touch]]
            pairs.append(_packed(near_labels[touch], far_labels[touch]))
    distinct = np.unique(np.concatenate(pairs))
    return np.stack([distinct >> 32, distinct & 0xFFFFFFFF], axis=1)


def _packed(here: Labels, there: Labels) -> Integers:
    """Pairs as one number each, which sorts far faster; labels are below 2**31.

    Leaves out what only repeats the pair before.
    """
    pairs = here.astype(np.int64) << 32 | there
    new = np.ones(len(pairs), bool)
    np.not_equal(pairs[1:], pairs[:-1], out=new[1:])
    return pairs[new]
