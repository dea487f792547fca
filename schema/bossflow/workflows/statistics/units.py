"""What a request takes: its blocks, measured, and what adds them up."""

from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import reading
from ...volumes.channels import itemsize, voxel_size
from ...voxels.boxes import Box, grid

SETTINGS = reading.SETTINGS | {
    "intensity": {},
    "max_component_rows": 0,
    "rows": None,
}
"""Those of a recorded request, of which nothing is to be made."""


def blocks(request: work.Request) -> list[Box]:
    """Return the blocks of a request's cutout."""
    shape = request.paramset.parameters["block_shape"]
    return grid(Box.parse(request.given["cutout"]), shape, reading.origin_of(request.given))


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; measures of each; what adds these up.

    Blocks of the image are copied unless it was made here: of one volume that is read in place a
    unit can tell whether it changed.
    """
    given, asked = request.given, request.paramset.parameters
    channel, image = given["channel"], given.get("intensity")
    settings = SETTINGS | request.settings
    of_image = reading.SETTINGS | settings["intensity"]
    (stage,) = request.stage_paramsets
    pulls: list[UnitPlan] = []
    measured: list[UnitPlan] = []
    for box in blocks(request):
        found = reading.block_input(given, box, asked["staged"], settings)
        pulls += found.pulls
        arguments = found.arguments | {"box": box.name}
        inputs, sources = found.inputs, _with_channel(channel, found.sources)
        if image:
            seen = reading.block_input(image, box, "made" not in image, of_image)
            pulls += seen.pulls
            arguments |= {
                "intensity": seen.arguments,
                "histogram_bins": asked["histogram_bins"],
            }
            inputs += seen.inputs
            sources += _with_channel(image["channel"], seen.sources)
        unit = UnitPlan(
            "MEASURE_BLOCK",
            {
                "channel_id": channel["channel_id"],
                "block": box.name,
                "measure_paramset_id": stage.paramset_id,
            },
            arguments,
            inputs,
            settings=found.settings | {"n_segment_inputs": len(found.inputs)},
            asks=work.Asks(memory=_memory(box, channel, image)),
            reads=found.reads if found.reads and found.reads.in_place else None,
            amount=box.voxel_count,
            amount_unit="voxels",
            sources=sources,
        )
        measured.append(unit)
    limit = settings["max_component_rows"]
    n_rows, in_bundle = settings["rows"] or ({}, limit)
    merge = UnitPlan(
        "MERGE_SEGMENTS",
        {"request_id": request.request_id},
        {
            "cutout": given["cutout"],
            "block_shape_zyx": asked["block_shape"],
            "origin_zyx": reading.origin_of(given),
            "voxel_size_nm_zyx": voxel_size(channel),
            "intensity_dtype": image["channel"]["dtype"] if image else None,
            "histogram_bins": asked.get("histogram_bins"),
        },
        tuple(measured),
        settings={"max_component_rows": limit},
        asks=work.Asks(memory=1536 * MIB + 4096 * len(measured)),
        add_rows={
            part: min(limit, total)
            for part, (total, rows) in n_rows.items()
            if rows < min(limit, total)
        },
        settings_again={"max_component_rows": in_bundle},  # part of the content
    )
    return [*pulls, *measured, merge]


def _with_channel(
    channel: dict[str, Any], sources: tuple[dict[str, Any], ...]
) -> tuple[dict[str, Any], ...]:
    return tuple({"source_channel_id": channel["channel_id"]} | row for row in sources)


def _memory(box: Box, channel: dict[str, Any], image: dict[str, Any] | None) -> int:
    """Return the bytes that a block may take: voxels, labels, a copy of both, and what is found."""
    each = (
        itemsize(channel["dtype"]) + 14 + (2 * itemsize(image["channel"]["dtype"]) if image else 0)
    )
    return 1024 * MIB + each * box.voxel_count


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "MEASURE_BLOCK": 1 / 50e6}
    merged = 0.02 * len(unit.inputs) if unit.process == "MERGE_SEGMENTS" else 0
    return 0.03 + merged + per_voxel.get(unit.process, 0) * unit.amount
