"""Tables of channels, cutouts that were asked for, blocks that were pulled or made."""

from typing import Any

import datajoint as dj

from ..core.tables import Execution, FilledByBlock, Request, schema


@schema
class Channel(dj.Manual):
    """One image or annotation array at one resolution."""

    definition = """
    # array at one resolution, in an archive or in the store
    channel_id   : char(16)       # hash of archive, uri, resolution, and what was chosen
    ---
    archive      : varchar(255)   # host and port, or the name given with `archive`
    uri          : varchar(1024)
    resolution   : int32          # 0 is the finest
    kind         : varchar(16)    # image or annotation
    dtype        : varchar(16)
    channel_x0   : int64          # (voxels) extent, half-open
    channel_x1   : int64
    channel_y0   : int64
    channel_y1   : int64
    channel_z0   : int64
    channel_z1   : int64
    voxel_size_x : float64        # (nm)
    voxel_size_y : float64        # (nm)
    voxel_size_z : float64        # (nm)
    """

    class Choice(dj.Part):
        """What a user chose: an index, where there are several; an offset, where none is stated."""

        definition = """
        # what a user chose of a volume
        -> master
        chosen_axis  : varchar(16)  # channel or time; offset_x, offset_y, offset_z
        ---
        chosen_index : int64        # from 0; of an offset (voxels)
        """

    class Middle(dj.Part):
        """Where voxel 0 has its middle, of a level whose voxels stand for several each."""

        definition = """
        # middle of voxel 0, where that of the finest level is not in the same place
        -> master
        ---
        middle_x : float64  # (voxels) from the middle of voxel 0 of the finest level
        middle_y : float64
        middle_z : float64
        """

    class Citation(dj.Part):
        """How to cite what lies there, by the archive or by who asked for it."""

        definition = """
        # how a channel is cited
        -> master
        stated_by     : varchar(8)     # archive, or user
        ---
        citation=null : varchar(4000)  # in words
        doi=null      : varchar(255)   # 10.x/y, without the address of a resolver
        licence=null  : varchar(1000)  # SPDX name, address or words
        """


@schema
class Cutout(dj.Manual):
    """A box of a channel that a user asked for."""

    definition = """
    # box of a channel that was asked for
    -> Channel
    cutout    : varchar(64)  # x0-x1_y0-y1_z0-z1, half-open, channel voxels
    ---
    cutout_x0 : int64        # (voxels)
    cutout_x1 : int64
    cutout_y0 : int64
    cutout_y1 : int64
    cutout_z0 : int64
    cutout_z1 : int64
    """


@schema
class RequestImage(dj.Manual):
    """What the results of a request are looked at with: nothing is made of it."""

    definition = """
    # image to look at results with
    -> Request
    ---
    image_uri : varchar(1024)  # of a volume; what was given last
    """


@schema
class Block(dj.Manual):
    """A cell of the channel's block grid, clipped to a cutout."""

    definition = """
    # cell of the block grid, clipped to a cutout
    -> Channel
    block    : varchar(64)  # x0-x1_y0-y1_z0-z1, half-open, channel voxels
    ---
    block_x0 : int64        # (voxels)
    block_x1 : int64
    block_y0 : int64
    block_y1 : int64
    block_z0 : int64
    block_z1 : int64
    """


@schema
class PulledBlock(FilledByBlock, dj.Imported):
    """A block's voxels, pulled from the archive into the store.

    Blocks of a volume that is read in place have none.
    """

    process = "PULL_BLOCK"
    pulled = True
    definition = """
    # voxels pulled from the archive
    -> Block
    ---
    voxels_sha256 : char(64)  # of the ZYX C-order little-endian bytes
    -> Execution.proj(pulled_by='execution_id')
    """


@schema
class MadeChannel(dj.Manual):
    """A channel that a request makes: that it was asked for, not that it is there."""

    definition = """
    # channel that a request makes
    -> Channel
    ---
    -> Request
    output_name : varchar(64)  # which of its volumes
    """


@schema
class MadeBlock(FilledByBlock, dj.Computed):
    """A block of a made channel that is there, in the store.

    Beside the row of the unit that made it, and of the same execution.
    """

    process = "RECORD"
    definition = """
    # block of a made channel that is recorded
    -> Block
    -> MadeChannel
    ---
    made_sha256 : char(64)  # equal only where the voxels are, in whatever channel
    -> Execution.proj(made_by='execution_id')
    """


def of_requests() -> list[Any]:
    """Return the tables of requests for a channel or a cutout, of whatever workflows."""
    names = {name for parent in (Channel, Cutout) for name in parent().children()}
    tables = [dj.FreeTable(Channel().connection, name) for name in sorted(names)]
    return [
        table
        for table in tables
        if table.primary_key == ["request_id"] and "channel_id" in table.heading.names
    ]
