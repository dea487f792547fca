"""What can be asked: cutouts whose segments are to be meshed."""

import dataclasses
from collections.abc import Sequence
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
from ...voxels.meshes import nodes, single
from .tables import BlockSurface, MeshRequest, MeshSet

NAME = "bossflow.workflows.mesh"  # is hashed into ids: constant
VERSION = "2.2"
"""Of SURFACE_BLOCK with INDEX_SURFACES, and of MESH_BUCKET with COLLECT_MESHES: one is raised when
its program makes something else of the same."""

LEVELS = 4  # at most, where none are given

MESHED = Collected(MeshRequest, MeshSet, "n_meshes", "n_mesh_rows")


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
    requests = with_earlier(BlockSurface, requests, _own)
    return bucketed.with_recorded(requests, MESHED), [*notes]


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
    if channel["dtype"] not in bucketed.DTYPES:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}, and meshes are of segment ids, which "
            f"are whole numbers: only {', '.join(bucketed.DTYPES)} are meshed"
        )
    cutout, identity = cut(row, channel), channel["channel_id"]
    if identity not in first:
        first[identity] = bucketed.first(MESHED, channel, cutout, source.chunk_zyx)
    before = first[identity]
    number = row["buckets"] or before["buckets"]
    block_shape = row["block_shape"] or before["block_shape"]
    bucketed.check(row, number, block_shape, cutout)
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
        "block_shape": block_shape,
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
    if row["mesh_format"] == "legacy":
        _refuse_far(row, voxel_size(channel), cutout)
    else:
        _refuse_long(row, voxel_size(channel)[::-1])
    key = {"channel_id": identity, "cutout": cutout.name}
    asked_for = (MeshRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(request.given, bucket_units.blocks(request))
    return dataclasses.replace(request, rows=(*rows, asked_for))


def _refuse_levels(row: dict[str, Any]) -> None:
    if row["levels"] is not None:
        raise ValueError(
            f"levels {row['levels']} in {row['where']} are of mesh_format multires, and legacy "
            "has one: leave levels out, or choose multires"
        )


def _refuse_far(row: dict[str, Any], size_nm_zyx: Sequence[float], cutout: Box) -> None:
    """Refuse positions, which are halves of voxels, that 32-bit floats would move."""
    moved = bucketed.moved_nm(size_nm_zyx, cutout)
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
    rows = rows_of([request], MESHED).get(request.request_id)
    return reading.asked_again(request.given, params) | {
        **{name: how[name] for name in names if how[name] is not None},
        "stage": how["staged"],
        "max_component_rows": rows[2] if rows else params["max_component_rows"],
    }
