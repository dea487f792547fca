"""What a request takes: the units of its blocks, and the one of the whole."""

from functools import cache
from itertools import chain
from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...kit.digests import digest
from ...volumes import reading
from ...volumes.channels import itemsize, voxel_size
from ...voxels.boxes import Box, grid, preceding
from ...voxels.halos import widened
from ..label.outputs import origin_of, outputs

SETTINGS: dict[str, Any] = {
    "edges": [reading.SETTINGS] * 3,
    "files": None,
    "max_component_rows": 0,
    "n_labels": 0,
    "rows": None,
    "earlier": [],
}
"""Those of a recorded request, of which nothing is to be made."""

PLANES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
"""What a block has to know of the affinities along z, y and x behind it: `watershed.seen`."""


def channels(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a request is given of each of its channels: of edges along z, y and x."""
    return [given, *given["affinities"]]


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls and basins of every block, what joins them, their merge, and their numbers."""
    asked, how_made = request.paramset.parameters, SETTINGS | request.settings
    boxes, basins = _of_blocks(request, how_made)
    pulls = [one for basin in basins for one in basin.inputs if one.process == "PULL_BLOCK"]
    pulls = [*{one.unit_id: one for one in pulls}.values()]
    joins = _joins(boxes, basins)
    limit = how_made["max_component_rows"]
    n_supervoxels, n_rows, in_bundle = how_made["rows"] or (limit, 0, limit)
    more = min(limit, n_supervoxels)
    key = {"request_id": request.request_id}
    geometry = {
        "cutout": request.given["cutout"],
        "block_shape_zyx": asked["block_shape"],
        "origin_zyx": list(origin_of(request)),
    }
    size = voxel_size(request.given["channel"])
    merge = UnitPlan(
        "MERGE_BASINS",
        key,
        geometry | {"min_voxels": asked["min_voxels"], "voxel_size_nm_zyx": size},
        (*basins, *joins),
        settings={"max_component_rows": limit},
        asks=_asks("MERGE_BASINS", how_made["n_labels"], 4096 * len(boxes)),
        add_rows={"Supervoxel": more} if n_rows < more else {},
        settings_again={"max_component_rows": in_bundle},  # part of the content
    )
    volume = outputs(request)
    numbers = [
        UnitPlan(
            "NUMBER_BASINS",
            key | basin.key,
            geometry | {"box": box.name, "number": number},
            (merge, basin),
            settings={"earlier": how_made["earlier"]},
            asks=_asks("NUMBER_BASINS", box.voxel_count),
            amount=box.voxel_count,
            amount_unit="voxels",
            within=merge,
            makes=tuple(
                made
                for level, output in volume
                if (made := output.block(request.request_id, level.of(box)))
            ),
        )
        for number, (basin, box) in enumerate(zip(basins, boxes, strict=True))
    ]
    return [*pulls, *basins, *joins, merge, *numbers]


def _of_blocks(request: work.Request, how_made: dict[str, Any]) -> tuple[list[Box], list[UnitPlan]]:
    """Return the blocks of a request, and the unit of each that finds its basins."""
    asked, every = request.paramset.parameters, channels(request.given)
    (stage,) = request.stage_paramsets
    cutout, origin = Box.parse(request.given["cutout"]), origin_of(request)
    sides = asked["block_shape"], origin
    read = [
        reading.WithHalo(given, plane, *sides, _is_copied(request, given), settings, (0, 0, 0))
        for given, plane, settings in zip(every, PLANES, how_made["edges"], strict=True)
    ]
    names = [given["channel"]["channel_id"] for given in every]
    voxel_bytes = 3 * itemsize(request.given["channel"]["dtype"])
    boxes = grid(cutout, *sides)
    basins = []
    for box in boxes:
        within = widened(box, (1, 1, 1), cutout)
        found = [one.input(box) for one in read]
        near = [[cell.name for cell in one.cells(box)] for one in read]
        seen = widened(box, (1, 1, 1), cutout, before_zyx=(0, 0, 0))
        arguments = {
            "affinities": [one.arguments for one in found],
            "box": box.name,
            "within": within.name,
            "low_threshold": asked["low_threshold"],
            "high_threshold": asked["high_threshold"],
            "chunk_shape_zyx": stage.parameters["chunk_shape"],
            "origin_zyx": list(origin),
        }
        unit = UnitPlan(
            "BASIN_BLOCK",
            {
                "channel_id": names[0],
                "block": box.name,
                "basin_paramset_id": stage.paramset_id,
                "basin_surroundings": digest([within.name, near])[:16],
            },
            arguments,
            tuple(chain.from_iterable(one.inputs for one in found)),
            settings={
                "n_inputs": [len(one.inputs) for one in found],
                "seen": dict(zip(names, near, strict=True)),
            },
            asks=_asks("BASIN_BLOCK", box.voxel_count, voxel_bytes * seen.voxel_count),
            reads=work.Reads(reading.VERSION, seen, how_made["files"], in_place=True)
            if any("made" not in given and not _is_copied(request, given) for given in every)
            else None,
            amount=box.voxel_count,
            amount_unit="voxels",
            sources=tuple(
                {"source_channel_id": name} | row
                for name, one in zip(names, found, strict=True)
                for row in one.sources
            ),
        )
        basins.append(unit)
    return boxes, basins


def _is_copied(request: work.Request, given: dict[str, Any]) -> bool:
    """Say whether blocks of one of a request's channels are copied into the store."""
    return bool(request.paramset.parameters["staged"]) and "made" not in given


def _joins(boxes: list[Box], basins: list[UnitPlan]) -> list[UnitPlan]:
    """Return the units that find what is joined across the seams before each block."""
    joins = []
    for basin, numbers in zip(basins, preceding(boxes, 6), strict=True):
        around = [basins[number] for number in numbers]
        keys = sorted([one.key["block"], one.key["basin_surroundings"]] for one in around)
        unit = UnitPlan(
            "JOIN_BLOCK",
            basin.key | {"join_neighbourhood": digest(keys)[:16]},
            {},
            (basin, *around),
            asks=_asks("JOIN_BLOCK", int(basin.amount)),
            amount=basin.amount,
            amount_unit="voxels",
        )
        joins.append(unit)
    return joins


@cache
def _asks(process: str, size: int, more: int = 0) -> work.Asks:
    """Return the memory that a unit may take, by voxels of its block, or labels to be merged."""
    each = {"BASIN_BLOCK": 20, "JOIN_BLOCK": 1, "MERGE_BASINS": 100, "NUMBER_BASINS": 2}
    return work.Asks(memory=512 * MIB + each[process] * size + more)


def pulled_bytes(unit: UnitPlan) -> int:
    """Return how many bytes of voxels a unit asks of the archive, or of volumes in place."""
    asked = unit.arguments
    if unit.process == "PULL_BLOCK":
        return reading.read_bytes(unit)
    sources = [one["source"] for one in asked.get("affinities", ()) if "source" in one]
    return sum(Box.parse(asked["box"]).voxel_count * itemsize(one["dtype"]) for one in sources)


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    fixed = {"JOIN_BLOCK": 0.1, "MERGE_BASINS": 0.005 * len(unit.inputs)}
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "BASIN_BLOCK": 1 / 15e6, "NUMBER_BASINS": 1 / 100e6}
    return 0.03 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.amount
