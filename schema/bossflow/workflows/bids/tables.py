"""BIDS Apps that were run: what they were shown, what they left, and how they ended."""

import datajoint as dj

from ...core.tables import Execution, FilledByNextflow, ParamSet, Request, schema


@schema
class BidsRequest(dj.Manual):
    """An app that was to be run for a dataset; what it is shown is in `Request.Given`."""

    definition = """
    # BIDS App to be run for a dataset
    -> Request
    ---
    bids_dir     : varchar(4096)  # where the dataset was last asked for
    bids_name    : varchar(255)   # what it calls itself
    bids_level   : varchar(16)    # participant, session, group, or validation of the dataset
    n_bids_views : int64          # participants or sessions
    """


@schema
class BidsView(dj.Manual):
    """What an app is shown: the files of the root, and of a participant or a session."""

    definition = """
    # files of a dataset that an app is shown
    bids_view        : varchar(140) # sub-01, sub-01 ses-2, or all
    view_id          : char(32)     # hash of labels and of all files
    ---
    participant      : varchar(64)  # label, without sub-; empty of all at once
    bids_session     : varchar(64)  # label, without ses-; empty of all sessions
    n_view_files     : int64
    view_bytes       : int64
    """


@schema
class AppRun(FilledByNextflow, dj.Computed):
    """What an app left of a participant or session."""

    process = "RUN_APP"
    definition = """
    # what an app left of a participant or session
    -> BidsView
    -> ParamSet.proj(app_paramset_id='paramset_id')
    ---
    app_exit_code        : int32
    app_seconds          : float64        # wall time
    app_cpu_seconds=null : float64        # null where it can't be seen
    app_peak_bytes=null  : int64          # resident memory; null where it can't be seen
    app_work_bytes       : int64          # of its scratch at the end
    n_app_files          : int64
    app_bytes            : int64
    app_outputs          : varchar(1024)  # URL of the directory that holds them
    app_log              : varchar(1024)  # URL of all that it said
    -> Execution.proj(app_run_by='execution_id')
    """

    class Input(dj.Part):
        """One file of its view."""

        definition = """
        # file that it was shown
        -> master
        input_path   : varchar(512)  # in the dataset
        ---
        input_bytes  : int64
        input_sha256 : char(64)
        """

    class Output(dj.Part):
        """One file."""

        definition = """
        # file that it left
        -> master
        app_file        : varchar(512)  # in its outputs
        ---
        app_file_bytes  : int64
        app_file_sha256 : char(64)
        """


@schema
class GroupRun(FilledByNextflow, dj.Computed):
    """What an app left of a group."""

    process = "RUN_GROUP"
    definition = """
    # what an app left of a group
    -> BidsRequest
    ---
    group_exit_code        : int32
    group_seconds          : float64        # wall time
    group_cpu_seconds=null : float64        # null where it can't be seen
    group_peak_bytes=null  : int64          # resident memory; null where it can't be seen
    group_work_bytes       : int64          # of its scratch at the end
    n_group_files          : int64          # that are new, or other than a participant's
    group_bytes            : int64
    group_outputs          : varchar(1024)  # URL of the directory that holds them
    group_log              : varchar(1024)  # URL of all that it said
    -> Execution.proj(group_run_by='execution_id')
    """

    class Source(dj.Part):
        """A run whose outputs it was given."""

        definition = """
        # run whose outputs it was given
        -> master
        -> AppRun
        """

    class Output(dj.Part):
        """One file."""

        definition = """
        # file that it left
        -> master
        group_file        : varchar(512)  # in its outputs
        ---
        group_file_bytes  : int64
        group_file_sha256 : char(64)
        """


@schema
class DatasetFindings(FilledByNextflow, dj.Computed):
    """What the validator found in a dataset."""

    process = "VALIDATE_DATASET"
    definition = """
    # what the validator found in a dataset
    -> BidsRequest
    ---
    validator_version : varchar(64)
    n_bids_errors     : int64
    n_bids_warnings   : int64
    -> Execution.proj(validated_by='execution_id')
    """

    class Finding(dj.Part):
        """One finding."""

        definition = """
        # finding
        -> master
        finding         : int64          # in the validator's order
        ---
        finding_code    : varchar(128)   # such as NO_AUTHORS
        finding_subcode : varchar(255)
        severity        : varchar(16)    # error or warning
        finding_path    : varchar(512)   # file in the dataset
        finding_message : varchar(1000)
        """


@schema
class Derivatives(FilledByNextflow, dj.Computed):
    """The derivative dataset: links to what all runs of a request left."""

    process = "GATHER_RUNS"
    definition = """
    # derivative dataset of what an app left
    -> BidsRequest
    ---
    n_derivatives : int64          # files
    derivatives   : varchar(1024)  # URL of the directory that holds the dataset
    -> Execution.proj(gathered_by='execution_id')
    """

    class Source(dj.Part):
        """A run whose outputs are in it."""

        definition = """
        # run whose outputs are in it
        -> master
        -> AppRun
        """

    class Group(dj.Part):
        """The group's run, where there is one."""

        made_from = GroupRun
        definition = """
        # run of the group whose outputs are in it
        -> master
        -> GroupRun
        """
