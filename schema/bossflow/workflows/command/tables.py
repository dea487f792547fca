"""Command lines that were asked for, and what they left."""

import datajoint as dj

from ...core.tables import Execution, FilledByNextflow, Request, schema  # noqa: F401


@schema
class CommandRequest(dj.Manual):
    """A command line that was to be run; image and words are in its parameter set."""

    definition = """
    # command line to be run
    -> Request
    ---
    command_inputs : json  # name, path as given, sha256, bytes and n_files of each input
    """


@schema
class CommandResult(FilledByNextflow, dj.Computed):
    """What a command line left."""

    process = "COMMAND"
    definition = """
    # what a command line left
    -> CommandRequest
    ---
    n_outputs     : int64
    outputs_bytes : int64
    outputs       : varchar(1024)  # URL of the directory that holds them
    -> Execution.proj(collected_by='execution_id')
    """

    class Output(dj.Part):
        """One file."""

        definition = """
        # file that it left
        -> master
        output_path   : varchar(512)  # in the directory
        ---
        output_bytes  : int64
        output_sha256 : char(64)
        """
