"""What can be asked: cutouts of affinities whose supervoxels are to be found."""

import dataclasses
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent, voxel_size
from ...volumes.citations import with_citations
from ...volumes.collected import rows_of
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.archives.affinities import MOST, SOURCES, of_affinities
from ...voxels.archives.made import ARCHIVE
from ...voxels.boxes import Box, chunk_shape, grid
from ...voxels.files import together
from ..label.cutting import block_shape, check_blocks, most_voxels
from ..label.recorded import with_recorded
from .recorded import FLOODED, n_labels
from .tables import WatershedRequest
from .units import channels

NAME = "bossflow.workflows.watershed"  # is hashed into ids: constant
VERSION = "1.0"
"""Of BASIN_BLOCK with JOIN_BLOCK, and of MERGE_BASINS with NUMBER_BASINS: raised when they make
something else of the same."""

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
    for other in others:
        _check_other(row, channel, other, cutout)
    if len({source.channel["channel_id"] for source in edges}) < len(edges):
        raise ValueError(
            f"source, source_y and source_x in {row['where']} name one volume twice: give those of "
            "z, y and x"
        )
    staged = any(reading.is_staged(source, params) for source in edges)
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
        "edges": [reading.SETTINGS | reading.settings_of(source, params) for source in edges],
        "files": together([source.files for source in edges if source.made is None]),
        "max_component_rows": int(params["max_component_rows"]),
    }
    made = [source.made.workflows for source in edges if source.made]
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("watershed", VERSION, whole),
        subject=[channel["channel_id"], cutout.name],
        given=given,
        stage_paramsets=(work.ParamSet("basin_block", VERSION.split(".")[0], of_block),),
        name=row.get("name"),
        where=row["where"],
        settings=settings,
        sources=tuple(dict.fromkeys(name for names in made for name in names)),
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


def _check_other(
    row: dict[str, Any], channel: dict[str, Any], other: dict[str, Any], cutout: Box
) -> None:
    """Refuse affinities along y or x that have not the voxels of those along z."""
    uri, where = other["uri"], row["where"]
    for what, own, its in (
        ("dtype", channel["dtype"], other["dtype"]),
        ("voxels (z,y,x nm) of", voxel_size(channel), voxel_size(other)),
    ):
        if own != its:
            raise ValueError(
                f"{uri} in {where} has {what} {its}, and {row['source']} {own}: affinities of a "
                "cutout are alike, so write one anew by workflow transfer"
            )
    if not extent(other).contains(cutout):
        raise ValueError(
            f"{uri} in {where} has voxels {extent(other).name}, and not all of the cutout "
            f"{cutout.name}: give ranges that all three have"
        )


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked_for, rows = request.paramset.parameters, rows_of([request], FLOODED)
    known = rows.get(request.request_id)
    told = reading.asked_again(request.given, params)
    names = ("low_threshold", "high_threshold", "min_voxels", "block_shape")
    every = channels(request.given)
    told["source"], *others = (one["channel"]["uri"] for one in every)
    chosen = [one["chosen"].get("channel") for one in every]
    archives = {one["channel"]["archive"] for one in every} - {ARCHIVE}
    if "archive" in told and len(archives) > 1:  # none was named with `archive`
        del told["archive"]
    return {name: told[name] for name in told if name != "channel"} | {
        **{name: asked_for[name] for name in names},
        **({} if {*others} == {told["source"]} else dict(zip(SOURCES[1:], others, strict=True))),
        "affinity_channels": None if None in chosen else chosen,
        "stage": asked_for["staged"],
        "max_component_rows": known[2] if known else params["max_component_rows"],
    }
