"""Tables of the downsampling of cutouts."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class DownsampleRequest(dj.Manual):
    """A cutout whose coarser levels were asked for."""

    definition = """
    # cutout to be downsampled
    -> Request
    ---
    -> Cutout
    """


@schema
class Pyramid(FilledByNextflow, dj.Computed):
    """The coarser levels of a cutout."""

    process = "CREATE_PYRAMID"
    definition = """
    # coarser levels of a cutout
    -> DownsampleRequest
    ---
    n_levels : int32          # each made of the one before
    pyramid  : varchar(1024)  # URL of the volume that holds them, without the finest
    -> Execution.proj(created_by='execution_id')
    """

    class Level(dj.Part):
        """One of them; its coordinates are those of the channel, divided by the factors."""

        definition = """
        # level that is made
        -> master
        level    : int32  # from 0, as the volume lists them
        ---
        factor_x : int64  # voxels of the channel that make one
        factor_y : int64
        factor_z : int64
        """


@schema
class PyramidBlock(FilledByBlock, dj.Computed):
    """A block of all levels, as files of the volume."""

    process = "DOWNSAMPLE_BLOCK"
    definition = """
    # block written to all levels
    -> Pyramid
    -> Block
    ---
    -> Execution.proj(downsampled_by='execution_id')
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


TABLES = (PulledBlock, Pyramid, PyramidBlock)
