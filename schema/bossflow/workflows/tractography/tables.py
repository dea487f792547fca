"""Tables of subjects' tractograms, in the order in which data flow."""

import datajoint as dj

from ...core.tables import Execution, FilledByBlock, FilledByNextflow, ParamSet, Request, schema


@schema
class TractographyRequest(dj.Manual):
    """A subject whose tractogram was asked for."""

    definition = """
    # subject whose tractogram is to be made
    -> Request
    ---
    subject_files : json  # path, bytes and sha256 or tag of dwi, bvals, bvecs and segmentation
    """


@schema
class DwiImage(FilledByNextflow, dj.Imported):
    """A diffusion image, in blocks in the store."""

    process = "PULL_DWI"
    definition = """
    # diffusion image, in blocks
    dwi_id       : char(16)  # hash of its files' content and of the shape of blocks
    ---
    dwi_x        : int64     # (voxels)
    dwi_y        : int64
    dwi_z        : int64
    n_volumes    : int64
    n_unweighted : int64     # of them, with b 50 s/mm² or less
    shells       : json      # (s/mm²) mean b-values of the others, ascending
    dwi_affine   : json      # 4 x 4, from voxels to mm
    -> Execution.proj(dwi_pulled_by='execution_id')
    """


@schema
class WhiteMatter(FilledByNextflow, dj.Computed):
    """A segmentation on the grid of an image, and which of its labels are white matter."""

    process = "MASK_WHITE_MATTER"
    definition = """
    # labels of an image's voxels
    -> DwiImage
    white_matter_id       : char(16)  # hash of the segmentation's content and of the labels
    ---
    n_labelled_voxels     : int64     # with any label but 0
    n_white_matter_voxels : int64
    -> Execution.proj(masked_by='execution_id')
    """


@schema
class TensorBlock(FilledByBlock, dj.Computed):
    """Tensors of one block."""

    process = "FIT_TENSOR"
    definition = """
    # tensors of the labelled voxels of one block
    -> WhiteMatter
    -> ParamSet.proj(tensor_paramset_id='paramset_id')
    tensor_block    : varchar(64)  # box, voxels of the image
    ---
    n_tensor_voxels : int64
    mean_fa=null    : float64      # fractional anisotropy; null where there is no voxel
    -> Execution.proj(tensor_fitted_by='execution_id')
    """


@schema
class FibreResponse(FilledByNextflow, dj.Computed):
    """The signal of one fibre, from the middle of an image."""

    process = "FIT_RESPONSE"
    definition = """
    # signal of one fibre, as an axially symmetric tensor
    -> WhiteMatter
    -> ParamSet.proj(response_paramset_id='paramset_id')
    ---
    response_along      : float64  # (mm²/s) diffusivity along it
    response_across     : float64  # (mm²/s)
    response_unweighted : float64  # mean signal of unweighted volumes
    response_n_voxels   : int64    # from which it was estimated
    -> Execution.proj(response_fitted_by='execution_id')
    """


@schema
class FodfBlock(FilledByBlock, dj.Computed):
    """Fibre orientation distributions of one block."""

    process = "FIT_FODF"
    definition = """
    # fibre orientation distributions of the white matter of one block
    -> FibreResponse
    -> ParamSet.proj(fodf_paramset_id='paramset_id')
    fodf_block    : varchar(64)  # box, voxels of the image
    ---
    n_fodf_voxels : int64
    -> Execution.proj(fodf_fitted_by='execution_id')
    """


@schema
class FodfVolume(FilledByNextflow, dj.Computed):
    """What was fitted to the blocks of an image, as volumes that tracking maps into memory."""

    process = "COLLECT_FODF"
    definition = """
    # fits of an image's blocks as one
    -> FibreResponse
    -> ParamSet.proj(fodf_paramset_id='paramset_id')
    -> ParamSet.proj(tensor_paramset_id='paramset_id')
    ---
    fodf_volume : varchar(1024)  # URL of coefficients: npy, float64, (x, y, z, n), dipy's basis
    fa_volume   : varchar(1024)  # URL of fractional anisotropy: npy, float64, (x, y, z)
    -> Execution.proj(fodf_collected_by='execution_id')
    """

    class Source(dj.Part):
        """The fits of the blocks that it was made of."""

        definition = """
        # fits of a block that it was made of
        -> master
        -> FodfBlock
        ---
        -> TensorBlock
        """


@schema
class TractogramPart(FilledByNextflow, dj.Computed):
    """Streamlines from the seeds of one group that have one number in their voxels."""

    process = "TRACK_GROUP"
    definition = """
    # streamlines of a group of seeds
    -> FodfVolume
    -> ParamSet.proj(track_paramset_id='paramset_id')
    seed_group         : int32  # from 0 on: of the groups that seeds fall into by their voxel
    seed_number        : int32  # from 0 on: of the seeds of a voxel
    ---
    part_n_seeds       : int64
    part_n_streamlines : int64
    part_n_points      : int64
    part_n_left_volume : int64  # streamlines that end where the volume does
    -> Execution.proj(tracked_by='execution_id')
    """


@schema
class Tractogram(FilledByNextflow, dj.Computed):
    """The tractogram of a subject."""

    process = "MERGE_TRACTS"
    definition = """
    # tractogram of a subject
    -> TractographyRequest
    ---
    tract_n_seeds       : int64
    tract_n_streamlines : int64
    tract_n_points      : int64
    tract_n_left_volume : int64          # streamlines that end where the volume does
    tract_n_bundle=null : int64          # streamlines that through_labels and avoid_labels choose
    n_connections       : int64          # pairs of labels that streamlines connect
    tract_lines         : varchar(1024)  # URL of the directory of tractogram.trx
    tract_connectome    : varchar(1024)  # URL of the directory of the Parquet file of connections
    tract_maps          : varchar(1024)  # URL of the directory of density.nii and fa.nii
    tract_pictures      : varchar(1024)  # URL of the directory of pictures
    -> Execution.proj(tracts_merged_by='execution_id')
    """

    class Source(dj.Part):
        """The parts that it was made of."""

        definition = """
        # part that it was made of
        -> master
        -> TractogramPart
        """

    class Connection(dj.Part):
        """Streamlines between two labels, either way."""

        definition = """
        # streamlines that connect two labels
        -> master
        label_a        : int64    # of the segmentation, at one end; 0 where there is none
        label_b        : int64    # at the other; not below label_a
        ---
        n_connecting   : int64
        mean_length_mm : float64
        mean_tract_fa  : float64  # mean over streamlines of their mean over points
        """


TABLES = (
    DwiImage,
    WhiteMatter,
    TensorBlock,
    FibreResponse,
    FodfBlock,
    FodfVolume,
    TractogramPart,
    Tractogram,
)
