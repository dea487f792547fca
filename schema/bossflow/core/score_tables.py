"""Tables of truths, of how right results are, and of numbers that programs gave."""

import datajoint as dj

from .tables import Execution, ParamSet, Request, schema


@schema
class Truth(dj.Manual):
    """What results are compared with."""

    definition = """
    # what results are compared with
    truth_id         : char(16)       # hash of kind, content and where it counts
    ---
    truth_kind       : varchar(16)    # points, labels or request
    truth_uri        : varchar(1024)  # where it was first found: a file, a volume, bossflow://ID
    truth_sha256     : char(64)       # of the file; of voxels in the box; of what a request made
    truth_size=null  : int64          # points of a file
    """

    class Seen(dj.Part):
        """What a volume's files looked like when it was read: it need not be read again."""

        definition = """
        # what files of a volume looked like that was read
        -> master
        truth_seen : char(32)  # digest of these looks, and of what was read
        """


@schema
class Score(dj.Manual):
    """How right the result of a request is. It goes with either side: see `Source`."""

    definition = """
    # how right a result is
    -> Request
    -> Truth
    -> ParamSet.proj(score_paramset_id='paramset_id')  # how they were compared
    ---
    n_truth                : int64        # objects of the truth, where both sides know of any
    n_found                : int64        # objects of the result there
    true_positives         : int64        # pairs of these
    precision              : float64      # of what was found, what is true
    recall                 : float64      # of what is true, what was found
    f1                     : float64      # harmonic mean of both
    mean_distance_nm=null  : float64      # of pairs of points
    n_truth_outside=null   : int64        # points of the truth that do not count
    n_found_outside=null   : int64        # points of the result that do not count
    n_scored_voxels=null   : int64        # of segmentations, those that count
    vi_split_bits=null     : float64      # variation of information: H(found | truth)
    vi_merge_bits=null     : float64      # H(truth | found)
    vi_bits=null           : float64      # their sum
    adapted_rand_error=null : float64
    rand_precision=null    : float64      # of pairs of voxels, as adapted_rand_error has it
    rand_recall=null       : float64
    rand_index=null        : float64
    scored                 : datetime(6)  # UTC
    """

    class Source(dj.Part):
        """What made either side."""

        definition = """
        # execution that made the result, or the truth
        -> master
        -> Execution
        """

    class Match(dj.Part):
        """A pair of points: one that was found, and one of the truth."""

        definition = """
        # pair of points
        -> master
        found_number : int64    # the result's own number of it, such as detection_id
        ---
        truth_number : int64    # row of the truth's file, from 1; or a request's own number
        distance_nm  : float64
        """


@schema
class Metric(dj.Manual):
    """A number that a program gave of what it made (`metrics` in its bundle)."""

    definition = """
    # number that a program gave of what it made
    -> Execution
    metric       : varchar(64)
    ---
    metric_value : float64
    """
