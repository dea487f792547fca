"""Shapes of blocks of who gives none: many chunks of the new volume, or what a file is read in."""

from collections.abc import Iterable, Sequence
from itertools import product
from math import lcm, prod
from typing import Any, NamedTuple

from ...core.tables import ParamSet, Request
from ...volumes.channels import extent
from ...voxels.archives import MODULES
from ...voxels.boxes import Box
from .tables import TransferRequest

BLOCK_BYTES = 2**28
"""Of a block, at most: it lies in memory as voxels and encoded."""

LAYER_BYTES = 2**31
"""Of a block of a file that is read more than once by smaller ones, such as a stack of planes."""

READS_MAX = 1.1
"""How many times a file may be read, before its blocks are as large as that."""


class Side(NamedTuple):
    """A length of blocks along one axis.

    Attributes
    ----------
    length : int
        Voxels: whole chunks of the new volume.
    reads : float
        How many times the source's chunks are read by such blocks.
    """

    length: int
    reads: float


def in_one_file(channel: dict[str, Any]) -> bool:
    """Say whether a channel is read from a single file, or a directory of planes."""
    return channel["uri"].partition("://")[0] in MODULES


def in_cubes(chunk_zyx: Sequence[int], cutout: Box, bytes_per_voxel: int) -> list[int]:
    """Return a block of as many chunks along each axis, for shards."""
    block = list(chunk_zyx)
    while 8 * prod(block) * bytes_per_voxel <= BLOCK_BYTES and any(
        side < end for side, end in zip(block, cutout.shape_zyx, strict=True)
    ):
        block = [2 * side for side in block]
    return block


def recorded_shape(channel: dict[str, Any], cutout: Box, chunk_zyx: list[int]) -> list[int] | None:
    """Return the block shape of the first request for a cutout in such chunks, if there is one."""
    asked = TransferRequest() * Request() * ParamSet()
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    for row in (asked & key).to_dicts(order_by="request_id"):
        if row["parameters"]["chunk_shape"] == chunk_zyx:
            shape: list[int] = row["parameters"]["block_shape"]
            return shape
    return None


def as_read(
    source_zyx: Sequence[int],
    chunk_zyx: Sequence[int],
    channel: dict[str, Any],
    cutout: Box,
    bytes_per_voxel: int,
) -> tuple[list[int], float]:
    """Return a block shape by which a file is read about once, and how many times it is read.

    Parameters
    ----------
    source_zyx : sequence of 3 int
        What is read at once of the file, counted from the channel's first voxel.
    chunk_zyx : sequence of 3 int
        Chunks of the new volume, counted from the cutout's.
    channel : dict
        The `Channel` row.
    cutout : Box
    bytes_per_voxel : int

    Returns
    -------
    list of 3 int
        Whole chunks, ZYX: of `LAYER_BYTES` at most, if a chunk is.
    float
        Chunks of the file that blocks read, for each one that the cutout meets.
    """
    corner, shape = extent(channel).corner_zyx, cutout.shape_zyx
    starts = [place - first for place, first in zip(cutout.corner_zyx, corner, strict=True)]
    axes = [list(_sides(*axis)) for axis in zip(source_zyx, chunk_zyx, starts, shape, strict=True)]

    def size(sides: Iterable[int]) -> int:
        return prod(map(min, sides, shape)) * bytes_per_voxel

    def cost(sides: Sequence[Side]) -> tuple[float, int]:
        reads = prod(side.reads for side in sides)
        return max(reads, READS_MAX), size(side.length for side in sides)

    every = [sides for sides in product(*axes)]
    fitting = [sides for sides in every if size(one.length for one in sides) <= LAYER_BYTES]
    best = min(fitting or every[:1], key=cost)
    block = [side.length for side in best]
    for axis in (2, 1, 0):  # whole rows, whole planes, and more of these
        whole = -(-shape[axis] // chunk_zyx[axis]) * chunk_zyx[axis]
        while block[axis] < whole:
            longer = [*block]
            longer[axis] = min(2 * block[axis], whole)
            if size(longer) > BLOCK_BYTES:
                break
            block = longer
    return block, prod(side.reads for side in best)


def _sides(source: int, chunk: int, start: int, length: int) -> Iterable[Side]:
    """Yield lengths of blocks along an axis, each with fewer reads than all shorter ones."""
    whole, both = -(-length // chunk) * chunk, lcm(source, chunk)
    doubled = range(whole.bit_length())
    lengths = {side << times for side in (chunk, both) for times in doubled}
    found = Side(0, float("inf"))
    for side in sorted({side for side in lengths if side < whole} | {whole}):
        reads = _reads(source, side, start, length)
        if reads < found.reads:
            found = Side(side, reads)
            yield found


def _reads(source: int, side: int, start: int, length: int) -> float:
    """Return how many chunks blocks read along an axis, for each one that is there."""
    there = (start + length - 1) // source - start // source + 1
    again = sum(1 for seam in range(start + side, start + length, side) if seam % source)
    return 1 + again / there
