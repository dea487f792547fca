"""What a request takes: the new volume, and the blocks of it."""

from typing import Any

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import reading, writing
from ...volumes.channels import itemsize
from ...volumes.made import Output
from ...voxels.boxes import Box, grid
from ...voxels.made_volumes import Volume


def volume(request: work.Request) -> dict[str, Any]:
    """Return what the new volume is to be, as `voxels.made_volumes.Volume` takes it."""
    asked, channel = request.paramset.parameters, request.given["channel"]
    cutout = Box.parse(request.given["cutout"])
    return {
        **{name: asked[name] for name in ("format", "encoding", "compression", "dtype", "dest")},
        "method": "",
        "kind": channel["kind"],
        "cutout": cutout.name,
        "block_shape_zyx": asked["block_shape"],
        "chunk_shape_zyx": asked["chunk_shape"],
        "origin_zyx": list(cutout.corner_zyx),
        "factors_zyx": [[1, 1, 1]],
        "voxel_size_nm_zyx": [channel[f"voxel_size_{axis}"] for axis in "zyx"],
        **{name: request.given[name] for name in ("middle_zyx",) if name in request.given},
    }


def blocks(cutout: Box, block_shape_zyx: list[int]) -> list[Box]:
    """Return the blocks of a cutout, which begin at its corner: so does the new volume."""
    return grid(cutout, block_shape_zyx, cutout.corner_zyx)


def outputs(request: work.Request) -> list[Output]:
    """Return what others may read: the volume, if it is in the store."""
    made = volume(request)
    return [] if made["dest"] else writing.outputs("volume", made)


def layers(request: work.Request) -> dict[str, dict[str, Any]]:
    """Return what a viewer shows of a volume that is in no store: it lies at its `dest`."""
    made = volume(request)
    if not made["dest"]:
        return {}
    told = {name: made[name] for name in ("kind", "dtype", "voxel_size_nm_zyx")}
    source = f"{made['format']}://{made['dest']}"
    return {"volume": told | {"source": source, "box": made["cutout"]}}


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; the new volume; its blocks."""
    given, asked = request.given, request.paramset.parameters
    channel = given["channel"]
    settings = reading.SETTINGS | request.settings
    key = {"request_id": request.request_id}
    create = UnitPlan(
        "CREATE_VOLUME",
        key,
        volume(request),
        settings={"owners": request.settings.get("owners", [])},
        asks=work.Asks(memory=512 * MIB),
    )
    made = outputs(request)
    pulls: list[UnitPlan] = []
    transferred: list[UnitPlan] = []
    every = blocks(Box.parse(given["cutout"]), asked["block_shape"])
    new = Volume.of(create.arguments)
    quantized = {name: asked[name] for name in ("value_range",) if name in asked}
    for box in every:
        together = not asked["staged"] and reading.shares_file(given, box, settings)
        of_task = every[0] if together else box  # no other size of task for the last one
        found = reading.block_input(given, box, asked["staged"], settings)
        pulls += found.pulls
        unit = UnitPlan(
            "TRANSFER_BLOCK",
            key | {"channel_id": channel["channel_id"], "block": box.name},
            found.arguments | {"box": box.name} | quantized,
            (*found.inputs, create),
            settings=found.settings,
            asks=work.Asks(memory=_memory(of_task, channel["dtype"], new)),
            reads=found.reads,
            together=together,
            amount=box.voxel_count,
            amount_unit="voxels",
            within=None if asked["dest"] else create,
            sources=found.sources,
            makes=tuple(
                block for output in made if (block := output.block(request.request_id, box))
            ),
        )
        transferred.append(unit)
    return [*pulls, create, *transferred]


def _memory(box: Box, dtype: str, made: Volume) -> int:
    """Return the bytes that a block may take: as read, converted, decoded, and in a shard."""
    as_made = itemsize(made.dtype)
    each = itemsize(dtype)
    each += as_made * (made.dtype != dtype or made.encoding == "jpeg")
    if made.format == "precomputed" and made.levels[0].sharding:
        each += 2 * as_made  # its chunks, and then all of them as a file
    return 512 * MIB + each * box.voxel_count


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "TRANSFER_BLOCK": 1 / 60e6}
    return 0.03 + per_voxel.get(unit.process, 0) * unit.amount
