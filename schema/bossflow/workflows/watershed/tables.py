"""Tables of supervoxels."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Channel, Cutout, MadeBlock, PulledBlock


@schema
class WatershedRequest(dj.Manual):
    """A cutout of affinities whose supervoxels were asked for: of those along z."""

    definition = """
    # cutout whose supervoxels are to be found
    -> Request
    ---
    -> Cutout
    -> Channel.proj(affinities_y='channel_id')
    -> Channel.proj(affinities_x='channel_id')
    """


@schema
class BlockBasins(FilledByBlock, dj.Computed):
    """Supervoxels within one block, as far as it alone can tell."""

    process = "BASIN_BLOCK"
    definition = """
    # supervoxels within one block
    -> Block
    -> ParamSet.proj(basin_paramset_id='paramset_id')  # names the other channels too
    basin_surroundings : char(16)  # hash of where the cutout ends around it, and of blocks behind
    ---
    n_basins : int64               # local labels
    -> Execution.proj(flooded_by='execution_id')
    """

    class Seen(dj.Part):
        """The blocks, of each of the three channels, of which it has voxels: behind it, a plane."""

        definition = """
        # block of which it has voxels
        -> master
        -> Block.proj(seen_channel_id='channel_id', seen_block='block')
        """

    class Source(dj.Part):
        """What it was read from, of volumes that were made here."""

        definition = """
        # block of a volume made here that it was read from
        -> master
        -> MadeBlock.proj(source_channel_id='channel_id', source_block='block')
        """

    class Pulled(dj.Part):
        """The copies that it was made of, where there are some."""

        definition = """
        # copy of a block that it was made of
        -> master
        -> PulledBlock.proj(pulled_channel_id='channel_id', pulled_block='block')
        """


@schema
class BasinLinks(FilledByBlock, dj.Computed):
    """Which labels of a block are joined to those of the blocks before it."""

    process = "JOIN_BLOCK"
    definition = """
    # labels of a block that are joined to those of blocks before it
    -> BlockBasins
    join_neighbourhood : char(16)  # hash of these blocks' keys
    ---
    n_joins : int64                # pairs of local labels
    -> Execution.proj(joined_by='execution_id')
    """

    class Neighbour(dj.Part):
        """A block before it."""

        definition = """
        # block before it that shares a face with it
        -> master
        -> BlockBasins.proj(neighbour_block='block', neighbour_surroundings='basin_surroundings')
        """


@schema
class Supervoxels(FilledByNextflow, dj.Computed):
    """The supervoxels of a cutout."""

    process = "MERGE_BASINS"
    first_rows = {"Supervoxel": "n_supervoxel_rows"}
    definition = """
    # supervoxels of a cutout
    -> WatershedRequest
    ---
    n_supervoxels     : int64          # numbered 1 to n by their first voxel in ZYX C order
    n_supervoxel_rows : int64          # of them in Supervoxel; all are in the Parquet files
    supervoxel_volume : varchar(1024)  # URL of the Neuroglancer precomputed volume of their ids
    supervoxels       : varchar(1024)  # URL of the table of them, a directory of Parquet files
    -> Execution.proj(basins_merged_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that they were made of."""

        definition = """
        # block that they were made of
        -> master
        -> BlockBasins
        ---
        -> BasinLinks
        """

    class Supervoxel(dj.Part):
        """One supervoxel."""

        definition = """
        # one supervoxel
        -> master
        supervoxel_id            : int64    # value in the volume, from 1
        ---
        supervoxel_voxel_count   : int64
        supervoxel_x0            : int64    # (voxels) box, half-open, channel coordinates
        supervoxel_x1            : int64
        supervoxel_y0            : int64
        supervoxel_y1            : int64
        supervoxel_z0            : int64
        supervoxel_z1            : int64
        supervoxel_centroid_x    : float64  # (voxels) mean voxel index, channel coordinates
        supervoxel_centroid_y    : float64
        supervoxel_centroid_z    : float64
        supervoxel_centroid_x_nm : float64  # (nm) centroid times voxel size
        supervoxel_centroid_y_nm : float64
        supervoxel_centroid_z_nm : float64
        """


@schema
class SupervoxelBlock(FilledByBlock, dj.Computed):
    """A block of the supervoxels' volume."""

    process = "NUMBER_BASINS"
    definition = """
    # block written to the volume of supervoxels
    -> Supervoxels.Source
    ---
    basin_lookup_sha256 : char(64)  # of its labels' supervoxel ids
    -> Execution.proj(numbered_by='execution_id')
    """


TABLES = (PulledBlock, BlockBasins, BasinLinks, Supervoxels, SupervoxelBlock)
