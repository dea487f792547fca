"""Tables of the meshes of segments."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class MeshRequest(dj.Manual):
    """A cutout whose segments' meshes were asked for."""

    definition = """
    # cutout whose segments are to be meshed
    -> Request
    ---
    -> Cutout
    """


@schema
class BlockSurface(FilledByBlock, dj.Computed):
    """The cubes that the surfaces of a block's segments cross."""

    process = "SURFACE_BLOCK"
    definition = """
    # cubes on the surfaces of a block's segments
    -> Block
    -> ParamSet.proj(surface_paramset_id='paramset_id')
    ---
    n_surfaces : int64  # segments that are in the block
    n_cubes    : int64  # of a segment each
    -> Execution.proj(surfaced_by='execution_id')
    """

    class Source(dj.Part):
        """What it was read from, of a volume that was made here."""

        definition = """
        # block of a volume made here that it was read from
        -> master
        -> MadeBlock.proj(source_block='block')
        """

    class Pulled(dj.Part):
        """The copy of the block that it was made of, where there is one."""

        made_from = PulledBlock
        definition = """
        # copy of the block that it was made of
        -> master
        -> PulledBlock
        """


@schema
class MeshIndex(FilledByNextflow, dj.Computed):
    """Which blocks have cubes of which bucket of segments."""

    process = "INDEX_SURFACES"
    definition = """
    # which blocks have cubes of which bucket of segments
    -> MeshRequest
    ---
    n_slices : int64          # pairs of a block and a bucket
    meshes   : varchar(1024)  # URL of the directory of precomputed meshes
    -> Execution.proj(mesh_indexed_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that it tells of."""

        definition = """
        # block that it tells of
        -> master
        -> BlockSurface
        """


@schema
class MeshBucket(FilledByNextflow, dj.Computed):
    """The meshes of a bucket of segments."""

    process = "MESH_BUCKET"
    definition = """
    # meshes of one bucket of segments
    -> MeshIndex
    mesh_bucket     : int32  # also the number of its shard
    ---
    n_bucket_meshes : int64
    -> Execution.proj(meshed_by='execution_id')
    """


@schema
class MeshSet(FilledByNextflow, dj.Computed):
    """The meshes of a cutout's segments."""

    process = "COLLECT_MESHES"
    first_rows = {"Mesh": "n_mesh_rows"}
    definition = """
    # meshes of the segments of a cutout
    -> MeshIndex
    ---
    n_meshes    : int64
    n_mesh_rows : int64          # of them in Mesh; all are in the Parquet files
    mesh_table  : varchar(1024)  # URL of the table of meshes, a directory of Parquet files
    -> Execution.proj(meshes_collected_by='execution_id')
    """

    class Source(dj.Part):
        """The buckets that it was made of."""

        definition = """
        # bucket that it was made of
        -> master
        -> MeshBucket
        """

    class Mesh(dj.Part):
        """The mesh of one segment: measures are those of its surface before simplification."""

        definition = """
        # mesh of one segment
        -> master
        meshed_segment_id : decimal(20,0)  # value in the source
        ---
        n_vertices        : int64          # of the finest level
        n_faces           : int64          # of the finest level
        n_mesh_levels     : int32
        is_closed         : int8           # 1 where the surface has no border
        area_nm2          : float64        # (nm^2)
        volume_nm3        : float64        # (nm^3) enclosed
        simplified_nm     : float64        # (nm) no vertex of that surface is farther from the mesh
        n_mesh_bytes      : int64          # of its file, or its part of a shard
        """


TABLES = (PulledBlock, BlockSurface, MeshIndex, MeshBucket, MeshSet)
