"""Boxes: half-open voxel ranges in a channel's own coordinates, and grids of blocks.

A box is named `x0-x1_y0-y1_z0-z1`, as Neuroglancer names its chunks; everything else
that has three axes is ZYX, as the arrays are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import NamedTuple

REACH = {6: 1, 18: 2, 26: 3}
"""By connectivity, along how many axes at once two neighbours may differ, by one each."""

DIRECTIONS = tuple(step for step in product((-1, 0, 1), repeat=3) if step < (0, 0, 0))
"""Steps, ZYX, from a cell of a grid to the 13 of its 26 neighbours that come before it."""

_NAME = re.compile(r"(-?\d+)-(-?\d+)_(-?\d+)-(-?\d+)_(-?\d+)-(-?\d+)", re.ASCII)


class Box(NamedTuple):
    """A half-open voxel range, `x0 <= x < x1` and so on, never empty.

    Examples
    --------
    >>> box = Box.parse("0-512_-8-8_25-50")
    >>> box.shape_zyx
    (25, 16, 512)
    >>> box.name
    '0-512_-8-8_25-50'
    """

    x0: int
    x1: int
    y0: int
    y1: int
    z0: int
    z1: int

    @classmethod
    def parse(cls, name: str) -> Box:
        """Read a box from its name; the only spelling accepted is the one `name` gives.

        Raises
        ------
        ValueError
            If `name` is not that of a box, or the box is empty or reversed on an axis.
        """
        match = _NAME.fullmatch(name)
        box = cls(*map(int, match.groups())) if match else None
        if box is None or box.name != name:
            raise ValueError(f"{name!r} is not a box: write x0-x1_y0-y1_z0-z1")
        if min(box.shape_zyx) < 1:
            raise ValueError(f"box {name} is empty: every range must end above its start")
        return box

    @classmethod
    def of(cls, corner_zyx: Sequence[int], shape_zyx: Sequence[int]) -> Box:
        """Box with the given lower corner and shape, both ZYX."""
        (z, y, x), (depth, height, width) = corner_zyx, shape_zyx
        return cls(x, x + width, y, y + height, z, z + depth)

    @property
    def name(self) -> str:
        """The box as text, `x0-x1_y0-y1_z0-z1`."""
        x0, x1, y0, y1, z0, z1 = self
        return f"{x0}-{x1}_{y0}-{y1}_{z0}-{z1}"

    @property
    def corner_zyx(self) -> tuple[int, int, int]:
        """The first voxel's coordinates."""
        return self.z0, self.y0, self.x0

    @property
    def end_zyx(self) -> tuple[int, int, int]:
        """One past the last voxel's coordinates."""
        return self.z1, self.y1, self.x1

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        return self.z1 - self.z0, self.y1 - self.y0, self.x1 - self.x0

    @property
    def voxel_count(self) -> int:
        """Voxels in the box."""
        depth, height, width = self.shape_zyx
        return depth * height * width

    def intersect(self, other: Box) -> Box:
        """Voxels in both boxes.

        Raises
        ------
        ValueError
            If the boxes have no voxel in common.
        """
        x0, y0, z0 = max(self.x0, other.x0), max(self.y0, other.y0), max(self.z0, other.z0)
        x1, y1, z1 = min(self.x1, other.x1), min(self.y1, other.y1), min(self.z1, other.z1)
        if x0 >= x1 or y0 >= y1 or z0 >= z1:
            raise ValueError(f"boxes {self.name} and {other.name} have no voxel in common")
        return Box(x0, x1, y0, y1, z0, z1)

    def meets(self, other: Box) -> bool:
        """Tell whether the boxes have a voxel in common."""
        axes = zip(self.corner_zyx, self.end_zyx, other.corner_zyx, other.end_zyx, strict=True)
        return all(max(a0, b0) < min(a1, b1) for a0, a1, b0, b1 in axes)

    def contains(self, other: Box) -> bool:
        """Tell whether every voxel of `other` is in this box."""
        lower = zip(self.corner_zyx, other.corner_zyx, strict=True)
        upper = zip(self.end_zyx, other.end_zyx, strict=True)
        return all(a <= b for a, b in lower) and all(a >= b for a, b in upper)

    def slices(self, origin_zyx: Sequence[int]) -> tuple[slice, slice, slice]:
        """Index of this box in a ZYX array whose first voxel lies at `origin_zyx`.

        Raises
        ------
        ValueError
            If the box starts before `origin_zyx`: numpy would count from the end.
        """
        z, y, x = origin_zyx
        if self.z0 < z or self.y0 < y or self.x0 < x:
            raise ValueError(f"box {self.name} starts before the array, at zyx {z}, {y}, {x}")
        return (
            slice(self.z0 - z, self.z1 - z),
            slice(self.y0 - y, self.y1 - y),
            slice(self.x0 - x, self.x1 - x),
        )


def grid(cutout: Box, block_shape_zyx: Sequence[int], origin_zyx: Sequence[int]) -> list[Box]:
    """Cells of a block grid, clipped to a cutout, in raster order (x fastest).

    Parameters
    ----------
    cutout : Box
        What the cells must cover.
    block_shape_zyx : sequence of 3 int
        Shape of a cell.
    origin_zyx : sequence of 3 int
        A corner of the grid; it may lie anywhere, also inside or above the cutout.

    Returns
    -------
    list of Box
        Every cell that has a voxel in the cutout: together they are the cutout, without overlap.

    Raises
    ------
    ValueError
        If a side of the block is below 1.
    """
    if min(block_shape_zyx) < 1:
        raise ValueError(f"block shape {list(block_shape_zyx)} must be at least 1 on every axis")
    axes = zip(cutout.corner_zyx, cutout.end_zyx, block_shape_zyx, origin_zyx, strict=True)
    ranges = [
        [
            (max(start, lower), min(start + side, upper))
            for start in range(lower - (lower - origin) % side, upper, side)
        ]
        for lower, upper, side, origin in axes
    ]
    return [Box(x0, x1, y0, y1, z0, z1) for (z0, z1), (y0, y1), (x0, x1) in product(*ranges)]


