"""A block's segments rewritten by a table, and what there is of them then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .id_tables import IdTable
from .labelling import Ids
from .measuring import Columns, numbered, segments


class Remapped(NamedTuple):
    """A block that was rewritten.

    Attributes
    ----------
    voxels : uint64 array, shape (Z, Y, X)
    before : dict of array, shape (n,)
        `segment_id` of the segments that the block had, in order, without 0.
    after : dict of array, shape (m,)
        Of those that it has now what `measuring.segments` tells.
    """

    voxels: Ids
    before: Columns
    after: Columns


def remapped(voxels: Ids, table: IdTable, keep: bool, corner_zyx: Sequence[int]) -> Remapped:
    """Give each voxel what its id becomes.

    0 stays 0 where the table has no row for it. Takes 14 bytes a voxel beside the arrays, as
    `measure` does, and what is found.

    Parameters
    ----------
    voxels : unsigned integer array, shape (Z, Y, X)
    table : IdTable
    keep : bool
        Whether other ids that the table does not have stay what they are.
    corner_zyx : sequence of 3 int
        Where the first voxel lies, to tell of ids.

    Raises
    ------
    ValueError
        If the table does not have an id that is not to stay.
    """
    ids, labels = numbered(voxels)
    targets, known = table.of(ids)
    lost = np.flatnonzero(~known[1:]) + 1
    if len(lost) and not keep:
        first = np.unravel_index(int(np.argmax(labels == lost[0])), labels.shape)
        z, y, x = (int(at) + low for at, low in zip(first, corner_zyx, strict=True))
        raise ValueError(
            f"the table has no row for id {ids[lost[0]]}, such as of voxel x {x}, y {y}, z {z}"
            f"{_and_more(len(lost) - 1)}: give one, or missing keep, which leaves such ids as they "
            "are"
        )
    after, places = np.unique(np.concatenate([[np.uint64(0)], targets]), return_inverse=True)
    labels = places[1:].astype(np.uint32)[labels]
    found = segments(after, labels)
    there = found["voxel_count"] > 0  # 0 may become another id where the block has none
    return Remapped(
        after[labels],
        {"segment_id": ids[1:]},
        {name: column[there] for name, column in found.items()},
    )


def _and_more(number: int) -> str:
    return f" (and for {number:,} more ids of this block)" if number else ""
