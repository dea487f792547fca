"""What can be asked: coarser levels of cutouts."""

import dataclasses
from math import lcm, prod
from typing import Any

from ...core import work
from ...core.tables import Request
from ...volumes import reading
from ...volumes.archive_names import as_recorded
from ...volumes.channels import asked, cut, extent
from ...volumes.sources import Source, resolve
from ...voxels.boxes import Box
from ...voxels.downsampling import coarser
from ...voxels.made_volumes import Volume
from .tables import DownsampleRequest
from .units import blocks, factors, volume

NAME = "bossflow.workflows.downsample"  # is hashed into ids: constant
VERSION = "1"  # raised when the programs make something else of the same

BLOCK_VOXELS = 512**3  # of a block whose shape is not given
BLOCK_VOXELS_MAX = 2**31 - 1
BLOCKS_MAX = 1_000_000
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
    requests = [_request(row, sources[asked(row)], params) for row in described["rows"]]
    return requests, [*notes]


def _request(row: dict[str, Any], source: Source, params: dict[str, Any]) -> work.Request:
    channel = source.channel
    cutout = cut(row, channel)
    annotation = channel["kind"] == "annotation"
    method = row["method"] or ("mode" if annotation else "mean")
    staged = reading.is_staged(row["source"], params)
    steps, block_shape = _steps(row, channel, cutout, source.chunk_zyx)
    total = factors(steps)[-1]
    origin = [low - low % side for low, side in zip(cutout.corner_zyx, total, strict=True)]
    segmentation = row["volume_format"] == "precomputed" and method == "mode"
    packed = segmentation and channel["dtype"] in ("uint32", "uint64")
    encoding = row["encoding"] or ("compressed_segmentation" if packed else "raw")
    usual = "zstd" if row["volume_format"] == "zarr" else "none"
    if encoding == "jpeg":
        raise ValueError(
            f"encoding jpeg in {row['where']} changes voxels, so that no level would be made of "
            "the one before as it is stored: give raw or png"
        )
    parameters = {
        "method": method,
        "steps": steps,
        "format": row["volume_format"],
        "encoding": encoding,
        "compression": row["compression"] or usual,
        "block_shape": block_shape,
        "staged": staged,
    }
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("downsample", VERSION, parameters),
        subject=[channel["channel_id"], cutout.name],
        given={
            "channel": channel,
            "chosen": source.chosen,
            "cutout": cutout.name,
            "origin_zyx": origin,
        },
        name=row.get("name"),
        settings={
            "verify": bool(params.get("verify_pull")),
            "host": params["bossdb_host"],
            "files": source.files,
            "layer": (source.chunk_zyx or [1])[0],
        },
    )
    try:
        Volume.of(volume(request)).refuse_impossible()
    except ValueError as error:
        raise ValueError(f"{error} (in {row['where']})") from None
    key = {"channel_id": channel["channel_id"], "cutout": cutout.name}
    boxes = blocks(cutout.name, block_shape, origin)
    asked_for = (DownsampleRequest, [{"request_id": request.request_id} | key])
    rows = reading.rows(channel, source.chosen, cutout, boxes)
    return dataclasses.replace(request, rows=(*rows, asked_for))


def _steps(
    row: dict[str, Any], channel: dict[str, Any], cutout: Box, chunk_zyx: list[int] | None
) -> tuple[list[list[int]], list[int]]:
    """Return the windows of each level in voxels of the one before, and the shape of blocks.

    Where no factor is given, the axes along which voxels are smallest are halved, or nearly so,
    until they are alike; where no number of levels is, until the whole is seen at once, or a block
    of it is one voxel.

    Raises
    ------
    ValueError
        If no block makes so many levels, or the given one is none.
    """
    most = prod(row["block_shape"]) if row["block_shape"] else BLOCK_VOXELS
    size = [channel[f"voxel_size_{axis}"] for axis in "zyx"]
    steps: list[list[int]] = []
    total, level = [1, 1, 1], cutout
    while len(steps) < (row["levels"] or 60):
        step = row["factor"] or [2 if side < 1.5 * min(size) else 1 for side in size]
        wider = [a * b for a, b in zip(total, step, strict=True)]
        enough = steps and row["levels"] is None and level.voxel_count <= WHOLE_VOXELS
        whole = not row["block_shape"] or not any(
            side % f for side, f in zip(row["block_shape"], wider, strict=True)
        )
        if enough or (steps and row["levels"] is None and (prod(wider) > most or not whole)):
            break
        if prod(wider) > most or not whole:
            given = "block_shape " + ",".join(map(str, row["block_shape"] or ()))
            raise ValueError(
                f"level {len(steps) + 1} in {row['where']} has voxels made of "
                f"{' x '.join(map(str, wider))} (z,y,x) of the source: "
                + (
                    f"{given} must be a multiple of that"
                    if row["block_shape"]
                    else "more than a block has; ask for fewer levels, and for more of the last one"
                )
            )
        steps.append(step)
        total, level = wider, coarser(level, step)
        size = [a * b for a, b in zip(size, step, strict=True)]
    shape = row["block_shape"] or _block_shape(total, chunk_zyx, extent(channel).shape_zyx)
    _check(row, cutout, shape)
    return steps, shape


def _block_shape(
    total_zyx: list[int], chunk_zyx: list[int] | None, sides_zyx: tuple[int, int, int]
) -> list[int]:
    """Return the block shape of a user who gave none: whole windows and, if that fits, chunks."""
    block = [lcm(a, b) for a, b in zip(total_zyx, chunk_zyx or [64, 64, 64], strict=True)]
    if prod(block) > BLOCK_VOXELS:
        block = list(total_zyx)
    while 2 * prod(block) <= BLOCK_VOXELS:
        growing = [axis for axis in range(3) if block[axis] < sides_zyx[axis]]
        if not growing:
            break
        block[min(growing, key=lambda axis: block[axis])] *= 2
    return block


def _check(row: dict[str, Any], cutout: Box, block_shape: list[int]) -> None:
    if prod(block_shape) > BLOCK_VOXELS_MAX:
        raise ValueError(
            f"block_shape {block_shape} in {row['where']} makes blocks of 2^31 voxels or more: "
            "choose a smaller one"
        )
    number = prod(
        -(-side // step) + 1 for side, step in zip(cutout.shape_zyx, block_shape, strict=True)
    )
    if number > BLOCKS_MAX:
        raise ValueError(
            f"block_shape {block_shape} in {row['where']} cuts {cutout.name} into up to "
            f"{number:,} blocks, more than {BLOCKS_MAX:,}: give ranges, or a larger block_shape"
        )