def preceding(boxes: Sequence[Box], connectivity: int) -> list[list[int]]:
    """Neighbours before each cell of a grid.

    Parameters
    ----------
    boxes : sequence of Box
        A whole grid, as `grid` gives it.
    connectivity : {6, 18, 26}
        Neighbours share a face; or at least an edge; or at least a corner.

    Returns
    -------
    list of list of int
        For each cell the numbers in `boxes` of its neighbours, in the order of `DIRECTIONS`.
    """
    depth, height, width = grid_shape(boxes)
    steps = [step for step in DIRECTIONS if sum(map(abs, step)) <= REACH[connectivity]]
    return [
        [
            ((z + dz) * height + y + dy) * width + x + dx
            for dz, dy, dx in steps
            if z + dz >= 0 and 0 <= y + dy < height and 0 <= x + dx < width
        ]
        for z, y, x in product(range(depth), range(height), range(width))
    ]


def grid_shape(boxes: Sequence[Box]) -> tuple[int, int, int]:
    """Cells along each axis, ZYX, of a whole grid."""
    starts = zip(*(box.corner_zyx for box in boxes), strict=True)
    depth, height, width = (len(set(axis)) for axis in starts)
    return depth, height, width


def direction(box: Box, neighbour: Box) -> int:
    """Tell which of `DIRECTIONS` leads from a cell to a neighbour before it.

    Raises
    ------
    ValueError
        If it is no such neighbour.

    Examples
    --------
    >>> here = Box.parse("8-16_8-16_8-16")
    >>> DIRECTIONS[direction(here, Box.parse("16-24_0-8_8-16"))]
    (0, -1, 1)
    """
    axes = zip(box.corner_zyx, box.end_zyx, neighbour.corner_zyx, neighbour.end_zyx, strict=True)
    step = tuple(
        -1 if last == start else 1 if first == end else 0 if (first, last) == (start, end) else 2
        for start, end, first, last in axes
    )
    if step not in DIRECTIONS:
        raise ValueError(f"block {neighbour.name} is no neighbour before block {box.name}")
    return DIRECTIONS.index(step)


def snap(box: Box, block_shape_zyx: Sequence[int], origin_zyx: Sequence[int]) -> Box:
    """Box grown downwards, until its lower corner lies on a block grid.

    Examples
    --------
    >>> snap(Box.parse("5-20_0-7_-3-2"), (4, 4, 8), (0, 0, 1)).name
    '1-20_0-7_-4-2'
    """
    axes = zip(box.corner_zyx, block_shape_zyx, origin_zyx, strict=True)
    z, y, x = (lower - (lower - origin) % side for lower, side, origin in axes)
    return box._replace(x0=x, y0=y, z0=z)


def chunks_of(box: Box, chunk_zyx: Sequence[int], origin_zyx: Sequence[int]) -> list[Box]:
    """Chunks of a grid that have voxels in a box: whole below it, clipped where it ends."""
    return grid(snap(box, chunk_zyx, origin_zyx), chunk_zyx, origin_zyx)


CELL = 8
"""Side of the cells that chunks are encoded in, in voxels."""

_CHUNK_VOXELS = 64**3
"""Voxels that a chunk should have: little for a viewer to fetch."""

_CHUNK_VOXELS_MAX = 2**22
"""The encoding counts a chunk's words in 24 bits: of larger chunks some would not fit."""


def chunk_shape(block_shape_zyx: Sequence[int]) -> tuple[int, int, int]:
    """Shape of the chunks that a block is cut into, ZYX.

    The block halved along all axes at once until a chunk is small enough: then the chunks of a
    block can lie in one shard. Where an odd side ends that too early, the largest divisors.

    Raises
    ------
    ValueError
        If the block's sides have no divisors that make chunks small enough.

    Examples
    --------
    >>> chunk_shape((512, 512, 512)), chunk_shape((64, 512, 512)), chunk_shape((25, 512, 512))
    ((64, 64, 64), (16, 128, 128), (25, 128, 128))
    """
    chunk = list(block_shape_zyx)
    while prod(chunk) > _CHUNK_VOXELS and all(side % 2 == 0 and side >= 2 * CELL for side in chunk):
        chunk = [side // 2 for side in chunk]
    if prod(chunk) > _CHUNK_VOXELS_MAX:
        chunk = [_largest_divisor(side) for side in block_shape_zyx]
    if prod(chunk) > _CHUNK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {','.join(map(str, block_shape_zyx))} can't be cut into chunks: choose "
            "sides that are powers of 2, or that have a divisor between 16 and 128"
        )
    z, y, x = chunk
    return z, y, x


def _largest_divisor(side: int) -> int:
    """Return the largest divisor of a side up to 128, or the side itself if that is below 16."""
    largest = next(divisor for divisor in range(min(side, 128), 0, -1) if side % divisor == 0)
    return largest if largest >= 16 else side
