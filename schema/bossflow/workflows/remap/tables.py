"""Tables of segmentations that were rewritten by a table of ids."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class RemapRequest(dj.Manual):
    """A cutout of a segmentation whose ids were to be rewritten."""

    definition = """
    # cutout whose ids are to be rewritten
    -> Request
    ---
    -> Cutout
    """


@schema
class RemappedVolume(FilledByNextflow, dj.Computed):
    """A volume of new ids, and the table that says what they are."""

    process = "READ_TABLE"
    definition = """
    # table of ids, and the volume that is written by it
    -> RemapRequest
    ---
    n_table_rows    : int64          # ids that the table has
    table_sha256    : char(64)       # of these, in order, and of what they become
    remapped_volume : varchar(1024)  # URL of the volume
    -> Execution.proj(table_read_by='execution_id')
    """

    class Source(dj.Part):
        """What made the table, where that was made here."""

        definition = """
        # what made the table
        -> master
        -> Execution.proj(table_made_by='execution_id')
        """


@schema
class RemappedBlock(FilledByBlock, dj.Computed):
    """A block of the volume."""

    process = "REMAP_BLOCK"
    definition = """
    # block written with new ids, on all levels
    -> RemappedVolume
    -> Block
    ---
    n_remapped_segments : int64  # of the block
    -> Execution.proj(remapped_by='execution_id')
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
class RemappedSegments(FilledByNextflow, dj.Computed):
    """What there is of segments in the volume."""

    process = "SUM_REMAPPED"
    first_rows: dict[str, str] = {}
    definition = """
    # segments of a volume of new ids
    -> RemappedVolume
    ---
    n_source_segments : int64          # of the source; 0 is none
    n_new_segments    : int64          # of the volume
    remapped_segments : varchar(1024)  # URL of the table of these, a directory of Parquet files
    -> Execution.proj(remapped_summed_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that were added up."""

        definition = """
        # block that was added up
        -> master
        -> RemappedBlock
        """


TABLES = (PulledBlock, RemappedVolume, RemappedBlock, RemappedSegments)
