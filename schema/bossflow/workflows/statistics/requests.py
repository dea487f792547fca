"""What can be asked: segments of cutouts to be measured."""

import dataclasses
from math import prod
from typing import Any

from ...core import work
from ...core.ledger import among
from ...core.tables import Execution, Request, Run
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent, voxel_size
from ...volumes.citations import with_citations
from ...volumes.growth import with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.archives.intensity import CALLED, CHOSEN, GIVEN, of_intensity, of_source
from ...voxels.archives.made import ARCHIVE
from ...voxels.boxes import Box
from ...voxels.labelling import check_sums
from ...voxels.measuring import INTENSITIES, bits
from .tables import BlockStatistics, Statistics, StatisticsRequest
from .units import blocks

NAME = "bossflow.workflows.statistics"  # is hashed into ids: constant
VERSION = "1.0"
"""Of MEASURE_BLOCK and MERGE_SEGMENTS: raised when they make something else of the same."""

IDS = (
    *("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("bool", "float32", "float64"),
)
BINS = 256  # where nothing is said: as nextflow_schema.json has it
BLOCK_VOXELS = 2**25  # of a block whose shape is not given
BLOCK_VOXELS_MAX = 2**31 - 1
BLOCKS_MAX = 1_000_000


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or can't be measured, or its image is of other voxels.
    """
    if not params.get("archive"):
        described = as_recorded(described, StatisticsRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = []
    for row in described["rows"]:
        image = next((sources[asked(one)] for one in of_intensity(row)), None)
        request = _request(row, sources[asked(of_source(row))], image, params)
        request = with_citations(with_image(request, row, described), described)
        if image:  # cited as well
            of_image = dataclasses.replace(request, given=request.given["intensity"])
            rows_cited = with_citations(of_image, described).rows
            request = dataclasses.replace(request, rows=rows_cited)
        requests.append(request)
    requests, rows = with_earlier(BlockStatistics, requests, _own), rows_of(requests)
    return [
        dataclasses.replace(one, settings=one.settings | {"rows": rows.get(one.request_id)})
        for one in requests
    ], [*notes]


def _own(request: work.Request) -> dict[str, Any]:
    (stage,) = request.stage_paramsets
    return {"measure_paramset_id": stage.paramset_id}


def _request(
    row: dict[str, Any], source: Source, image: Source | None, params: dict[str, Any]
) -> work.Request:
    channel = source.channel
    cutout = cut(row, channel)
    _check(row, channel, cutout)
    staged = reading.is_staged(source, params)
    block_shape = row["block_shape"] or _block_shape(extent(channel).shape_zyx)
    given = reading.given_of(source, cutout)
    _check_blocks(row, cutout, given, block_shape)
    settings = reading.settings_of(source, params)
    settings["max_component_rows"] = int(params["max_component_rows"])
    of_block: dict[str, Any] = {"staged": staged}
    made = [one.made.workflows for one in (source, image) if one and one.made]
    if image:
        _check_image(row, channel, image.channel, cutout)
        given["intensity"] = reading.given_of(image, cutout)
        settings["intensity"] = reading.settings_of(image, params)
        identity = image.channel["channel_id"]
        of_block |= {"intensity": identity, "histogram_bins": row["histogram_bins"]}
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("statistics", VERSION, of_block | {"block_shape": block_shape}),
        subject=[channel["channel_id"], cutout.name],
        given=given,
        stage_paramsets=(work.ParamSet("measure_block", VERSION.split(".")[0], of_block),),
        name=row.get("name"),
        where=row["where"],
        settings=settings,
        sources=tuple(dict.fromkeys(name for names in made for name in names)),
    )
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    asked_for = {"request_id": request.request_id, **key, "intensity_channel_id": None}
    boxes = blocks(request)
    rows = reading.rows(given, boxes)
    if image:
        asked_for["intensity_channel_id"] = image.channel["channel_id"]
        rows += reading.rows(given["intensity"], boxes)
    return dataclasses.replace(request, rows=(*rows, (StatisticsRequest, [asked_for])))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked_for, image = request.paramset.parameters, request.given.get("intensity")
    rows = rows_of([request]).get(request.request_id)
    told = reading.asked_again(request.given, params) | {
        "block_shape": asked_for["block_shape"],
        "stage": asked_for["staged"],
        "max_component_rows": rows[1] if rows else params["max_component_rows"],
    }
    if image:
        of_image = reading.asked_again(image, params)
        told = {name: of_image[name] for name in GIVEN if name in of_image} | told
        archives = {one["archive"] for one in (request.given["channel"], image["channel"])}
        archives -= {ARCHIVE}
        told |= {
            # of two of them none was named with `archive`
            "archive": archives.pop() if len(archives) == 1 else None,
            **{own: of_image[name] for name, own in CALLED.items() if name in of_image},
            "histogram_bins": asked_for["histogram_bins"],
        }
    return told


def rows_of(requests: list[work.Request]) -> dict[str, tuple[dict[str, tuple[int, int]], int]]:
    """Return of recorded ones, by part, how many there are, and rows; and its bundle's limit."""
    made = Statistics * Execution.proj("run_id", merged_by="execution_id")
    made_by = made * Run.proj("run_parameters")
    told = {}
    for row in among(made_by, "request_id", (request.request_id for request in requests)):
        segments = row["n_segments"], row["n_segment_rows"]
        contacts = row["n_contacts"], row["n_contact_rows"]
        most = max(segments[1], contacts[1])
        # what was added since is in no bundle: the run that made it knows its own limit
        limit = int(row["run_parameters"].get("max_component_rows", most))
        told[row["request_id"]] = {"Segment": segments, "Contact": contacts}, min(limit, most)
    return told


def _check(row: dict[str, Any], channel: dict[str, Any], cutout: Box) -> None:
    if channel["dtype"] not in IDS:
        raise ValueError(
            f"{row['source']} has dtype {channel['dtype']}: segment ids are {', '.join(IDS)}"
        )
    check_sums(cutout.voxel_count, cutout)
    bins = row["histogram_bins"]
    chosen = any(row[CALLED[name]] is not None for name in CHOSEN)
    if row["intensity_source"] is None and (bins != BINS or row["intensity_resolution"] or chosen):
        names = ", ".join(own for own in CALLED.values() if own != "intensity_source")
        raise ValueError(
            f"histogram_bins, {names} in {row['where']} are of an image, and none is given: give "
            "intensity_source, or leave them out"
        )
    if bins & (bins - 1):
        raise ValueError(
            f"histogram_bins {bins} in {row['where']} does not cut an image's range into equal "
            "parts: give a power of 2, such as 256"
        )


def _check_image(
    row: dict[str, Any], channel: dict[str, Any], image: dict[str, Any], cutout: Box
) -> None:
    """Refuse an image that has not the voxels of the segmentation, or others than whole numbers."""
    uri, where = row["intensity_source"], row["where"]
    if image["channel_id"] == channel["channel_id"]:
        raise ValueError(f"intensity_source {uri} in {where} is the segmentation: give an image")
    if image["dtype"] not in INTENSITIES:
        raise ValueError(
            f"intensity_source {uri} in {where} has dtype {image['dtype']}, and only "
            f"{', '.join(INTENSITIES)} are measured, which add up exactly: write it anew as one of "
            "these by workflow transfer"
        )
    if row["histogram_bins"] > 2 ** bits(image["dtype"]):
        raise ValueError(
            f"histogram_bins {row['histogram_bins']} in {where} are more than {image['dtype']}, of "
            f"intensity_source {uri}, has values"
        )
    sizes = [voxel_size(one)[::-1] for one in (image, channel)]
    if sizes[0] != sizes[1]:
        own, other = (",".join(f"{side:.15g}" for side in size) for size in sizes)
        raise ValueError(
            f"intensity_source {uri} in {where} has voxels of {own} nm (x,y,z), and "
            f"{row['source']} of {other}: give the intensity_resolution that has these"
        )
    if not extent(image).contains(cutout):
        raise ValueError(
            f"intensity_source {uri} in {where} has voxels {extent(image).name}, and not all of "
            f"the cutout {cutout.name}: give ranges that both have; where it states no place, "
            "offset says at which voxel of the segmentation it begins"
        )
    if cutout.voxel_count * 2 ** bits(image["dtype"]) >= 2**63:
        raise ValueError(
            f"the intensities of cutout {cutout.name} in {where} may not add up in 64 bits: choose "
            "a smaller cutout"
        )


def _check_blocks(row: dict[str, Any], cutout: Box, given: dict[str, Any], shape: Any) -> None:
    axes = zip(reading.origin_of(given), cutout.corner_zyx, cutout.end_zyx, shape, strict=True)
    number = prod(
        -(-(end - low + (low - origin) % side) // side) for origin, low, end, side in axes
    )
    if prod(min(pair) for pair in zip(shape, cutout.shape_zyx, strict=True)) > BLOCK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {row['block_shape']} in {row['where']} makes blocks of 2^31 voxels or "
            "more: choose a smaller one"
        )
    if number > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {shape} in {row['where']} cuts {cutout.name} into {number:,} blocks, "
            f"more than {BLOCKS_MAX:,}: give ranges, or a larger block_shape"
        )


def _block_shape(sides_zyx: tuple[int, int, int]) -> list[int]:
    """Return the block shape of a user who gave none: the same for a channel wherever it is."""
    block = [64, 64, 64]
    while 2 * prod(block) <= BLOCK_VOXELS:
        growing = [axis for axis in range(3) if block[axis] < sides_zyx[axis]]
        if not growing:
            break
        block[min(growing, key=lambda axis: block[axis])] *= 2
    return block
