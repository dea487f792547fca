"""Functions that were mapped over rows, and what their calls returned."""

import datajoint as dj

from ...core.tables import Execution, FilledByNextflow, Request, schema  # noqa: F401


@schema
class MappedFunction(dj.Manual):
    """A function: its sources, and the versions that they import."""

    definition = """
    # function that is mapped over rows
    function_id        : char(16)      # start of function_sha256
    ---
    function_module    : varchar(255)
    function_name      : varchar(255)
    function_sha256    : char(64)      # digest of all that decides what it is
    function_python    : varchar(16)   # version of Python, such as 3.11
    function_versions  : json          # distribution to version, of what its sources import
    function_files     : json          # path in its project to sha256
    """


@schema
class MapRequest(dj.Manual):
    """A function that was to be called for each row; the rows are in `Request.Given`."""

    definition = """
    # function to be called for each row
    -> Request
    ---
    -> MappedFunction
    n_calls : int64  # distinct ones
    """


@schema
class StagedFunction(FilledByNextflow, dj.Computed):
    """The sources of a function, as they were when it was first asked for."""

    process = "STAGE_FUNCTION"
    definition = """
    # sources of a function, in a store
    -> MappedFunction
    ---
    n_source_files : int64
    sources        : varchar(1024)  # URL of the directory that holds them
    -> Execution.proj(staged_by='execution_id')
    """


@schema
class FunctionCall(FilledByNextflow, dj.Computed):
    """What one call returned."""

    process = "CALL_FUNCTION"
    definition = """
    # what a call returned
    -> StagedFunction
    call_id          : char(16)       # hash of function and arguments
    ---
    call_arguments   : json           # as the database keeps numbers; exact in Request.Given
    result_kind      : varchar(16)    # json, numpy, arrow or files
    result_json=null : varchar(4000)  # JSON text: the result, or which files are it; null if longer
    result_url=null  : varchar(1024)  # URL of what holds it; null where result_json does
    call_seconds     : float64        # wall time
    -> Execution.proj(returned_by='execution_id')
    """

    class Source(dj.Part):
        """What made files that it was called with, where these lie in a store."""

        definition = """
        # what made a file that a call was given
        -> master
        -> Execution.proj(file_made_by='execution_id')
        """
