"""What a request takes: runs of blocks, their index, skeletons of buckets, and their table."""

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import bucket_units
from ...volumes.channels import itemsize, voxel_size
from ...voxels.boxes import Box

STEPS = bucket_units.Steps(
    "RUNS_BLOCK",
    "INDEX_RUNS",
    "SKELETON_BUCKET",
    "COLLECT_SKELETONS",
    paramset="runs_paramset_id",
    number="skeleton_bucket",
    part="Skeleton",
)

HOW = ("scale", "const_nm", "pdrf_scale", "pdrf_exponent", "min_voxels")
"""Parameters of what a skeleton is."""


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; their runs; the index; buckets; the set."""
    channel, asked = request.given["channel"], request.paramset.parameters
    how = {name: asked[name] for name in ("skeleton_format", *HOW)}
    how["voxel_size_nm_zyx"] = voxel_size(channel)

    def block_memory(box: Box) -> int:  # its voxels, and runs of 16 bytes, of one voxel at worst
        return 512 * MIB + (2 * itemsize(channel["dtype"]) + 48) * box.voxel_count

    def bucket_memory(voxels: int) -> int:  # some bytes of each, and all that is of the largest
        return 1024 * MIB + 64 * voxels

    return bucket_units.units(request, STEPS, how, block_memory, bucket_memory)


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "RUNS_BLOCK": 1 / 40e6, "SKELETON_BUCKET": 1 / 0.5e6}
    fixed = {"INDEX_RUNS": 0.002 * len(unit.inputs), "COLLECT_SKELETONS": 0.01 * len(unit.inputs)}
    return 0.05 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.amount
