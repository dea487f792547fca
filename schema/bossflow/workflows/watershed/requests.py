"""What can be asked: cutouts of affinities whose supervoxels are to be found."""

import dataclasses
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut
from ...volumes.citations import with_citations
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.archives.affinities import of_affinities
from ...voxels.boxes import chunk_shape, grid
from ...voxels.files import together
from ..label.cutting import block_shape, check_blocks, most_voxels
from ..label.recorded import rows_of, with_recorded
from .recorded import FLOODED, n_labels
from .tables import WatershedRequest
from .units import channels

NAME = "bossflow.workflows.watershed"  # is hashed into ids: constant
VERSION = "1.0"
"""Of BASIN_BLOCK with JOIN_BLOCK, and of MERGE_BASINS with NUMBER_BASINS: raised when they make
something else of the same."""

MOST = {"uint8": 255, "uint16": 65535}
"""The largest affinity, by type."""

MIN_VOXELS = 2  # where nothing is said: what nothing joins is no supervoxel
BYTES_PER_VOXEL = 24  # memory of a task, at most, with affinities of 16 bits


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channels, or these are no affinities.
    """
    if not params.get("archive"):
        described = as_recorded(described, WatershedRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = []
    for row in described["rows"]:
        edges = [sources[asked(one)] for one in of_affinities(row)]
        request = with_image(_request(row, edges, params), row, described)
        requests.append(with_citations(request, described))
    return with_recorded(requests, FLOODED, n_labels(requests)), [*notes]


def _request(row: dict[str, Any], edges: list[Source], params: dict[str, Any]) -> work.Request:
    channel, *others = [source.channel for source in edges]
    cutout = cut(row, channel)
    _check(row, channel)
    staged = reading.is_staged(edges[0], params)
    shape = row["block_shape"] or block_shape(
        WatershedRequest, edges[0], most_voxels(staged, BYTES_PER_VOXEL)
    )
    given = reading.given_of(edges[0], cutout)
    given["affinities"] = [reading.given_of(source, cutout) for source in edges[1:]]
    origin = reading.origin_of(given)
    check_blocks(row | {"block_shape": shape}, cutout, origin)
    how: dict[str, Any] = {
        "affinities": [other["channel_id"] for other in others],
        **{name: row[name] for name in ("low_threshold", "high_threshold")},
        "staged": staged,
    }
    # the chunks are part of what a block leaves: blocks of another grid may be the same box
    of_block = how | {"chunk_shape": list(chunk_shape(shape))}
    least = row["min_voxels"] or MIN_VOXELS
    whole = how | {"min_voxels": least, "block_shape": list(shape)}
    settings = {
        "edges": [reading.settings_of(source, params) for source in edges],
        "files": together([source.files for source in edges]),
        "max_component_rows": int(params["max_component_rows"]),
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("watershed", VERSION, whole),
        subject=[channel["channel_id"], cutout.name],
        given=given,
        stage_paramsets=(work.ParamSet("basin_block", VERSION.split(".")[0], of_block),),
        name=row.get("name"),
        where=row["where"],
        settings=settings,
    )
    boxes = grid(cutout, shape, origin)
    rows = [one for given in channels(given) for one in reading.rows(given, boxes)]
    asked_for = {
        "request_id": request.request_id,
        "channel_id": channel["channel_id"],
        "cutout": cutout.name,
        **dict(zip(("affinities_y", "affinities_x"), how["affinities"], strict=True)),
    }
    return dataclasses.replace(request, rows=(*rows, (WatershedRequest, [asked_for])))


def _check(row: dict[str, Any], channel: dict[str, Any]) -> None:
    source, where, dtype = row["source"], row["where"], channel["dtype"]
    if dtype not in MOST:
        floats = ": write them anew as uint8 by workflow transfer, with value_range"
        raise ValueError(
            f"{source} in {where} has dtype {dtype}, and affinities are {' or '.join(MOST)}"
            + (floats if dtype.startswith("float") else "")
        )
    low, high = row["low_threshold"], row["high_threshold"]
    if low > high:
        raise ValueError(
            f"low_threshold {low} in {where} is above high_threshold {high}, from which on every "
            "edge joins: give one that is no larger"
        )
    if low > MOST[dtype]:
        raise ValueError(
            f"low_threshold {low} in {where} would join nothing, as affinities of {dtype} are 0 to "
            f"{MOST[dtype]}: give one in their unit"
        )


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked_for, rows = request.paramset.parameters, rows_of([request], FLOODED)
    known = rows.get(request.request_id)
    told = reading.asked_again(request.given, params)
    names = ("low_threshold", "high_threshold", "min_voxels", "block_shape")
    return {name: told[name] for name in told if name != "channel"} | {
        **{name: asked_for[name] for name in names},
        "affinity_channels": [one["chosen"]["channel"] for one in channels(request.given)],
        "stage": asked_for["staged"],
        "max_component_rows": known[2] if known else params["max_component_rows"],
    }
