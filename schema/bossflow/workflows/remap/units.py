"""What a request takes: the table with the new volume, the blocks of it, and their sum."""

from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import reading, writing
from ...volumes.channels import itemsize, voxel_size
from ...volumes.made import Output
from ...voxels.boxes import Box, grid
from ...voxels.downsampling import coarser
from ...voxels.id_tables import BYTES_PER_ROW

SETTINGS: dict[str, Any] = {"table": "", "columns": [], "n_rows": 0, "maker": None}
"""Those of a recorded request, beside those of reading."""

_SEGMENTS_PER_VOXEL = 20_000 / 512**3
"""More than most have."""


def volume(request: work.Request) -> dict[str, Any]:
    """Return what the new volume is to be, as `voxels.made_volumes.Volume` takes it."""
    asked, channel = request.paramset.parameters, request.given["channel"]
    return {
        **{name: asked[name] for name in ("format", "encoding", "compression")},
        "method": "mode",
        "dtype": "uint64",
        "kind": "annotation",
        "cutout": request.given["cutout"],
        "block_shape_zyx": asked["block_shape"],
        "origin_zyx": request.given["origin_zyx"],
        "factors_zyx": asked["factors"],
        "voxel_size_nm_zyx": list(voxel_size(channel)),
        **{name: request.given[name] for name in ("middle_zyx",) if name in request.given},
    }


def steps(factors_zyx: list[list[int]]) -> list[list[int]]:
    """Return the windows of each coarser level, in voxels of the one before."""
    pairs = zip(factors_zyx, factors_zyx[1:], strict=False)
    return [[b // a for a, b in zip(fine, coarse, strict=True)] for fine, coarse in pairs]


def blocks(cutout: str, block_shape_zyx: list[int], origin_zyx: list[int]) -> list[Box]:
    """Return the blocks of a cutout."""
    return grid(Box.parse(cutout), block_shape_zyx, origin_zyx)


def outputs(request: work.Request) -> list[Output]:
    """Return the levels that others may read."""
    return writing.outputs("volume", volume(request))


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; the table with the volume; blocks; the sum."""
    given, asked = request.given, request.paramset.parameters
    channel = given["channel"]
    settings = reading.SETTINGS | SETTINGS | request.settings
    key, made = {"request_id": request.request_id}, volume(request)
    maker, made_by = settings["maker"] or (None, "")
    begin = UnitPlan(
        "READ_TABLE",
        key,
        made | {"table": asked["table"] | given.get("made_table", {})},
        (maker,) if maker else (),
        settings={name: settings[name] for name in ("table", "columns")},
        sources=({"table_made_by": made_by},) if maker else (),
        asks=work.Asks(memory=512 * MIB + BYTES_PER_ROW * settings["n_rows"]),
        amount=settings["n_rows"],
        amount_unit="rows",
    )
    levels = list(zip(outputs(request), asked["factors"], strict=True))
    table_bytes = 16 * settings["n_rows"]
    pulls: list[UnitPlan] = []
    remapped: list[UnitPlan] = []
    for box in blocks(given["cutout"], asked["block_shape"], given["origin_zyx"]):
        found = reading.block_input(given, box, asked["staged"], settings)
        pulls += found.pulls
        unit = UnitPlan(
            "REMAP_BLOCK",
            key | {"channel_id": channel["channel_id"], "block": box.name},
            found.arguments
            | {"box": box.name, "missing": asked["missing"], "steps_zyx": steps(asked["factors"])},
            (*found.inputs, begin),
            settings=found.settings,
            asks=work.Asks(memory=_memory(box, channel["dtype"]), disk=table_bytes),
            reads=found.reads,
            together=not asked["staged"] and reading.shares_file(given, box, settings),
            amount=box.voxel_count,
            amount_unit="voxels",
            within=begin,
            sources=found.sources,
            makes=tuple(
                block
                for output, factor in levels
                if (block := output.block(request.request_id, coarser(box, factor)))
            ),
        )
        remapped.append(unit)
    cutout = Box.parse(given["cutout"])
    total = UnitPlan(
        "SUM_REMAPPED",
        key,
        {"cutout": cutout.name, "voxel_size_nm_zyx": list(voxel_size(channel))},
        tuple(remapped),
        asks=work.Asks(memory=1024 * MIB + int(96 * _SEGMENTS_PER_VOXEL * cutout.voxel_count)),
    )
    return [*pulls, begin, *remapped, total]


def _memory(box: Box, dtype: str) -> int:
    """Return the bytes that a block may take: as read, numbered, rewritten, and encoded."""
    return 1024 * MIB + (itemsize(dtype) + 14 + 3 * itemsize("uint64")) * box.voxel_count


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "REMAP_BLOCK": 1 / 15e6, "READ_TABLE": 1 / 5e6}
    fixed = {"SUM_REMAPPED": 0.005 * len(unit.inputs)}
    return 0.05 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.amount
