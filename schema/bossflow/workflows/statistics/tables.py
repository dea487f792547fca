"""Tables of what is measured of segments."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Channel, Cutout, MadeBlock, PulledBlock


@schema
class StatisticsRequest(dj.Manual):
    """A cutout whose segments were to be measured."""

    definition = """
    # cutout whose segments are to be measured
    -> Request
    ---
    -> Cutout
    -> [nullable] Channel.proj(intensity_channel_id='channel_id')
    """


@schema
class BlockStatistics(FilledByBlock, dj.Computed):
    """What is measured of the segments within one block."""

    process = "MEASURE_BLOCK"
    definition = """
    # segments within one block, measured
    -> Block
    -> ParamSet.proj(measure_paramset_id='paramset_id')  # names the image too
    ---
    n_block_segments : int64
    -> Execution.proj(measured_by='execution_id')
    """

    class Source(dj.Part):
        """What it was read from, of volumes that were made here: segmentation or image."""

        definition = """
        # block of a volume made here that it was read from
        -> master
        -> MadeBlock.proj(source_channel_id='channel_id', source_block='block')
        """

    class Pulled(dj.Part):
        """The copies that it was made of: of the segmentation's block, of the image's."""

        definition = """
        # copy of a block that it was made of
        -> master
        -> PulledBlock.proj(pulled_channel_id='channel_id', pulled_block='block')
        """


@schema
class Statistics(FilledByNextflow, dj.Computed):
    """The segments of a cutout, and which of them touch."""

    process = "MERGE_SEGMENTS"
    first_rows = {"Segment": "n_segment_rows", "Contact": "n_contact_rows"}
    definition = """
    # segments of a cutout, measured
    -> StatisticsRequest
    ---
    n_segments               : int64          # ids other than 0
    n_segment_rows           : int64          # of them in Segment; all are in the Parquet files
    n_contacts               : int64          # pairs that share a face of a voxel
    n_contact_rows           : int64          # of them in Contact
    segments                 : varchar(1024)  # URL of a directory of Parquet files, in order of ids
    contacts                 : varchar(1024)  # URL of a directory of Parquet files
    histograms=null          : varchar(1024)  # the same: segment_id, bin (from 0), voxel_count
    histogram_start=null     : int64          # the smallest value of bin 0
    histogram_bin_width=null : int64          # values of a bin
    histogram_bins=null      : int64          # of the image's whole range
    -> Execution.proj(merged_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that it was made of."""

        definition = """
        # block that it was made of
        -> master
        -> BlockStatistics
        """

    class Segment(dj.Part):
        """One segment: all voxels of an id, connected or not."""

        definition = """
        # voxels of one id
        -> master
        measured_segment      : decimal(20,0)  # value in the source
        ---
        segment_voxel_count   : int64
        segment_x0            : int64          # (voxels) box, half-open, channel coordinates
        segment_x1            : int64
        segment_y0            : int64
        segment_y1            : int64
        segment_z0            : int64
        segment_z1            : int64
        segment_centroid_x    : float64        # (voxels) mean voxel index, channel coordinates
        segment_centroid_y    : float64
        segment_centroid_z    : float64
        segment_centroid_x_nm : float64        # (nm) centroid times voxel size
        segment_centroid_y_nm : float64
        segment_centroid_z_nm : float64
        mean_intensity=null   : float64        # of the image's values; null without an image
        std_intensity=null    : float64        # of the population
        min_intensity=null    : int64
        max_intensity=null    : int64
        """

    class Contact(dj.Part):
        """Two segments that share faces of voxels; or one, and what is no segment."""

        definition = """
        # faces of voxels that two segments share
        -> master
        touching_segment : decimal(20,0)  # value in the source
        touched_segment  : decimal(20,0)  # a larger one; or 0: no segment
        ---
        faces_z          : int64          # faces across z: of x times y of a voxel
        faces_y          : int64
        faces_x          : int64
        contact_area_nm2 : float64        # (nm2) of all of these
        """


TABLES = (PulledBlock, BlockStatistics, Statistics)
