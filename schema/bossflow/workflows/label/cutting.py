"""How cutouts are cut into blocks that are labelled, and whose chunks become a volume's."""

import os
from collections.abc import Sequence
from math import prod
from typing import Any

from ...core.tables import ParamSet, Request, Run
from ...volumes.channels import extent
from ...volumes.sources import Source
from ...voxels.boxes import Box, chunk_shape

BLOCK_VOXELS_MAX = 2**31 - 1
BLOCK_VOXELS = 512**3  # of a block whose shape is not given, where memory allows
PULLED_BLOCK_VOXELS = 2**25  # the same if it comes from an archive: one that fails costs less
BLOCKS_MAX = 1_000_000


def check_blocks(row: dict[str, Any], cutout: Box, origin_zyx: Sequence[int]) -> None:
    """Refuse a block shape that makes too large blocks of a cutout, too many, or no chunks.

    Raises
    ------
    ValueError
    """
    chunk_shape(row["block_shape"])
    blocks, voxels = 1, 1
    ends = zip(origin_zyx, cutout.corner_zyx, cutout.end_zyx, row["block_shape"], strict=True)
    for origin, start, end, side in ends:
        start -= (start - origin) % side  # a block is written with its whole cell below the cutout
        blocks *= -(-(end - start) // side)
        voxels *= min(side, end - start)
    if voxels > BLOCK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {row['block_shape']} in {row['where']} makes blocks of 2^31 voxels or "
            "more: choose a smaller one"
        )
    if blocks > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {row['block_shape']} in {row['where']} cuts {cutout.name} into "
            f"{blocks:,} blocks, more than {BLOCKS_MAX:,}: give ranges, or a larger block_shape"
        )


def most_voxels(staged: bool, bytes_per_voxel: int) -> int:
    """Return how many voxels a block has, at most, whose shape is not given.

    As many as fill a core's share of half the memory.
    """
    import psutil

    share = psutil.virtual_memory().total // 2 // (os.cpu_count() or 1)
    return min(PULLED_BLOCK_VOXELS if staged else BLOCK_VOXELS, share // bytes_per_voxel)


def block_shape(requests: Any, source: Source, most: int) -> list[int]:
    """Return the block shape, ZYX, of a channel whose user gave none.

    The one of the first request for the channel, so that its blocks serve again, whatever machine
    this is. Otherwise chunks of the source, doubled until a block has as many voxels as it may.

    Parameters
    ----------
    requests : table class
        The workflow's requests for cutouts.
    source : Source
    most : int
        Voxels of a block.
    """
    channel = source.channel
    earlier = requests() * Request() * ParamSet
    earlier *= Run.proj("run_started", first_run_id="run_id")
    first = (earlier & {"channel_id": channel["channel_id"]}).to_dicts(
        order_by=("run_started", "request_id"), limit=1
    )
    if first:
        shape: list[int] = first[0]["parameters"]["block_shape"]
        return shape
    block = list(source.chunk_zyx or (64, 64, 64))
    try:
        chunk_shape(block)
    except ValueError:
        block = [64, 64, 64]
    while prod(block) > most and any(side % 2 == 0 for side in block):
        block[block.index(max(side for side in block if side % 2 == 0))] //= 2
    sides = extent(channel).shape_zyx
    while 2 * prod(block) <= most:
        growing = [side for side, end in zip(block, sides, strict=True) if side < end]
        if not growing:
            break
        smallest = min(growing)
        axis = next(
            axis for axis in range(3) if block[axis] == smallest and block[axis] < sides[axis]
        )
        block[axis] *= 2
    return block
