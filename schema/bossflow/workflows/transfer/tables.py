"""Tables of the transfer of cutouts into new volumes."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class TransferRequest(dj.Manual):
    """A cutout of which a new volume was asked for."""

    definition = """
    # cutout to be written to a new volume
    -> Request
    ---
    -> Cutout
    """


@schema
class TransferredVolume(FilledByNextflow, dj.Computed):
    """A volume that a cutout is written to."""

    process = "CREATE_VOLUME"
    definition = """
    # new volume of a cutout
    -> TransferRequest
    ---
    transferred : varchar(1024)  # URL of the volume
    -> Execution.proj(begun_by='execution_id')
    """


@schema
class TransferredBlock(FilledByBlock, dj.Computed):
    """A block of the new volume."""

    process = "TRANSFER_BLOCK"
    definition = """
    # block written to the new volume
    -> TransferredVolume
    -> Block
    ---
    written_sha256 : char(64)  # of what was read back: its ZYX C-order little-endian bytes
    -> Execution.proj(transferred_by='execution_id')
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


TABLES = (PulledBlock, TransferredVolume, TransferredBlock)
