"""What can be asked: coarser levels of cutouts."""

import dataclasses
from math import lcm, prod
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import reading, writing
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent
from ...volumes.citations import with_citations
from ...volumes.growth import with_earlier
from ...volumes.images import with_image
from ...volumes.sources import Source, resolve
from ...voxels.boxes import Box
from ...voxels.downsampling import coarser
from ...voxels.made_volumes import in_shards
from .tables import DownsampleRequest, PyramidBlock
from .units import blocks, factors, volume

NAME = "bossflow.workflows.downsample"  # is hashed into ids: constant
VERSION = "1"  # raised when the programs make something else of the same

BLOCK_VOXELS = 512**3  # of a block whose shape is not given
WHOLE_VOXELS = 2**21
"""A level that is no larger is what a viewer opens at once: no coarser one is needed."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return one request for each asked-for cutout, and notes on archives not reached.

    Raises
    ------
    ValueError
        If a cutout leaves its channel, or its levels can't be made as they are asked for.
    """
    if not params.get("archive"):
        described = as_recorded(described, DownsampleRequest() * Request())
    sources = resolve(described)
    notes = dict.fromkeys(source.unreached for source in sources.values() if source.unreached)
    requests = [
        with_citations(
            with_image(_request(row, sources[asked(row)], params), row, described), described
        )
        for row in described["rows"]
    ]
    return with_earlier(PyramidBlock, requests), [*notes]


def _request(row: dict[str, Any], source: Source, params: dict[str, Any]) -> work.Request:
    channel = source.channel
    cutout = cut(row, channel)
    annotation = channel["kind"] == "annotation"
    method = row["method"] or ("mode" if annotation else "mean")
    staged = reading.is_staged(source, params)
    steps, block_shape = _steps(row, channel, cutout)
    every = factors(steps)
    total = every[-1]
    origin = [low - low % side for low, side in zip(cutout.corner_zyx, total, strict=True)]
    ids, whole = annotation and method == "mode", in_shards(block_shape, every)
    how = writing.written(row, channel["dtype"], ids, whole)
    if how["encoding"] == "jpeg":
        raise ValueError(
            f"encoding jpeg in {row['where']} changes voxels, so that no level would be made of "
            "the one before as it is stored: give raw or png"
        )
    parameters = {
        "method": method,
        "steps": steps,
        **how,
        "block_shape": block_shape,
        "staged": staged,
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("downsample", VERSION, parameters),
        subject=[channel["channel_id"], cutout.name],
        given=reading.given_of(source, cutout) | {"origin_zyx": origin},
        name=row.get("name"),
        where=row["where"],
        settings=reading.settings_of(source, params),
        sources=source.made.workflows if source.made else (),
    )
    writing.refuse_impossible(row, volume(request))
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    boxes = blocks(cutout.name, block_shape, origin)
    asked_for = (DownsampleRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(request.given, boxes)
    return dataclasses.replace(request, rows=(*rows, asked_for))


def again(request: work.Request, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that ask for a recorded request."""
    asked = request.paramset.parameters
    steps = asked["steps"]
    alike = all(step == steps[0] for step in steps)  # else they follow from the voxels' size
    how = {"method": asked["method"], "levels": len(steps)} | (
        {"factor": steps[0]} if alike else {}
    )
    return reading.asked_again(request.given, params) | writing.asked_again(asked) | how


def _steps(
    row: dict[str, Any], channel: dict[str, Any], cutout: Box
) -> tuple[list[list[int]], list[int]]:
    """Return the windows of each level in voxels of the one before, and the shape of blocks.

    Where no factor is given, the axes along which voxels are smallest are halved, or nearly so,
    until they are alike; where no number of levels is, until the whole is seen at once, or a block
    makes no more.

    Raises
    ------
    ValueError
        If no block makes so many levels, or the given one makes none.
    """
    given, wanted = row["block_shape"], row["levels"]
    size = [channel[f"voxel_size_{axis}"] for axis in "zyx"]
    steps: list[list[int]] = []
    total, level = [1, 1, 1], cutout
    while wanted is None or len(steps) < wanted:
        if wanted is None and steps and level.voxel_count <= WHOLE_VOXELS:
            break
        step = row["factor"] or [2 if side < 1.5 * min(size) else 1 for side in size]
        if prod(step) == 1:
            raise ValueError(f"factor 1,1,1 in {row['where']} makes no coarser level")
        wider = [a * b for a, b in zip(total, step, strict=True)]
        beyond = prod(wider) > BLOCK_VOXELS
        if given:
            beyond = any(side % needed for side, needed in zip(given, wider, strict=True))
        if beyond and wanted is None and steps:
            break
        if beyond:
            made_of = ",".join(map(str, wider))
            raise ValueError(
                f"a voxel of level {len(steps) + 1} in {row['where']} is made of {made_of} (z,y,x) "
                f"voxels, {'of which block_shape is no multiple' if given else 'more than a block'}"
                ": ask for fewer levels, and then for levels of the last one"
            )
        steps.append(step)
        total, level = wider, coarser(level, step)
        size = [a * b for a, b in zip(size, step, strict=True)]
    return steps, given or _block_shape(total, extent(channel).shape_zyx)


def _block_shape(total_zyx: list[int], sides_zyx: tuple[int, int, int]) -> list[int]:
    """Return the block shape of a user who gave none: whole windows, and usual chunks."""
    block = [lcm(side, 64) for side in total_zyx]
    if prod(block) > BLOCK_VOXELS:
        block = list(total_zyx)
    while 2 * prod(block) <= BLOCK_VOXELS:
        growing = [axis for axis in range(3) if block[axis] < sides_zyx[axis]]
        if not growing:
            break
        block[min(growing, key=lambda axis: block[axis])] *= 2
    return block
