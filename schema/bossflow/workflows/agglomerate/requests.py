"""What can be asked: cutouts of segmentations whose regions are to be merged by affinities."""

import dataclasses
from decimal import Decimal
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
from ...voxels.archives.affinities import BESIDE, MOST, of_regions
from ...voxels.archives.intensity import GIVEN
from ...voxels.archives.made import ARCHIVE
from ...voxels.boxes import Box, grid
from ...voxels.files import together
from ..label.cutting import block_shape, check_blocks, most_voxels
from .recorded import MERGED, n_pairs
from .tables import AgglomerateRequest
from .units import channels

NAME = "bossflow.workflows.agglomerate"  # is hashed into ids: constant
VERSION = "1.0"
"""Of REGION_BLOCK and MERGE_REGIONS: raised when they make something else of the same."""

BYTES_PER_VOXEL = 36  # memory of a task, at most, with ids of 64 bits and affinities of 16
EDGES_MAX = 2**62  # what affinities of all edges may add up to


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channels, or these are no segmentation and its affinities.
    """
    if not params.get("archive"):
        described = as_recorded(described, AgglomerateRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = []
    for row in described["rows"]:
        every = [sources[asked(one)] for one in of_regions(row)]
        request = with_image(_request(row, every, params), row, described)
        requests.append(with_citations(request, described))
    rows, numbers = rows_of(requests, MERGED), n_pairs(requests)
    return [
        dataclasses.replace(
            one, settings=one.settings | {"n_pairs": number, "rows": rows.get(one.request_id)}
        )
        for one, number in zip(requests, numbers, strict=True)
    ], [*notes]


def _request(row: dict[str, Any], every: list[Source], params: dict[str, Any]) -> work.Request:
    (channel, *edges) = (source.channel for source in every)
    cutout = cut(row, channel)
    _check_affinities(row, channel, edges, cutout)
    thresholds = _thresholds(row, edges[0]["dtype"])
    staged = any(reading.is_staged(source, params) for source in every)
    shape = row["block_shape"] or block_shape(
        AgglomerateRequest, every[0], most_voxels(staged, BYTES_PER_VOXEL)
    )
    given = reading.given_of(every[0], cutout)
    given["affinities"] = [reading.given_of(source, cutout) for source in every[1:]]
    origin = reading.origin_of(given)
    check_blocks(row | {"block_shape": shape}, cutout, origin)
    of_block: dict[str, Any] = {
        "affinities": [one["channel_id"] for one in edges],
        "staged": staged,
    }
    whole = of_block | {
        "thresholds": thresholds,
        "quantile": row["quantile"],
        "block_shape": list(shape),
    }
    settings = {
        "channels": [reading.SETTINGS | reading.settings_of(source, params) for source in every],
        "files": together([source.files for source in every if source.made is None]),
        "max_component_rows": int(params["max_component_rows"]),
    }
    made = [source.made.workflows for source in every if source.made]
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("agglomerate", VERSION, whole),
        subject=[channel["channel_id"], cutout.name],
        given=given,
        stage_paramsets=(work.ParamSet("region_block", VERSION.split(".")[0], of_block),),
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
        **{f"edges_{axis}": one["channel_id"] for axis, one in zip("zyx", edges, strict=True)},
    }
    return dataclasses.replace(request, rows=(*rows, (AgglomerateRequest, [asked_for])))


def _thresholds(row: dict[str, Any], dtype: str) -> list[str]:
    """Return the thresholds of a row as their decimal texts, in order."""
    texts, where = [str(one) for one in row["thresholds"]], row["where"]
    if len({*texts}) < len(texts):
        raise ValueError(f"thresholds in {where} name one twice: give each once")
    texts.sort(key=Decimal)
    if Decimal(texts[-1]) > MOST[dtype]:
        raise ValueError(
            f"thresholds in {where} have {texts[-1]}, which merges nothing, as affinities of "
            f"{dtype} are 0 to {MOST[dtype]}: give them in their unit"
        )
    return texts


def _check_affinities(
    row: dict[str, Any], channel: dict[str, Any], edges: list[dict[str, Any]], cutout: Box
) -> None:
    """Refuse affinities that are none, or have not the voxels of the segmentation."""
    where, names = row["where"], {one["channel_id"] for one in edges}
    if len(names) < len(edges) or channel["channel_id"] in names:
        raise ValueError(
            f"source, {', '.join(BESIDE)} in {where} name one volume twice: give the segmentation, "
            "and the affinities along z, y and x"
        )
    for one in edges:
        uri = f"affinities {one['uri']} in {where}"
        if one["dtype"] not in MOST:
            floats = ": write them anew as uint8 by workflow transfer, with value_range"
            raise ValueError(
                f"{uri} have dtype {one['dtype']}, and affinities are {' or '.join(MOST)}"
                + (floats if one["dtype"].startswith("float") else "")
            )
        if one["dtype"] != edges[0]["dtype"]:
            raise ValueError(
                f"{uri} have dtype {one['dtype']}, and {edges[0]['uri']} {edges[0]['dtype']}: "
                "affinities of a cutout are alike, so write one anew by workflow transfer"
            )
        sizes = [",".join(f"{side:.15g}" for side in voxel_size(of)[::-1]) for of in (one, channel)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"{uri} have voxels of {sizes[0]} nm (x,y,z), and {row['source']} of {sizes[1]}: "
                "give the affinities_resolution that has these"
            )
        if not extent(one).contains(cutout):
            raise ValueError(
                f"{uri} have voxels {extent(one).name}, and not all of the cutout {cutout.name}: "
                "give ranges that all have; where they state no place, offset says at which voxel "
                "of the segmentation they begin"
            )
    if 3 * cutout.voxel_count * MOST[edges[0]["dtype"]] > EDGES_MAX:
        raise ValueError(
            f"the affinities of cutout {cutout.name} in {where} may not add up in 64 bits: choose "
            "a smaller cutout"
        )


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked_for, rows = request.paramset.parameters, rows_of([request], MERGED)
    known = rows.get(request.request_id)
    given, edges = request.given, request.given["affinities"]
    told, of_edges = reading.asked_again(given, params), reading.asked_again(edges[0], params)
    told = {name: of_edges[name] for name in GIVEN if name in of_edges} | told
    uris = [one["channel"]["uri"] for one in edges]
    chosen = [one["chosen"].get("channel") for one in edges]
    archives = {one["channel"]["archive"] for one in channels(given)} - {ARCHIVE}
    return told | {
        # of several of them none was named with `archive`
        "archive": archives.pop() if len(archives) == 1 else None,
        **dict(zip(BESIDE, uris if len({*uris}) > 1 else uris[:1], strict=False)),
        "affinities_resolution": edges[0]["channel"]["resolution"],
        "affinity_channels": None if None in chosen else chosen,
        "thresholds": asked_for["thresholds"],
        "quantile": asked_for["quantile"],
        "block_shape": asked_for["block_shape"],
        "stage": asked_for["staged"],
        "max_component_rows": known[2] if known else params["max_component_rows"],
    }
