"""Blocks of boxes stacked like bricks, with seams through most of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

BRICK_ZYX = (8, 4, 4)  # with the gap of a voxel after it
BRICKS_ZYX = (2, 15, 155)  # in a block; seams cut one more of them in two on each axis
SHAPE_ZYX = tuple(pitch * n for pitch, n in zip(BRICK_ZYX, BRICKS_ZYX, strict=True))
FIRST_ID = 2**63 + 1

Integers = npt.NDArray[np.int64]


class Bricks(NamedTuple):
    """Where the bricks of a volume begin and end, and which they are: by axis, then by brick."""

    lower: list[Integers]
    upper: list[Integers]
    kind: list[Integers]


def bricks(blocks: int) -> Bricks:
    """Lay bricks along the axes of so many blocks; those at the ends are cut."""
    found = Bricks([], [], [])
    for pitch, n in zip(BRICK_ZYX, BRICKS_ZYX, strict=True):
        gaps = np.arange(pitch // 2, blocks * n * pitch, pitch)
        found.lower.append(np.concatenate([[0], gaps + 1]))
        found.upper.append(np.concatenate([gaps, [blocks * n * pitch]]))
        found.kind.append(np.arange(len(gaps) + 1) % n)
    return found


def ids_of(kinds: Sequence[Integers]) -> npt.NDArray[np.uint64]:
    """Return the segment ids of bricks of these kinds; another block has the same."""
    return np.ravel_multi_index(tuple(kinds), BRICKS_ZYX).astype(np.uint64) + np.uint64(FIRST_ID)


def block_voxels() -> npt.NDArray[np.uint64]:
    """Return the voxels of a block."""
    rows = []
    for lower, upper, kind, side in zip(*bricks(1), SHAPE_ZYX, strict=True):
        row = np.full(side, -1)
        for start, end, which in zip(lower, upper, kind, strict=True):
            row[start:end] = which
        rows.append(row)
    z, y, x = np.ix_(*rows)
    ids = ids_of([np.maximum(axis, 0) for axis in (z, y, x)])
    return np.where((z < 0) | (y < 0) | (x < 0), np.uint64(0), ids)
