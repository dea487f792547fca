"""Tables of the skeletons of segments."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class SkeletonRequest(dj.Manual):
    """A cutout whose segments' skeletons were asked for."""

    definition = """
    # cutout whose segments are to be skeletonized
    -> Request
    ---
    -> Cutout
    """


@schema
class BlockRuns(FilledByBlock, dj.Computed):
    """The voxels of a block's segments, as runs along x."""

    process = "RUNS_BLOCK"
    definition = """
    # runs of voxels of a block's segments
    -> Block
    -> ParamSet.proj(runs_paramset_id='paramset_id')
    ---
    n_run_segments : int64  # segments that are in the block
    n_runs         : int64  # of a segment each
    -> Execution.proj(runs_found_by='execution_id')
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
class RunIndex(FilledByNextflow, dj.Computed):
    """Which blocks have runs of which bucket of segments."""

    process = "INDEX_RUNS"
    definition = """
    # which blocks have runs of which bucket of segments
    -> SkeletonRequest
    ---
    n_run_slices : int64          # pairs of a block and a bucket
    skeletons    : varchar(1024)  # URL of the directory of precomputed skeletons
    -> Execution.proj(runs_indexed_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that it tells of."""

        definition = """
        # block that it tells of
        -> master
        -> BlockRuns
        """


@schema
class SkeletonBucket(FilledByNextflow, dj.Computed):
    """The skeletons of a bucket of segments."""

    process = "SKELETON_BUCKET"
    definition = """
    # skeletons of one bucket of segments
    -> RunIndex
    skeleton_bucket    : int32  # also the number of its shard
    ---
    n_bucket_skeletons : int64
    n_bucket_dust      : int64  # segments without one, as no component has enough voxels
    -> Execution.proj(skeletonized_by='execution_id')
    """


@schema
class SkeletonSet(FilledByNextflow, dj.Computed):
    """The skeletons of a cutout's segments."""

    process = "COLLECT_SKELETONS"
    first_rows = {"Skeleton": "n_skeleton_rows"}
    definition = """
    # skeletons of the segments of a cutout
    -> RunIndex
    ---
    n_skeletons     : int64
    n_skeleton_rows : int64          # of them in Skeleton; all are in the Parquet files
    n_dust_segments : int64          # segments without one, as no component has enough voxels
    skeleton_table  : varchar(1024)  # URL of the table of skeletons, a directory of Parquet files
    -> Execution.proj(skeletons_collected_by='execution_id')
    """

    class Source(dj.Part):
        """The buckets that it was made of."""

        definition = """
        # bucket that it was made of
        -> master
        -> SkeletonBucket
        """

    class Skeleton(dj.Part):
        """The skeleton of one segment."""

        definition = """
        # skeleton of one segment
        -> master
        skeletonized_segment_id : decimal(20,0)  # value in the source
        ---
        cable_length_nm         : float64        # (nm) of all edges
        n_skeleton_vertices     : int64
        n_branches              : int64          # vertices with three edges or more
        n_ends                  : int64          # vertices with one edge
        max_radius_nm           : float64        # (nm) largest distance of a vertex to the boundary
        n_trees                 : int64          # one for each component with enough voxels
        n_skeleton_bytes        : int64          # of its file, or its part of a shard
        """


TABLES = (PulledBlock, BlockRuns, RunIndex, SkeletonBucket, SkeletonSet)
