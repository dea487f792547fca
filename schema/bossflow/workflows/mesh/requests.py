"""What can be asked: cutouts whose segments are to be meshed."""

import dataclasses
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...core import work
from ...core.tables import ParamSet, Request, Run
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent, voxel_size
from ...volumes.citations import with_citations
from ...volumes.growth import alike, with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.archives.made import is_made
from ...voxels.boxes import Box
from ...voxels.meshes import nodes, single
from .recorded import rows_of, with_recorded
from .tables import BlockSurface, MeshRequest
from .units import blocks

NAME = "bossflow.workflows.mesh"  # is hashed into ids: constant
VERSION = "2.2"
"""Of SURFACE_BLOCK with INDEX_SURFACES, and of MESH_BUCKET with COLLECT_MESHES: one is raised when
its program makes something else of the same."""

BLOCK_VOXELS = 2**25  # of a block whose shape is not given
BUCKET_VOXELS = 2**25  # of the first request for a channel, for each bucket
BUCKETS_MAX = 4096
BLOCKS_MAX = 1_000_000
LEVELS = 4  # at most, where none are given
DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "bool")


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or the channel holds no segment ids.
    """
    if not params.get("archive"):
        described = as_recorded(described, MeshRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    first: dict[str, dict[str, Any]] = {}
    requests = [_request(row, sources[asked(row)], params, first) for row in described["rows"]]
    requests = [
        with_citations(with_image(request, row, described), described)
        for request, row in zip(requests, described["rows"], strict=True)
    ]
    return with_recorded(with_earlier(BlockSurface, requests, _own)), [*notes]


def _own(request: work.Request) -> dict[str, Any]:
    (stage,) = request.stage_paramsets
    return {"surface_paramset_id": stage.paramset_id}


def _request(
    row: dict[str, Any],
    source: Source,
    params: dict[str, Any],
    first: dict[str, dict[str, Any]],
) -> work.Request:
    """Return a row's request; `first` has, by channel, what the first request for it says."""
    channel = source.channel
    if channel["dtype"] not in DTYPES:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}, and meshes are of segment ids, which "
            f"are whole numbers: only {', '.join(DTYPES)} are meshed"
        )
    cutout, identity = cut(row, channel), channel["channel_id"]
    if identity not in first:
        first[identity] = _first(channel, cutout, source.chunk_zyx)
    before = first[identity]
    number, block_shape = row["buckets"] or before["buckets"], row["block_shape"]
    if number & (number - 1):
        raise ValueError(f"buckets {number} in {row['where']} is no power of two")
    if row["mesh_format"] == "legacy":
        _refuse_levels(row)
    staged = reading.is_staged(source, params)
    of_block: dict[str, Any] = {"buckets": number}
    if staged and not channel["uri"].startswith("bossdb://"):
        # a set of its own: a run that reads the volume in place makes other bundles of each block
        of_block["staged"] = True
    parameters = {
        **{name: row[name] for name in ("mesh_format", "keep", "distance_nm")},
        "levels": row["levels"] or LEVELS,
        "buckets": number,
        "block_shape": block_shape or before["block_shape"],
        "staged": staged,
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("mesh", VERSION, parameters),
        subject=[identity, cutout.name],
        given=reading.given_of(source, cutout),
        stage_paramsets=(work.ParamSet("surface_block", VERSION.split(".")[0], of_block),),
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params)
        | {"max_component_rows": int(params["max_component_rows"])},
        sources=source.made.workflows if source.made else (),
    )
    _refuse_many(row, parameters["block_shape"], cutout)
    if row["mesh_format"] == "legacy":
        _refuse_far(row, voxel_size(channel), cutout)
    else:
        _refuse_long(row, voxel_size(channel)[::-1])
    key = {"channel_id": identity, "cutout": cutout.name}
    asked_for = (MeshRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(request.given, blocks(request))
    return dataclasses.replace(request, rows=(*rows, asked_for))


def _refuse_levels(row: dict[str, Any]) -> None:
    if row["levels"] is not None:
        raise ValueError(
            f"levels {row['levels']} in {row['where']} are of mesh_format multires, and legacy "
            "has one: leave levels out, or choose multires"
        )


def _refuse_many(row: dict[str, Any], block_shape_zyx: list[int], cutout: Box) -> None:
    sides = zip(cutout.shape_zyx, block_shape_zyx, strict=True)
    if prod(-(-length // side) + 1 for length, side in sides) > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {block_shape_zyx} in {row['where']} cuts {cutout.name} into more than "
            f"{BLOCKS_MAX:,} blocks: give ranges, or a larger block_shape"
        )


def _refuse_far(row: dict[str, Any], size_nm_zyx: Sequence[float], cutout: Box) -> None:
    """Refuse positions, which are halves of voxels, that 32-bit floats would move."""
    halves = np.arange(128)
    moved = max(
        single.moved_nm(np.concatenate([2 * low + halves, 2 * end - halves]) * (size / 2))
        for low, end, size in zip(cutout.corner_zyx, cutout.end_zyx, size_nm_zyx, strict=True)
    )
    if moved > single.SHARE * min(size_nm_zyx):
        raise ValueError(
            f"mesh_format legacy in {row['where']} has positions as 32-bit floats, which would be "
            f"off by up to {moved:g} nm in {cutout.name}, so far from 0: choose multires, or a "
            "cutout that is nearer"
        )


def _refuse_long(row: dict[str, Any], size_nm_xyz: Sequence[float]) -> None:
    """Refuse voxels of which a single one is a mesh that is too long for its nodes."""
    try:
        nodes.check(size_nm_xyz, nodes.step_nm([nodes.side_nm(size_nm_xyz)] * 3))
    except ValueError as error:
        raise ValueError(
            f"mesh_format multires in {row['where']}, of {row['source']}: {error}; one voxel is "
            "longer: choose legacy"
        ) from None


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    how = request.paramset.parameters
    names = ["mesh_format", "keep", "distance_nm", "buckets", "block_shape"]
    if how["mesh_format"] != "legacy":
        names.append("levels")
    rows = rows_of([request]).get(request.request_id)
    return reading.asked_again(request.given, params) | {
        **{name: how[name] for name in names if how[name] is not None},
        "stage": how["staged"],
        "max_component_rows": rows[2] if rows else params["max_component_rows"],
    }


def _first(channel: dict[str, Any], cutout: Box, chunk_zyx: Sequence[int] | None) -> dict[str, Any]:
    """Return buckets and block shape of who gives none: those of the channel's first request.

    So its blocks serve again, on any machine, and of a made volume those of one that was smaller.
    For a new channel, by the voxels of the cutout, and chunks of the source that are doubled.
    """
    identity = channel["channel_id"]
    named = alike([identity])[identity] if is_made(channel["uri"]) else [identity]
    earlier = MeshRequest() * Request() * ParamSet
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
