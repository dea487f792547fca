"""What can be asked: cutouts whose segments are to be skeletonized."""

import dataclasses
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import bucket_units, bucketed, reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, voxel_size
from ...volumes.citations import with_citations
from ...volumes.collected import Collected, rows_of
from ...volumes.growth import with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.boxes import Box
from ...voxels.meshes import single
from .tables import BlockRuns, SkeletonRequest, SkeletonSet
from .units import HOW

NAME = "bossflow.workflows.skeleton"  # is hashed into ids: constant
VERSION = "1.0"
"""Of RUNS_BLOCK with INDEX_RUNS, and of SKELETON_BUCKET with COLLECT_SKELETONS: one is raised when
its program makes something else of the same."""

MIN_VOXELS = 1000  # where nothing is said

SKELETONIZED = Collected(SkeletonRequest, SkeletonSet, "n_skeletons", "n_skeleton_rows")


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
        described = as_recorded(described, SkeletonRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    first: dict[str, dict[str, Any]] = {}
    requests = [_request(row, sources[asked(row)], params, first) for row in described["rows"]]
    requests = [
        with_citations(with_image(request, row, described), described)
        for request, row in zip(requests, described["rows"], strict=True)
    ]
    requests = with_earlier(BlockRuns, requests, _own)
    return bucketed.with_recorded(requests, SKELETONIZED), [*notes]


def _own(request: work.Request) -> dict[str, Any]:
    (stage,) = request.stage_paramsets
    return {"runs_paramset_id": stage.paramset_id}


def _request(
    row: dict[str, Any],
    source: Source,
    params: dict[str, Any],
    first: dict[str, dict[str, Any]],
) -> work.Request:
    """Return a row's request; `first` has, by channel, what the first request for it says."""
    channel = source.channel
    if channel["dtype"] not in bucketed.DTYPES:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}, and skeletons are of segment ids, "
            f"which are whole numbers: only {', '.join(bucketed.DTYPES)} are skeletonized"
        )
    cutout, identity = cut(row, channel), channel["channel_id"]
    if identity not in first:
        first[identity] = bucketed.first(SKELETONIZED, channel, cutout, source.chunk_zyx)
    before = first[identity]
    number = row["buckets"] or before["buckets"]
    block_shape = row["block_shape"] or before["block_shape"]
    bucketed.check(row, number, block_shape, cutout)
    _refuse_far(row, channel, cutout)
    staged = reading.is_staged(source, params)
    of_block: dict[str, Any] = {"buckets": number}
    if staged and not channel["uri"].startswith("bossdb://"):
        # a set of its own: a run that reads the volume in place makes other bundles of each block
        of_block["staged"] = True
    parameters = {
        **{name: row[name] for name in ("skeleton_format", *HOW)},
        "min_voxels": MIN_VOXELS if row["min_voxels"] is None else row["min_voxels"],
        "buckets": number,
        "block_shape": block_shape,
        "staged": staged,
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("skeleton", VERSION, parameters),
        subject=[identity, cutout.name],
        given=reading.given_of(source, cutout),
        stage_paramsets=(work.ParamSet("runs_block", VERSION.split(".")[0], of_block),),
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params)
        | {"max_component_rows": int(params["max_component_rows"])},
        sources=source.made.workflows if source.made else (),
    )
    key = {"channel_id": identity, "cutout": cutout.name}
    asked_for = (SkeletonRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(request.given, bucket_units.blocks(request))
    return dataclasses.replace(request, rows=(*rows, asked_for))


def _refuse_far(row: dict[str, Any], channel: dict[str, Any], cutout: Box) -> None:
    """Refuse positions, which are middles of voxels, that 32-bit floats would move."""
    size_nm_zyx = voxel_size(channel)
    moved = bucketed.moved_nm(size_nm_zyx, cutout)
    if moved > single.SHARE * min(size_nm_zyx):
        raise ValueError(
            f"skeletons have positions as 32-bit floats, which would be off by up to {moved:g} nm "
            f"in {cutout.name} of {row['where']}, so far from 0: choose a coarser resolution, or a "
            "cutout that is nearer"
        )


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    how = request.paramset.parameters
    rows = rows_of([request], SKELETONIZED).get(request.request_id)
    return reading.asked_again(request.given, params) | {
        **{name: how[name] for name in ("skeleton_format", *HOW, "buckets", "block_shape")},
        "stage": how["staged"],
        "max_component_rows": rows[2] if rows else params["max_component_rows"],
    }
