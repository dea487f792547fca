"""What is made of segments, which are sorted into buckets: how they are cut, and what was made."""

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..core import holdings, work
from ..core.ledger import among
from ..core.tables import Execution, ParamSet, Request, Run
from ..kit.locations import url
from ..voxels.archives.made import is_made
from ..voxels.boxes import Box
from ..voxels.meshes import single
from .channels import extent
from .collected import Collected, made_by, rows_of
from .growth import alike
from .tables import Cutout

DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "bool")
"""Of segment ids."""

BLOCK_VOXELS = 2**25  # of a block whose shape is not given
BUCKET_VOXELS = 2**25  # of the first request for a channel, for each bucket
BUCKETS_MAX = 4096
BLOCKS_MAX = 1_000_000
EARLIER_REQUESTS = 3  # whose buckets a request's are compared with, at most


def first(
    of: Collected, channel: dict[str, Any], cutout: Box, chunk_zyx: Sequence[int] | None
) -> dict[str, Any]:
    """Return buckets and block shape of who gives none: those of the channel's first request.

    So its blocks serve again, on any machine, and of a made volume those of one that was smaller.
    For a new channel, by the voxels of the cutout, and chunks of the source that are doubled.

    Returns
    -------
    dict
        With `buckets` and `block_shape`.
    """
    identity = channel["channel_id"]
    named = alike([identity])[identity] if is_made(channel["uri"]) else [identity]
    earlier = of.requests() * Request() * ParamSet
    earlier *= Run.proj("run_started", first_run_id="run_id")
    rows = (earlier & [{"channel_id": name} for name in named]).to_dicts(
        order_by=("run_started", "request_id"), limit=1
    )
    if rows:
        told: dict[str, Any] = rows[0]["parameters"]
        return told
    pieces = -(-cutout.voxel_count // BUCKET_VOXELS)
    return {
        "buckets": min(BUCKETS_MAX, 1 << (pieces - 1).bit_length()),
        "block_shape": _block_shape(chunk_zyx or (64, 64, 64), extent(channel).shape_zyx),
    }


def check(row: dict[str, Any], buckets: int, block_shape_zyx: Sequence[int], cutout: Box) -> None:
    """Refuse buckets that can't be told by bits of a hash, and too many blocks."""
    if buckets & (buckets - 1):
        raise ValueError(f"buckets {buckets} in {row['where']} is no power of two")
    sides = zip(cutout.shape_zyx, block_shape_zyx, strict=True)
    if prod(-(-length // side) + 1 for length, side in sides) > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {block_shape_zyx} in {row['where']} cuts {cutout.name} into more than "
            f"{BLOCKS_MAX:,} blocks: give ranges, or a larger block_shape"
        )


def moved_nm(size_nm_zyx: Sequence[float], cutout: Box) -> float:
    """Return how far halves of voxels of a cutout move at most, as they become 32-bit floats."""
    halves = np.arange(128)
    return max(
        single.moved_nm(np.concatenate([2 * low + halves, 2 * end - halves]) * (size / 2))
        for low, end, size in zip(cutout.corner_zyx, cutout.end_zyx, size_nm_zyx, strict=True)
    )


def with_recorded(requests: list[work.Request], of: Collected) -> list[work.Request]:
    """Tell requests what is recorded that bears on how they are made.

    `earlier` are the latest of the same parameters whose cutouts meet a request's (`request_id`,
    and the URL of the `store` of each): of a bucket of the same there, nothing is made again.
    `rows` are, where it is recorded, of how many results, how many are rows of the database, and
    how many its bundle was made with.
    """
    rows, earlier = rows_of(requests, of), _earlier(requests, of)
    return [
        dataclasses.replace(
            request,
            settings=request.settings
            | {"rows": rows.get(request.request_id), "earlier": earlier[request.request_id]},
        )
        for request in requests
    ]


def _earlier(requests: list[work.Request], of: Collected) -> dict[str, list[dict[str, Any]]]:
    """Return by request the latest others with the same parameters that meet its cutout.

    Of another channel too: the same volume made by a larger request is one. What is there of
    another source is other segments'.
    """
    (filled_by,) = made_by(of)
    made = of.results * Execution.proj("executed", **made_by(of))
    made = made * of.requests * Cutout * Request.proj("paramset_id")
    rows = among(made, "paramset_id", {one.paramset.paramset_id for one in requests})
    rows.sort(key=lambda row: (row["executed"], row["request_id"]), reverse=True)
    stores_of = holdings.at_hand({row[filled_by] for row in rows})
    others: dict[str, list[tuple[Box, str, dict[str, Any]]]] = defaultdict(list)
    for row in rows:
        if store := stores_of.get(row[filled_by]):
            told = {"request_id": row["request_id"], "store": url(store)}
            one = Box.parse(row["cutout"]), row["channel_id"], told
            others[row["paramset_id"]].append(one)
    found, near = {}, _near(requests)
    for request in requests:
        cutout, channel = Box.parse(request.given["cutout"]), request.given["channel"]["channel_id"]
        meeting = [
            (name != channel, name not in near.get(channel, ()), told)
            for box, name, told in others[request.paramset.paramset_id]
            if told["request_id"] != request.request_id and box.meets(cutout)
        ]
        meeting.sort(key=lambda other: other[:2])  # of its own channel first, then of one alike
        found[request.request_id] = [told for *_, told in meeting[:EARLIER_REQUESTS]]
    return found


def _near(requests: list[work.Request]) -> dict[str, list[str]]:
    """Return the channels that are alike those of requests that were made here."""
    channels = [request.given["channel"] for request in requests]
    return alike({one["channel_id"] for one in channels if is_made(one["uri"])})


def _block_shape(chunk_zyx: Sequence[int], sides_zyx: Sequence[int]) -> list[int]:
    """Return a block shape: what is read at once, halved or doubled as long as that fits."""
    block = list(chunk_zyx)
    while prod(block) > BLOCK_VOXELS and max(block) > 1:
        longest = block.index(max(block))
        block[longest] = -(-block[longest] // 2)
    while 2 * prod(block) <= BLOCK_VOXELS:
        growing = [axis for axis in range(3) if block[axis] < sides_zyx[axis]]
        if not growing:
            break
        block[min(growing, key=block.__getitem__)] *= 2
    return block
