"""What a request takes: cubes of blocks, their index, meshes of buckets, and what tells of all."""

from ...core import work
from ...core.work import MIB, UnitPlan
from ...volumes import bucket_units
from ...volumes.channels import itemsize, voxel_size
from ...voxels.boxes import Box

STEPS = bucket_units.Steps(
    "SURFACE_BLOCK",
    "INDEX_SURFACES",
    "MESH_BUCKET",
    "COLLECT_MESHES",
    paramset="surface_paramset_id",
    number="mesh_bucket",
    part="Mesh",
)


def units(request: work.Request) -> list[UnitPlan]:
    """Return pulls of blocks, where they are copied; their cubes; the index; buckets; the set."""
    channel, asked = request.given["channel"], request.paramset.parameters
    how = {name: asked[name] for name in ("mesh_format", "keep", "distance_nm", "levels")}
    how["voxel_size_nm_zyx"] = voxel_size(channel)

    def block_memory(box: Box) -> int:  # its voxels, with a border, and its cubes
        return 512 * MIB + (2 * itemsize(channel["dtype"]) + 24) * box.voxel_count

    def bucket_memory(voxels: int) -> int:
        return 1024 * MIB + 32 * voxels

    return bucket_units.units(request, STEPS, how, block_memory, bucket_memory)


def seconds(unit: UnitPlan) -> float:
    """Return roughly how long a unit takes on one core."""
    per_voxel = {"PULL_BLOCK": 1 / 40e6, "SURFACE_BLOCK": 1 / 20e6, "MESH_BUCKET": 1 / 2e6}
    fixed = {"INDEX_SURFACES": 0.002 * len(unit.inputs), "COLLECT_MESHES": 0.01 * len(unit.inputs)}
    return 0.05 + fixed.get(unit.process, 0) + per_voxel.get(unit.process, 0) * unit.amount
