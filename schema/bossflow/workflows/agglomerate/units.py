"""What a request takes: the units of its blocks, and the one of the whole."""

from functools import cache
from itertools import chain
from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...kit.digests import digest
from ...volumes import reading
from ...volumes.channels import itemsize
from ...voxels.boxes import Box, grid

SETTINGS: dict[str, Any] = {
    "channels": [reading.SETTINGS] * 4,
    "files": None,
    "max_component_rows": 0,
    "n_pairs": 0,
    "rows": None,
}
"""Those of a recorded request, of which nothing is to be made."""

BEFORE = ((1, 1, 1), *[(0, 0, 0)] * 3)
"""What a block has to know before it: of the segmentation, as in `region_graph.seen`."""


def channels(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a request is given of its segmentation, and of affinities along z, y and x."""
    return [given, *given["affinities"]]


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls and region graphs of every block, and what merges the regions of the whole."""
    asked, how_made = request.paramset.parameters, SETTINGS | request.settings
    blocks = _of_blocks(request, how_made)
    pulls = [one for block in blocks for one in block.inputs if one.process == "PULL_BLOCK"]
    pulls = [*{one.unit_id: one for one in pulls}.values()]
    limit = how_made["max_component_rows"]
    n_merges, n_rows, in_bundle = how_made["rows"] or (limit, 0, limit)
    more = min(limit, n_merges)
    merge = UnitPlan(
        "MERGE_REGIONS",
        {"request_id": request.request_id},
        {
            "cutout": request.given["cutout"],
            "block_shape_zyx": asked["block_shape"],
            "origin_zyx": reading.origin_of(request.given),
            "affinity_dtype": request.given["affinities"][0]["channel"]["dtype"],
            "thresholds": asked["thresholds"],
            "quantile": asked["quantile"],
        },
        tuple(blocks),
        settings={"max_component_rows": limit},
        asks=_asks_of_merge(how_made["n_pairs"], len(blocks), asked["quantile"] is not None),
        add_rows={"Merge": more} if n_rows < more else {},
        settings_again={"max_component_rows": in_bundle},  # part of the content
    )
    return [*pulls, *blocks, merge]


def _of_blocks(request: work.Request, how_made: dict[str, Any]) -> list[UnitPlan]:
    """Return the unit of each block that finds the graph of its regions."""
    asked, every = request.paramset.parameters, channels(request.given)
    (stage,) = request.stage_paramsets
    cutout = Box.parse(request.given["cutout"])
    sides = asked["block_shape"], reading.origin_of(request.given)
    read = [
        reading.WithHalo(
            given, (0, 0, 0), *sides, _is_copied(request, given), settings, before_zyx=before
        )
        for given, settings, before in zip(every, how_made["channels"], BEFORE, strict=True)
    ]
    names = [given["channel"]["channel_id"] for given in every]
    regions, *_ = read
    each = sum(itemsize(given["channel"]["dtype"]) for given in every)
    blocks = []
    for box in grid(cutout, *sides):
        found = [one.input(box) for one in read]
        near = [[cell.name for cell in one.cells(box)] for one in read]
        of_regions, *of_edges = (one.arguments for one in found)
        within = regions.box(box)
        unit = UnitPlan(
            "REGION_BLOCK",
            {
                "channel_id": names[0],
                "block": box.name,
                "region_paramset_id": stage.paramset_id,
                "region_surroundings": digest([within.name, near])[:16],
            },
            {
                "regions": of_regions,
                "affinities": of_edges,
                "box": box.name,
                "within": within.name,
            },
            tuple(chain.from_iterable(one.inputs for one in found)),
            settings={
                "n_inputs": [len(one.inputs) for one in found],
                "seen": dict(zip(names, near, strict=True)),
            },
            asks=_asks_of_block(box.voxel_count, each * within.voxel_count),
            reads=work.Reads(reading.VERSION, within, how_made["files"], in_place=True)
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
        blocks.append(unit)
    return blocks


def _is_copied(request: work.Request, given: dict[str, Any]) -> bool:
    """Say whether blocks of one of a request's channels are copied into the store."""
    return bool(request.paramset.parameters["staged"]) and "made" not in given


@cache
def _asks_of_block(voxels: int, voxel_bytes: int) -> work.Asks:
    """Return the memory of a block: what is read, twice, and what is found, in most volumes."""
    return work.Asks(memory=512 * MIB + 2 * voxel_bytes + 12 * voxels)


@cache
def _asks_of_merge(n_pairs: int, n_blocks: int, by_quantile: bool) -> work.Asks:
    """Return the memory that merging takes, by pairs of regions; by quantile with histograms."""
    return work.Asks(memory=1024 * MIB + 4096 * n_blocks + (2560 if by_quantile else 320) * n_pairs)


def pulled_bytes(unit: UnitPlan) -> int:
    """Return how many bytes of voxels a unit asks of the archive, or of volumes in place."""
    asked = unit.arguments
    if unit.process == "PULL_BLOCK":
        return reading.read_bytes(unit)
    if unit.process != "REGION_BLOCK":
        return 0
    sources = [one["source"] for one in (asked["regions"], *asked["affinities"]) if "source" in one]
    return sum(Box.parse(asked["box"]).voxel_count * itemsize(one["dtype"]) for one in sources)


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    merged = 0.02 * len(unit.inputs) if unit.process == "MERGE_REGIONS" else 0
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "REGION_BLOCK": 1 / 25e6}
    return 0.03 + merged + per_voxel.get(unit.process, 0) * unit.amount
