"""Surfaces of segments whose cubes come from several blocks, each of which knows its own voxels.

To a block, what is around it is no segment's. So where blocks meet, each has the cubes at the seam
with the corners that are its own, and a cube of the whole is all of these together: no block reads
another's voxels, and what a block leaves follows from its voxels alone.
"""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boxes import Box
from ..labelling import segment_ids
from . import cubes
from .cubes import CASE_BITS, Cubes
from .loops import add, move


def of_block(voxels_zyx: NDArray[Any], corner_zyx: Sequence[int] = (0, 0, 0)) -> Cubes:
    """Return the cubes of a block, as if there were zeros around it.

    Parameters
    ----------
    voxels_zyx : array of integers or booleans, shape (Z, Y, X)
        Segment ids; 0 is no segment.
    corner_zyx : sequence of 3 int
        Channel coordinates of its first voxel.

    Returns
    -------
    Cubes
        Of the block as a whole.

    Raises
    ------
    ValueError
        If an id is negative: which voxel of the channel.
    """
    voxels = segment_ids(voxels_zyx, corner_zyx)
    unsigned = voxels.view(f"u{voxels.itemsize}")  # of booleans, too
    return cubes.of(np.pad(unsigned, 1), (-1, -1, -1), unsigned.shape)


def only(found: Cubes, wanted: NDArray[np.bool_]) -> Cubes:
    """Return the cubes of some of the segments, which `wanted` tells by their places."""
    sizes = np.diff(found.offsets)
    offsets = np.concatenate([[0], np.cumsum(sizes[wanted])])
    kept = found.cubes[np.repeat(wanted, sizes)]
    return Cubes(found.segment_ids[wanted], offsets, kept, found.shape_zyx)


def whole(boxes: Sequence[Box]) -> Box:
    """Return the least box that holds some boxes."""
    corner = [min(axis) for axis in zip(*(box.corner_zyx for box in boxes), strict=True)]
    end = [max(axis) for axis in zip(*(box.end_zyx for box in boxes), strict=True)]
    return Box.of(corner, [high - low for low, high in zip(corner, end, strict=True)])


def united(parts: Iterable[tuple[Box, Cubes]]) -> Cubes:
    """Return the cubes of the whole that blocks have parts of.

    Where nobody else holds the parts, each goes when it is moved, so that a cube takes 8 bytes.

    Parameters
    ----------
    parts : iterable of (Box, Cubes)
        Blocks that do not overlap, in any order, and what `of_block` gave of each.

    Returns
    -------
    Cubes
        Of all blocks together, in `whole` of them.

    Raises
    ------
    ValueError
        If there are no parts, or the whole has too many voxels.
    """
    held = [*parts]
    box = whole([part for part, _ in held])
    if prod(side + 1 for side in box.shape_zyx) >> 63 - CASE_BITS:
        raise ValueError(f"blocks within {box.name} have too many voxels to be meshed together")
    ids = np.unique(np.concatenate([found.segment_ids for _, found in held]))
    totals = np.zeros(len(ids) + 1, np.int64)
    for _, found in held:
        totals[np.searchsorted(ids, found.segment_ids) + 1] += np.diff(found.offsets)
    ends = np.cumsum(totals)
    every, starts = np.empty(ends[-1], np.int64), ends[:-1].copy()
    around = np.array([side + 1 for side in box.shape_zyx], np.int64)
    while held:
        part, found = held.pop()
        sides = np.array([side + 1 for side in part.shape_zyx], np.int64)
        shift = np.subtract(part.corner_zyx, box.corner_zyx, dtype=np.int64)
        places = starts[(at := np.searchsorted(ids, found.segment_ids))]
        move(found.cubes, found.offsets, sides, shift, around, places, every)
        starts[at] += np.diff(found.offsets)
    offsets, last = np.zeros(len(ids) + 1, np.int64), 0
    for number in range(len(ids)):  # in place: what is left is no more than there was
        every[ends[number] : ends[number + 1]].sort()
        last = add(every, ends[number], ends[number + 1], last)
        offsets[number + 1] = last
    return Cubes(ids, offsets, every[:last], box.shape_zyx)
