"""What can be asked: cutouts to be labelled."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from ...core import work
from ...core.tables import ParamSet, Request
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, choices, cut, extent
from ...volumes.citations import with_citations
from ...volumes.collected import rows_of
from ...volumes.growth import with_earlier
from ...volumes.images import with_image
from ...volumes.sources import resolve
from ...volumes.tables import Channel
from ...voxels.boxes import Box, chunk_shape, grid
from .cutting import block_shape, check_blocks, most_voxels
from .outputs import origin_of
from .recorded import LABELLED, as_before, n_labels, with_recorded
from .tables import BlockLabels, LabelRequest

# Versions of LABEL_BLOCK with LINK_BLOCK and of STITCH with RELABEL_BLOCK. One is raised when its
# program's output changes; the golden-digest test says when.
VERSION = "2.0"
DTYPES = (
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("bool", "float16", "float32", "float64"),
)
BYTES_PER_VOXEL = 12  # memory of a task, at most
NAME = "bossflow.workflows.label"  # is hashed into ids, wherever this module is


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or the channel can't be labelled.
    """
    if not params.get("archive"):
        described = as_recorded(described, LabelRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    shapes: dict[tuple[str, bool], list[int]] = {}
    requests: list[work.Request] = []
    for row in described["rows"]:
        source = sources[asked(row)]
        cutout = cut(row, source.channel)
        staged = reading.is_staged(source, params)
        if row["block_shape"] is None:
            name = source.channel["channel_id"], staged
            if name not in shapes:
                shapes[name] = block_shape(
                    LabelRequest, source, most_voxels(staged, BYTES_PER_VOXEL)
                )
            row = row | {"block_shape": shapes[name]}
        given = reading.given_of(source, cutout)
        origin = source.made.output.origin_zyx if source.made else extent(source.channel).corner_zyx
        _check(row, source.channel, cutout, origin)
        request = _request(
            given,
            tuple(row["block_shape"]),
            row["connectivity"],
            row["component_of"],
            row["foreground_above"],
            row["min_voxels"],
            staged=staged,
            settings={
                "verify": bool(params.get("verify_pull")),
                "host": params["bossdb_host"],
                "max_component_rows": int(params["max_component_rows"]),
                "files": source.files,
                "made": source.made,
            },
        )
        if source.made:
            request = dataclasses.replace(request, sources=source.made.workflows)
        requests.append(dataclasses.replace(request, name=row.get("name"), where=row["where"]))
    requests = with_earlier(BlockLabels, requests, _own)
    requests = as_before(requests)
    told = with_recorded(requests, LABELLED, n_labels(requests))
    known = zip(told, described["rows"], strict=True)
    return [
        with_citations(with_image(request, row, described), described) for request, row in known
    ], [*notes]


def _own(request: work.Request) -> dict[str, Any]:
    (stage,) = request.stage_paramsets
    return {"label_paramset_id": stage.paramset_id}


def _check(
    row: dict[str, Any], channel: dict[str, Any], cutout: Box, origin_zyx: Sequence[int]
) -> None:
    if channel["dtype"] not in DTYPES:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}: only {', '.join(DTYPES)} are labelled"
        )
    if row["component_of"] == "segment" and row["foreground_above"]:
        raise ValueError(
            f"foreground_above {row['foreground_above']} in {row['where']} has no effect on "
            "component_of segment: set component_of to foreground, or leave it out"
        )
    check_blocks(row, cutout, origin_zyx)


def _request(
    given: dict[str, Any],
    block_shape_zyx: tuple[int, int, int],
    connectivity: int,
    component_of: str,
    foreground_above: int | str,
    min_voxels: int,
    version: str = VERSION,
    staged: bool = True,
    settings: dict[str, Any] | None = None,
) -> work.Request:
    label: dict[str, Any] = {"connectivity": connectivity, "component_of": component_of}
    if component_of == "foreground":
        label["foreground_above"] = foreground_above
    # the chunks are part of what a block leaves: blocks of another grid may be the same box
    of_block = label | {"chunk_shape": list(chunk_shape(block_shape_zyx))}
    channel, cutout = given["channel"], Box.parse(given["cutout"])
    if staged and not channel["uri"].startswith("bossdb://"):
        # a set of its own: a run that reads the volume in place makes other bundles of each block
        of_block["staged"] = True
    stage = work.ParamSet("label_block", version.split(".")[0], of_block)
    whole = work.ParamSet(
        "label",
        version,
        label | {"min_voxels": min_voxels, "block_shape": list(block_shape_zyx), "staged": staged},
    )
    cutout_key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    request = work.Request(
        workflow=NAME,
        paramset=whole,
        subject=[channel["channel_id"], cutout.name],
        given=given,
        stage_paramsets=(stage,),
        settings=settings or {},
    )
    boxes = grid(cutout, block_shape_zyx, origin_of(request))
    asked_for = (LabelRequest, [{"request_id": request.request_id} | cutout_key])
    return dataclasses.replace(request, rows=(*reading.rows(given, boxes), asked_for))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked = request.paramset.parameters
    names = ("connectivity", "min_voxels", "component_of", "block_shape")
    rows = rows_of([request], LABELLED).get(request.request_id)
    most = rows[2] if rows else params["max_component_rows"]
    return reading.asked_again(request.given, params) | {
        **{name: asked[name] for name in names},
        "foreground_above": asked.get("foreground_above", 0),
        "stage": asked["staged"],
        "max_component_rows": most,
    }


def recall(request_ids: list[str]) -> dict[str, work.Request]:
    """Return recorded requests by id."""
    keys = [{"request_id": name} for name in request_ids]
    rows = (LabelRequest() * Request() * ParamSet & keys).to_dicts()
    named = [{"channel_id": name} for name in {row["channel_id"] for row in rows}]
    channels = {row["channel_id"]: row for row in (Channel() & named).to_dicts()}
    chosen = choices(Channel.Choice() & named)
    requests = [
        _request(
            {
                "channel": channels[row["channel_id"]],
                "chosen": chosen.get(row["channel_id"], {}),
                "cutout": row["cutout"],
            },
            tuple(row["parameters"]["block_shape"]),
            row["parameters"]["connectivity"],
            row["parameters"]["component_of"],
            row["parameters"].get("foreground_above", 0),
            row["parameters"]["min_voxels"],
            version=row["method_version"],
            staged=row["parameters"]["staged"],
        )
        for row in rows
    ]
    names = (row["request_id"] for row in rows)
    return dict(zip(names, as_before(requests), strict=True))
