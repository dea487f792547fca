"""What a request takes: a function's sources, what begins its result, and a unit a block."""

from typing import Any

from ...core import work
from ...core.work import GIB, MIB, UnitPlan
from ...volumes import reading, writing
from ...volumes.channels import itemsize, voxel_size
from ...volumes.made import Output
from ...voxels.boxes import Box, grid
from ...voxels.halos import margins
from ..map.units import staging
from . import commands

SETTINGS: dict[str, Any] = {"memory": None, "seconds": 1 / 5e6, "unknown": True}
"""Those of a recorded request, of which nothing is to be made, beside `reading.SETTINGS`."""

LEAST_SECONDS = 0.03
"""What a block takes at least, with its bundle."""


def volume(request: work.Request) -> dict[str, Any] | None:
    """Return what the new volume is to be, as `voxels.made_volumes.Volume` takes it, if one is."""
    asked, channel = request.paramset.parameters, request.given["channel"]
    if not (made := asked["volume"]):
        return None
    cutout = Box.parse(request.given["cutout"])
    return {
        **{name: made[name] for name in ("format", "encoding", "compression", "dtype", "kind")},
        "method": "",
        "cutout": cutout.name,
        "block_shape_zyx": asked["block_shape"],
        "chunk_shape_zyx": made["chunk_shape"],
        "origin_zyx": list(cutout.corner_zyx),
        "factors_zyx": [[1, 1, 1]],
        "voxel_size_nm_zyx": voxel_size(channel),
        **{name: request.given[name] for name in ("middle_zyx",) if name in request.given},
    }


def outputs(request: work.Request) -> list[Output]:
    """Return what others may read: the new volume, if one is made."""
    made = volume(request)
    return writing.outputs("volume", made) if made else []


def units(request: work.Request) -> list[UnitPlan]:
    """Return the function's sources, pulls of blocks, what begins the result, blocks, and rows."""
    given, asked = request.given, request.paramset.parameters
    channel, cutout = given["channel"], Box.parse(given["cutout"])
    settings = reading.SETTINGS | SETTINGS | commands.RUN | request.settings
    key = {"request_id": request.request_id}
    made, every, by_command = volume(request), outputs(request), "command" in asked
    staged = () if by_command else (staging(request),)
    begin = UnitPlan("BEGIN_APPLY", key, {"volume": made}, staged, asks=work.Asks(memory=512 * MIB))
    memory = settings["memory"] or _memory(request)
    grid_zyx = asked["block_shape"], cutout.corner_zyx
    halo = reading.WithHalo(given, asked["halo"], *grid_zyx, asked["staged"], settings)
    pulls: list[UnitPlan] = []
    applied: list[UnitPlan] = []
    boxes = grid(cutout, *grid_zyx)
    for box in boxes:
        found, wide = halo.input(box), halo.box(box)
        pulls += found.pulls
        unit = UnitPlan(
            "APPLY_BLOCK",
            key | {"channel_id": channel["channel_id"], "block": box.name},
            found.arguments
            | {
                "box": box.name,
                "with_halo": wide.name,
                "halo_zyx": margins(box, wide),
                "voxel_size_nm_zyx": voxel_size(channel),
            }
            | (commands.identity(asked) if by_command else {"arguments": given["arguments"]}),
            (*found.inputs, *staged, begin),
            settings=(
                commands.of_unit(settings, memory) if by_command else {"paths": given["paths"]}
            ),
            asks=commands.asks(settings, memory)
            if by_command
            else work.Asks(
                memory=memory,
                seconds=LEAST_SECONDS + settings["seconds"] * box.voxel_count,
                unknown=settings["unknown"],
            ),
            reads=found.reads,
            together=not asked["staged"] and reading.shares_file(given, box, settings),
            amount=box.voxel_count,
            amount_unit="voxels",
            exact=given["exact"],
            within=begin if made else None,
            sources=found.sources,
            makes=tuple(
                block for output in every if (block := output.block(request.request_id, box))
            ),
        )
        applied.append(unit)
    collect = [UnitPlan("COLLECT_ROWS", key, {}, (begin, *applied), exact=given["exact"])]
    return [*staged, *pulls, begin, *applied, *([] if made else collect)]


def _memory(request: work.Request) -> int:
    """Return the bytes that a block may take, with its halo: as read, made and written."""
    asked = request.paramset.parameters
    dtypes = request.given["channel"]["dtype"], (asked["volume"] or {}).get("dtype", "uint8")
    cutout = Box.parse(request.given["cutout"])
    sides = zip(asked["block_shape"], asked["halo"], cutout.shape_zyx, strict=True)
    voxels = 1
    for block, halo, whole in sides:
        voxels *= min(block + 2 * halo, whole)
    return GIB + 3 * sum(map(itemsize, dtypes)) * voxels


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core, where it asks for nothing."""
    return LEAST_SECONDS + (unit.amount / 40e6 if unit.process == "PULL_BLOCK" else 0)
