"""What a request takes: cubes of blocks, their index, meshes of buckets, and what tells of all."""

from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import reading
from ...volumes.channels import itemsize, voxel_size
from ...voxels.boxes import Box, grid

SETTINGS: dict[str, Any] = {"max_component_rows": 0, "rows": None, "earlier": []}
"""Those of a recorded request, beside those of reading."""


def blocks(request: work.Request) -> list[Box]:
    """Return the blocks of a request: of a grid that begins where its source's chunks do."""
    given, shape = request.given, request.paramset.parameters["block_shape"]
    return grid(Box.parse(given["cutout"]), shape, reading.origin_of(given))


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; their cubes; the index; buckets; the set."""
    given, asked = request.given, request.paramset.parameters
    channel, cutout = given["channel"], Box.parse(given["cutout"])
    settings = reading.SETTINGS | SETTINGS | request.settings
    (stage,) = request.stage_paramsets
    pulls: list[UnitPlan] = []
    surfaces: list[UnitPlan] = []
    boxes = blocks(request)
    for box in boxes:
        of_task = box
        together = not asked["staged"] and reading.shares_file(given, box, settings)
        if together:  # no other size of task for the last one
            of_task = boxes[0]
        found = reading.block_input(given, box, asked["staged"], settings)
        pulls += found.pulls
        surface = UnitPlan(
            "SURFACE_BLOCK",
            {
                "channel_id": channel["channel_id"],
                "block": box.name,
                "surface_paramset_id": stage.paramset_id,
            },
            found.arguments | {"box": box.name, "buckets": asked["buckets"]},
            found.inputs,
            settings=found.settings,
            asks=work.Asks(memory=_block_memory(of_task, channel["dtype"])),
            reads=found.reads,
            together=together,
            amount=box.voxel_count,
            amount_unit="voxels",
            sources=found.sources,
        )
        surfaces.append(surface)
    key = {"request_id": request.request_id}
    how = {name: asked[name] for name in ("mesh_format", "keep", "distance_nm", "levels")}
    how |= {"buckets": asked["buckets"], "voxel_size_nm_zyx": voxel_size(channel)}
    index = UnitPlan(
        "INDEX_SURFACES",
        key,
        how,
        tuple(surfaces),
        asks=work.Asks(memory=512 * MIB + (4096 + 128 * asked["buckets"]) * len(surfaces)),
    )
    voxels = -(-cutout.voxel_count // asked["buckets"])
    buckets = [
        UnitPlan(
            "MESH_BUCKET",
            key | {"mesh_bucket": bucket},
            how,
            (index,),
            settings={"earlier": settings["earlier"]},
            through=True,
            asks=work.Asks(memory=1024 * MIB + 32 * voxels),
            within=index,
            name=f"bucket {bucket}",
            amount=voxels,
            amount_unit="voxels",
        )
        for bucket in range(asked["buckets"])
    ]
    return [*pulls, *surfaces, index, *buckets, _collect(key, index, buckets, settings)]


def _collect(
    key: dict[str, Any], index: UnitPlan, buckets: list[UnitPlan], settings: dict[str, Any]
) -> UnitPlan:
    """Return the unit that tells of all meshes."""
    limit = settings["max_component_rows"]
    n_meshes, n_rows, in_bundle = settings["rows"] or (limit, 0, limit)
    more = min(limit, n_meshes)
    return UnitPlan(
        "COLLECT_MESHES",
        key,
        {},
        (index, *buckets),
        settings={"max_component_rows": limit},
        add_rows={"Mesh": more} if n_rows < more else {},
        settings_again={"max_component_rows": in_bundle},  # part of the content
        within=index,
    )


def _block_memory(box: Box, dtype: str) -> int:
    """Return the bytes that a block may take: its voxels, with a border, and its cubes."""
    return 512 * MIB + (2 * itemsize(dtype) + 24) * box.voxel_count


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "SURFACE_BLOCK": 1 / 20e6, "MESH_BUCKET": 1 / 2e6}
    fixed = {"INDEX_SURFACES": 0.002 * len(unit.inputs), "COLLECT_MESHES": 0.01 * len(unit.inputs)}
    return 0.05 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.amount
