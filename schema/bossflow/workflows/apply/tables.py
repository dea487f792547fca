"""Functions that were applied to the blocks of cutouts, and what they made."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock
from ..map.tables import StagedFunction


@schema
class ApplyRequest(dj.Manual):
    """A cutout to whose blocks a function was to be applied."""

    definition = """
    # cutout to whose blocks something is applied
    -> Request
    ---
    -> Cutout
    """


@schema
class Applied(FilledByNextflow, dj.Computed):
    """What is applied, and the volume that is made so, if one is."""

    process = "BEGIN_APPLY"
    definition = """
    # what is applied to the blocks of a cutout
    -> ApplyRequest
    ---
    -> [nullable] StagedFunction.proj(applied_function='function_id')
    applied_volume=null : varchar(1024)  # URL of the new volume; null where blocks have rows
    -> Execution.proj(apply_begun_by='execution_id')
    """


@schema
class AppliedBlock(FilledByBlock, dj.Computed):
    """What was made of a block: voxels of the new volume, or rows."""

    process = "APPLY_BLOCK"
    definition = """
    # what was made of a block with its halo
    -> Applied
    -> Block
    ---
    applied_sha256=null : char(64)  # of its voxels: ZYX, C order, little-endian; null of rows
    n_block_rows=null   : int64     # null of voxels
    -> Execution.proj(applied_by='execution_id')
    """

    class Source(dj.Part):
        """What it was read from, of a volume that was made here."""

        definition = """
        # block of a volume made here that it was read from
        -> master
        -> MadeBlock.proj(source_block='block')
        """

    class Pulled(dj.Part):
        """The copies of blocks that it was made of, where there are some: of neighbours too."""

        definition = """
        # copy of a block that it was made of
        -> master
        -> PulledBlock.proj(pulled_block='block')
        """


@schema
class AppliedRows(FilledByNextflow, dj.Computed):
    """The rows of all blocks of a cutout."""

    process = "COLLECT_ROWS"
    first_rows: dict[str, str] = {}
    definition = """
    # rows of all blocks of a cutout
    -> Applied
    ---
    n_applied_rows      : int64
    applied_row_columns : json           # type by name, as Arrow calls it
    applied_rows        : varchar(1024)  # URL of the table, a directory of Parquet files
    -> Execution.proj(rows_collected_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks whose rows they are."""

        definition = """
        # block whose rows these are
        -> master
        -> AppliedBlock
        """


TABLES = (PulledBlock, Applied, AppliedBlock, AppliedRows)
