"""The core's tables: runs, environments, parameter sets, executions, requests.

Every table of every workflow is declared in `schema`; results point to the `Execution` that
made them, and requests to the run that first asked for them.
"""

from typing import Any

import datajoint as dj

from ..database.bound import Schema

schema = Schema()


class FilledByNextflow:
    """A stage table: Nextflow fills it, by the process that it names.

    A part without columns of its own may name in `made_from` the stage table whose key is in the
    master's, and that it refers to: RECORD fills it where the unit has an input from there.
    """

    process: str
    pulled = False
    """Whether it holds copies of what lies outside of the stores, at the place that its parent (one
    table, whose primary key is its own) names. A wrong copy goes with all made of the place."""

    def make(self, key: dict[str, Any]) -> None:
        """Refuse: nothing is computed here."""
        raise NotImplementedError(
            f"{type(self).__name__} is filled by process {self.process} of `nextflow run`; "
            "`bossflow status` shows what is missing"
        )


class FilledByBlock(FilledByNextflow):
    """A stage table with a row for each block.

    How a cutout is cut into blocks is no key of a parent table, so DataJoint can't count them.
    """

    @classmethod
    def progress(cls, *_: Any, **__: Any) -> tuple[int, int]:
        """Refuse: the number would mislead."""
        raise NotImplementedError(
            f"{cls.__name__} can't tell what is missing: `bossflow status` does"
        )


@schema
class SchemaVersion(dj.Manual):
    """Which version the tables are of: the largest here. Its own columns never change."""

    definition = """
    # versions that these tables have had
    schema_version : int32
    ---
    deployed       : datetime     # UTC
    deployed_by    : varchar(40)  # version of bossflow
    """


@schema
class Run(dj.Manual):
    """One `nextflow run`."""

    definition = """
    # one nextflow run
    run_id           : char(16)      # hash of Nextflow's session, run name and start
    ---
    run_name         : varchar(100)  # Nextflow's name, such as happy_euler
    run_started      : datetime(6)   # UTC
    run_user         : varchar(100)  # account that started it
    revision         : varchar(100)  # version, and commit where it is known, of the pipeline
    nextflow_version : varchar(40)
    profile          : varchar(255)
    run_parameters   : json          # as given, defaults included; store resolved; when it ended
    """

    class Failure(dj.Part):
        """A unit that this run tried and could not make."""

        definition = """
        # unit that failed in a run
        -> master
        unit_id        : char(32)       # hash of process and key
        ---
        failed_process : varchar(64)
        failed_key     : json           # primary key of the row it should have filled
        error          : varchar(1000)  # one sentence
        """

    class Attempt(dj.Part):
        """An attempt at running somebody else's tool for a unit, whatever became of it."""

        definition = """
        # how a tool ended
        -> master
        attempted_unit           : char(32)       # unit id
        attempt                  : int32          # from 1
        ---
        exit_code                : int32          # 128 and the signal, if one ended it
        attempt_seconds          : float64        # wall time
        attempt_cpu_seconds=null : float64        # null where it can't be seen
        attempt_peak_bytes=null  : int64          # resident memory; null where it can't be seen
        attempt_memory_bytes     : int64          # what it might use
        log_end                  : varchar(4000)  # of what it said
        """


@schema
class Environment(dj.Manual):
    """What software made a result."""

    definition = """
    # container and software versions
    environment_id : char(16)               # hash of the rest
    ---
    container=null : varchar(255)           # image with digest; null outside of containers
    code           : char(16)               # hash of the programs in bin/
    software       : json                   # distribution to version
    """


@schema
class ParamSet(dj.Manual):
    """A method, its version and its parameters."""

    definition = """
    # method and parameters
    paramset_id    : char(16)     # hash of the rest
    ---
    method         : varchar(64)
    method_version : varchar(16)
    parameters     : json
    """


@schema
class Store(dj.Manual):
    """A directory, or a path in a bucket, where bundles are kept for good."""

    definition = """
    # where bundles are kept for good
    store_id : char(32)           # in its own store.json, wherever it lies
    """

    class Place(dj.Part):
        """Where a machine sees it."""

        definition = """
        # where a machine sees a store
        -> master
        machine   : varchar(255)   # its host name
        ---
        store_url : varchar(1024)
        """

    class Retired(dj.Part):
        """A bundle that was invalidated while the store was away: to be set aside there."""

        definition = """
        # bundle to be set aside when the store is met again
        -> master
        retired_path   : varchar(255)  # its directory in the store
        retired_sha256 : char(64)      # of its bundle.json
        """


@schema
class Execution(dj.Manual):
    """One unit that was made: when, by what, where its bundle is."""

    definition = """
    # how a bundle was made
    execution_id      : char(32)       # start of the sha256 of bundle.json
    ---
    process           : varchar(64)    # Nextflow process
    -> Run
    -> Environment
    task              : varchar(255)   # Nextflow's task directory, such as 3f/70944c…
    executed          : datetime       # UTC, when it began
    execution_seconds : float64        # wall time
    peak_memory_bytes : int64          # of the program so far
    bundle_url        : varchar(1024)  # directory of the bundle when it was recorded
    bundle_bytes      : int64          # all its files
    manifest_sha256   : char(64)       # of bundle.json
    content_sha256    : char(64)       # of what was made: the same for the same result
    """

    class Copy(dj.Part):
        """A store that has its bundle: the first one, and others for which it was made again."""

        definition = """
        # bundle of the same content in a store
        -> master
        -> Store
        ---
        copy_path   : varchar(255)  # its directory in the store
        copy_sha256 : char(64)      # of its bundle.json
        """

    class Dropped(dj.Part):
        """A store in which its bundle was deleted to save space: what is recorded of it holds."""

        definition = """
        # bundle that was deleted from a store, and can be made again
        -> master
        -> Store
        ---
        dropped_path   : varchar(255)  # its directory in the store
        dropped_sha256 : char(64)      # of its bundle.json
        dropped        : datetime      # UTC
        """


@schema
class Reading(dj.Manual):
    """What a unit read outside of the stores, by which a change of that is noticed.

    A row for each execution, not for each block: two results that read the same block go their own
    ways when one is invalidated.
    """

    definition = """
    # what an execution read outside of the stores
    -> Execution
    ---
    reading_version : varchar(16)  # of the way it was read
    files_seen=null : char(32)     # digest of what its files looked like; null if nothing tells
    """


@schema
class Request(dj.Manual):
    """One result that was asked for."""

    definition = """
    # one result that was asked for
    request_id : char(16)      # hash of workflow, parameters and what they are applied to
    ---
    workflow   : varchar(255)  # module that knows its units
    -> ParamSet
    -> Run.proj(first_run_id='run_id')
    """

    class Given(dj.Part):
        """What its units follow from; none where it was recorded before that was kept."""

        definition = """
        # what the units of a request follow from
        -> master
        ---
        given : json  # as text: canonical JSON of parameter sets, subject, and what units need
        """

    class Name(dj.Part):
        """What a user called it, in which run last; it may have several names, others the same."""

        definition = """
        # what a user called a request
        -> master
        request_name : varchar(64)
        ---
        -> Run.proj(naming_run_id='run_id')
        """
