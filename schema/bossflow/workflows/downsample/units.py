"""What a request takes: the volume of its levels, and the blocks of it."""

from math import prod
from typing import Any

import numpy as np

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import reading, writing
from ...volumes.channels import itemsize
from ...volumes.made import Output
from ...voxels.boxes import Box, grid
from ...voxels.downsampling import coarser


def volume(request: work.Request) -> dict[str, Any]:
    """Return what the volume of the levels is to be, as `voxels.made_volumes.Volume` takes it."""
    asked, channel = request.paramset.parameters, request.given["channel"]
    return {
        **{name: asked[name] for name in ("format", "encoding", "compression", "method")},
        "dtype": channel["dtype"],
        "kind": channel["kind"],
        "cutout": request.given["cutout"],
        "block_shape_zyx": asked["block_shape"],
        "origin_zyx": request.given["origin_zyx"],
        "factors_zyx": factors(asked["steps"]),
        "voxel_size_nm_zyx": [channel[f"voxel_size_{axis}"] for axis in "zyx"],
        **{name: request.given[name] for name in ("middle_zyx",) if name in request.given},
    }


def factors(steps_zyx: list[list[int]]) -> list[list[int]]:
    """Return how many voxels of the channel make one of each level, by axis."""
    return [np.prod(steps_zyx[: n + 1], axis=0).tolist() for n in range(len(steps_zyx))]


def blocks(cutout: str, block_shape_zyx: list[int], origin_zyx: list[int]) -> list[Box]:
    """Return the blocks of a cutout."""
    return grid(Box.parse(cutout), block_shape_zyx, origin_zyx)


def outputs(request: work.Request) -> list[Output]:
    """Return the levels that others may read."""
    return writing.outputs("pyramid", volume(request))


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; the volume; the blocks of its levels."""
    given, asked = request.given, request.paramset.parameters
    channel = given["channel"]
    settings = reading.SETTINGS | request.settings
    key = {"request_id": request.request_id}
    made = volume(request)
    create = UnitPlan("CREATE_PYRAMID", key, made, asks=work.Asks(memory=512 * MIB))
    levels = list(zip(outputs(request), made["factors_zyx"], strict=True))
    pulls: list[UnitPlan] = []
    downsampled: list[UnitPlan] = []
    for box in blocks(given["cutout"], asked["block_shape"], given["origin_zyx"]):
        found = reading.block_input(given, box, asked["staged"], settings)
        pulls += found.pulls
        unit = UnitPlan(
            "DOWNSAMPLE_BLOCK",
            key | {"channel_id": channel["channel_id"], "block": box.name},
            found.arguments | {"box": box.name, "steps_zyx": asked["steps"]},
            (*found.inputs, create),
            settings=found.settings | {"chunks": settings["chunks"]},
            asks=work.Asks(
                memory=_memory(box, channel["dtype"], asked["steps"][0], bool(found.pulls))
            ),
            reads=found.reads,
            amount=box.voxel_count,
            amount_unit="voxels",
            within=create,
            sources=found.sources,
            makes=tuple(
                block
                for output, factor in levels
                if (block := output.block(request.request_id, coarser(box, factor)))
            ),
        )
        downsampled.append(unit)
    return [*pulls, create, *downsampled]


def _memory(box: Box, dtype: str, step_zyx: list[int], copied: bool) -> int:
    """Return the bytes that a block may take: its first level as voxels, encoded and read back.

    And all of it, where it was copied: else it is read in slabs.
    """
    voxels = itemsize(dtype) * box.voxel_count
    return 1024 * MIB + 4 * voxels // prod(step_zyx) + copied * voxels


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "DOWNSAMPLE_BLOCK": 1 / 350e6}
    return 0.03 + per_voxel.get(unit.process, 0) * unit.amount
