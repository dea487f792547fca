"""Tables of merged regions."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Channel, Cutout, MadeBlock, PulledBlock


@schema
class AgglomerateRequest(dj.Manual):
    """A cutout of a segmentation whose regions were to be merged."""

    definition = """
    # cutout of a segmentation whose regions are to be merged
    -> Request
    ---
    -> Cutout
    -> Channel.proj(edges_z='channel_id')  # affinities along z
    -> Channel.proj(edges_y='channel_id')
    -> Channel.proj(edges_x='channel_id')
    """


@schema
class RegionBlock(FilledByBlock, dj.Computed):
    """Which regions touch within one block, and in the plane before it."""

    process = "REGION_BLOCK"
    definition = """
    # graph of the regions of one block
    -> Block
    -> ParamSet.proj(region_paramset_id='paramset_id')  # names the affinities' channels
    region_surroundings : char(16)  # hash of where the cutout begins, and of blocks before it
    ---
    n_block_regions : int64         # ids other than 0
    n_block_pairs   : int64         # that share a face of a voxel
    -> Execution.proj(bordered_by='execution_id')
    """

    class Seen(dj.Part):
        """The blocks, of each channel, of which it has voxels: of the segmentation, a plane."""

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
        """The copies that it was made of: of blocks before it, too."""

        definition = """
        # copy of a block that it was made of
        -> master
        -> PulledBlock.proj(pulled_channel_id='channel_id', pulled_block='block')
        """


@schema
class Agglomeration(FilledByNextflow, dj.Computed):
    """The regions of a cutout, and what they are merged into."""

    process = "MERGE_REGIONS"
    first_rows = {"Merge": "n_merge_rows"}
    definition = """
    # regions of a cutout, merged
    -> AgglomerateRequest
    ---
    n_regions             : int64          # ids other than 0
    n_region_pairs        : int64          # that share a face of a voxel
    n_merges              : int64          # down to the lowest threshold
    n_merge_rows          : int64          # of them in Merge; all are in the Parquet file
    agglomerated_regions  : varchar(1024)  # URL of a Parquet file: region, voxel_count
    agglomerated_graph    : varchar(1024)  # URL of one: pairs, sum, count, maximum of affinities
    agglomerated_merges   : varchar(1024)  # URL of one: as Merge
    agglomerated_segments : varchar(1024)  # URL of one: threshold, supervoxel_id, segment_id
    -> Execution.proj(agglomerated_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that it was made of."""

        definition = """
        # block that it was made of
        -> master
        -> RegionBlock
        """

    class Level(dj.Part):
        """What comes of one threshold."""

        definition = """
        # segments at one threshold
        -> master
        level_threshold  : varchar(40)  # decimal text, in the unit of affinities
        ---
        n_level_merges   : int64        # the first ones
        n_level_segments : int64
        """

    class Merge(dj.Part):
        """Two segments that became one."""

        definition = """
        # merge of two segments
        -> master
        merge_step        : int64          # from 1, the highest score first
        ---
        merge_kept        : decimal(20,0)  # the smallest region in both, which names what they are
        merge_gone        : decimal(20,0)  # the smallest one in the other
        score_numerator   : int64
        score_denominator : int64
        merge_score       : float64        # that quotient, in the unit of affinities
        """


TABLES = (PulledBlock, RegionBlock, Agglomeration)
