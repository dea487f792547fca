"""Tables of what is detected in cutouts."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema
from ...volumes.tables import Block, Cutout, MadeBlock, PulledBlock


@schema
class DetectRequest(dj.Manual):
    """A cutout in which objects were to be detected."""

    definition = """
    # cutout in which objects are to be detected
    -> Request
    ---
    -> Cutout
    """


@schema
class BlockHistogram(FilledByBlock, dj.Computed):
    """How often each value is in a block."""

    process = "COUNT_VALUES"
    definition = """
    # values of one block, counted
    -> Block
    -> ParamSet.proj(histogram_paramset_id='paramset_id')
    ---
    n_block_values : int64  # of different values
    -> Execution.proj(values_counted_by='execution_id')
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
class FittedMixture(FilledByBlock, dj.Computed):
    """Two Gaussians that make up the histogram of a cutout."""

    process = "FIT_MIXTURE"
    definition = """
    # mixture of two Gaussians, of all values of a cutout
    -> Cutout
    -> ParamSet.proj(mixture_paramset_id='paramset_id')
    ---
    dark_weight     : float64
    dark_mean       : float64
    dark_variance   : float64
    bright_weight   : float64
    bright_mean     : float64
    bright_variance : float64
    -> Execution.proj(mixture_fitted_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks whose values it was fitted to."""

        definition = """
        # block whose values it was fitted to
        -> master
        -> BlockHistogram
        """


@schema
class BlockDetections(FilledByBlock, dj.Computed):
    """What is found in one block, and what only the blocks around it decide."""

    process = "DETECT_BLOCK"
    definition = """
    # what is found in one block
    -> Block
    -> ParamSet.proj(detect_paramset_id='paramset_id')
    detect_surroundings : char(16)  # hash of what is known around the block, and of the mixture
    ---
    n_certain : int64               # found whatever the other blocks have
    n_open    : int64               # places that the other blocks decide
    -> Execution.proj(detected_by='execution_id')
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

    class Mixture(dj.Part):
        """The mixture by which values became probabilities, if they did."""

        definition = """
        # mixture by which values became probabilities
        -> master
        -> FittedMixture
        """


@schema
class Detections(FilledByNextflow, dj.Computed):
    """The objects of a cutout."""

    process = "SETTLE_DETECTIONS"
    first_rows = {"Detection": "n_detection_rows"}
    definition = """
    # objects of a cutout, as points
    -> DetectRequest
    ---
    n_detections     : int64
    n_detection_rows : int64          # of them in Detection; all are in the Parquet files
    detections       : varchar(1024)  # URL of a directory of Parquet files, the best first
    -> Execution.proj(settled_by='execution_id')
    """

    class Source(dj.Part):
        """The blocks that it was made of."""

        definition = """
        # block that it was made of
        -> master
        -> BlockDetections
        """

    class Detection(dj.Part):
        """One object: a point, the middle of a voxel."""

        definition = """
        # one object
        -> master
        detection_id        : int64    # from 1, in the order in which the whole cutout has them
        ---
        detection_x         : int64    # (voxels) channel coordinates
        detection_y         : int64
        detection_z         : int64
        detection_x_nm      : float64  # (nm) these times voxel size
        detection_y_nm      : float64
        detection_z_nm      : float64
        detection_score     : float64  # of spheres the mean probability, of blobs the response
        detection_radius_nm : float64  # (nm) of a sphere; of blobs sqrt(3) times sigma_nm
        """


TABLES = (PulledBlock, BlockHistogram, FittedMixture, BlockDetections, Detections)
