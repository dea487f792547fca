"""Tables of the labelling of cutouts."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class LabelRequest(dj.Manual):
    """A cutout whose components were asked for."""

    definition = """
    # cutout to be labelled
    -> Request
    ---
    -> Cutout
    """


@schema
class BlockLabels(FilledByBlock, dj.Computed):
    """Components within one block."""

    process = "LABEL_BLOCK"
    definition = """
    # components within one block
    -> Block
    -> ParamSet.proj(label_paramset_id='paramset_id')
    ---
    n_labels : int64  # local components
    -> Execution.proj(labelled_by='execution_id')
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
class BlockLinks(FilledByBlock, dj.Computed):
    """Which components within a block touch those of the blocks before it."""

    process = "LINK_BLOCK"
    definition = """
    # components of a block that touch those of blocks before it
    -> BlockLabels
    neighbourhood : char(16)  # hash of the names of these blocks
    ---
    n_links : int64           # pairs of local components
    -> Execution.proj(linked_by='execution_id')
    """

    class Neighbour(dj.Part):
        """A block before it."""

        definition = """
        # block before it that touches it
        -> master
        -> BlockLabels.proj(neighbour_block='block')
        """


@schema
class Segmentation(FilledByNextflow, dj.Computed):
    """The connected components of a cutout."""

    process = "STITCH"
    first_rows = {"Component": "n_component_rows"}
    definition = """
    # connected components of a cutout
    -> LabelRequest
    ---
    n_components     : int64          # numbered 1 to n by their first voxel in ZYX C order
    n_component_rows : int64          # of them in Component; all are in the Parquet files
    volume           : varchar(1024)  # URL of the Neuroglancer precomputed volume of component ids
    components       : varchar(1024)  # URL of the component table, a directory of Parquet files
    -> Execution.proj(stitched_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that a segmentation was made of."""

        definition = """
        # block that it was made of
        -> master
        -> BlockLabels
        ---
        -> BlockLinks
        """

    class Component(dj.Part):
        """One connected component."""

        definition = """
        # one connected component
        -> master
        component_id    : int64          # value in the volume, from 1
        ---
        segment_id=null : decimal(20,0)  # value in the source; null when it is foreground
        voxel_count     : int64
        bbox_x0         : int64          # (voxels) half-open, channel coordinates
        bbox_x1         : int64
        bbox_y0         : int64
        bbox_y1         : int64
        bbox_z0         : int64
        bbox_z1         : int64
        centroid_x      : float64        # (voxels) mean voxel index, channel coordinates
        centroid_y      : float64
        centroid_z      : float64
        centroid_x_nm   : float64        # (nm) centroid times voxel size
        centroid_y_nm   : float64
        centroid_z_nm   : float64
        """


@schema
class SegmentationBlock(FilledByBlock, dj.Computed):
    """A block of the segmentation's volume."""

    process = "RELABEL_BLOCK"
    definition = """
    # block written to the volume
    -> Segmentation.Source
    ---
    lookup_sha256 : char(64)  # of its labels' component ids
    -> Execution.proj(relabelled_by='execution_id')
    """


TABLES = (PulledBlock, BlockLabels, BlockLinks, Segmentation, SegmentationBlock)
