"""What a request takes: blocks with a halo, what settles them; before these, a mixture of all."""

from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...kit.digests import digest
from ...volumes import reading
from ...volumes.channels import itemsize, voxel_size
from ...voxels.boxes import Box, grid
from ...voxels.detection.searches import search_of
from ...voxels.halos import widened

SETTINGS = reading.SETTINGS | {"max_component_rows": 0, "rows": None}
"""Those of a recorded request, of which nothing is to be made."""

OPEN = 0.06
"""Bytes of what blocks leave open, for each voxel of a cutout: more than most images have."""


def blocks(request: work.Request) -> list[Box]:
    """Return the blocks of a request's cutout."""
    shape = request.paramset.parameters["block_shape"]
    return grid(Box.parse(request.given["cutout"]), shape, reading.origin_of(request.given))


def halo_of(asked: dict[str, Any], channel: dict[str, Any]) -> tuple[int, int, int]:
    """Return how many voxels around a block are searched with it, ZYX."""
    return search_of(asked, voxel_size(channel)).halo


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; the mixture; searches; what settles these."""
    given, asked = request.given, request.paramset.parameters
    settings, boxes = SETTINGS | request.settings, blocks(request)
    channel, cutout = given["channel"], Box.parse(given["cutout"])
    halo_zyx, staged = halo_of(asked, channel), asked["staged"]
    grid_zyx = asked["block_shape"], reading.origin_of(given)
    halo = reading.WithHalo(given, halo_zyx, *grid_zyx, staged, settings)
    found = [halo.input(box) for box in boxes]
    pulls = [pull for one in found for pull in one.pulls]
    counted = _counts(request, boxes, pulls, settings)
    fits = [_fit(request, counted)] if counted else []
    how = {name: value for name, value in asked.items() if name not in ("block_shape", "staged")}
    searched, same = [], settings["same"]
    for box, one in zip(boxes, found, strict=True):
        wide = halo.box(box)
        # A voxel more says where the cutout ends, and where only the halo does.
        beyond = widened(wide, (1, 1, 1), cutout)
        copies = [copy.key["block"] for copy in one.inputs] if staged else []
        around = [wide.name, beyond.name, copies, *(fit.key for fit in fits)]
        unit = UnitPlan(
            "DETECT_BLOCK",
            {
                "channel_id": channel["channel_id"],
                "block": box.name,
                "detect_paramset_id": request.stage_paramsets[0].paramset_id,
                "detect_surroundings": digest(around)[:16],
            },
            one.arguments
            | how
            | {
                "box": box.name,
                "with_halo": wide.name,
                "beyond": beyond.name,
                "voxel_size_nm_zyx": voxel_size(channel),
            },
            (*one.inputs, *fits),
            settings={"same": same[box.name]} if box.name in same else {},
            asks=work.Asks(memory=_memory(wide, channel)),
            reads=one.reads,
            together=not staged and reading.shares_file(given, box, settings),
            amount=box.voxel_count,
            amount_unit="voxels",
            sources=one.sources,
        )
        searched.append(unit)
    return [*pulls, *counted, *fits, *searched, _settle(request, searched, settings)]


def _counts(
    request: work.Request, boxes: list[Box], pulls: list[UnitPlan], settings: dict[str, Any]
) -> list[UnitPlan]:
    """Return the counts of all blocks' values, if there is a mixture of them."""
    given, asked = request.given, request.paramset.parameters
    if asked["mixture"] == "none":
        return []
    channel, counted = given["channel"], []
    for number, box in enumerate(boxes):
        one = (
            reading.Input({}, (pulls[number],))
            if asked["staged"]
            else reading.block_input(given, box, False, settings)
        )
        unit = UnitPlan(
            "COUNT_VALUES",
            {
                "channel_id": channel["channel_id"],
                "block": box.name,
                "histogram_paramset_id": request.stage_paramsets[1].paramset_id,
            },
            one.arguments | {"box": box.name},
            one.inputs,
            asks=work.Asks(memory=512 * MIB + 2 * itemsize(channel["dtype"]) * box.voxel_count),
            reads=one.reads,
            together=not asked["staged"] and reading.shares_file(given, box, settings),
            amount=box.voxel_count,
            amount_unit="voxels",
            sources=one.sources,
        )
        counted.append(unit)
    return counted


def _fit(request: work.Request, counted: list[UnitPlan]) -> UnitPlan:
    """Return the mixture of a cutout."""
    return UnitPlan(
        "FIT_MIXTURE",
        {
            "channel_id": request.given["channel"]["channel_id"],
            "cutout": request.given["cutout"],
            "mixture_paramset_id": request.stage_paramsets[2].paramset_id,
        },
        {
            "dtype": request.given["channel"]["dtype"],
            "iterations": request.paramset.parameters["mixture_iterations"],
        },
        tuple(counted),
        asks=work.Asks(memory=512 * MIB + 4096 * len(counted)),
    )


def _settle(request: work.Request, searched: list[UnitPlan], settings: dict[str, Any]) -> UnitPlan:
    given, asked = request.given, request.paramset.parameters
    limit = settings["max_component_rows"]
    n_rows, in_bundle = settings["rows"] or ({}, limit)
    voxels = Box.parse(given["cutout"]).voxel_count
    return UnitPlan(
        "SETTLE_DETECTIONS",
        {"request_id": request.request_id},
        {name: value for name, value in asked.items() if name != "staged"}
        | {
            "cutout": given["cutout"],
            "origin_zyx": reading.origin_of(given),
            "voxel_size_nm_zyx": voxel_size(given["channel"]),
        },
        tuple(searched),
        settings={"max_component_rows": limit},
        asks=work.Asks(memory=1024 * MIB + 4096 * len(searched) + int(OPEN * voxels)),
        add_rows={
            part: min(limit, total)
            for part, (total, rows) in n_rows.items()
            if rows < min(limit, total)
        },
        settings_again={"max_component_rows": in_bundle},  # part of the content
    )


def _memory(wide: Box, channel: dict[str, Any]) -> int:
    """Return the bytes that a block may take with its halo: voxels, values, sums or responses."""
    return 1024 * MIB + (2 * itemsize(channel["dtype"]) + 24) * wide.voxel_count


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    settled = 0.005 * len(unit.inputs) if unit.process == "SETTLE_DETECTIONS" else 0
    if unit.process == "DETECT_BLOCK":
        scales = unit.arguments.get("sigma_nm")
        voxels = Box.parse(unit.arguments["with_halo"]).voxel_count
        return 0.03 + voxels * (len(scales) / 27e6 if scales else 1 / 12e6)
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "COUNT_VALUES": 1 / 200e6}
    return 0.03 + settled + per_voxel.get(unit.process, 0) * unit.amount
