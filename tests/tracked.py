"""A small brain that dipy's wheel carries, fitted: what tracking starts from."""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Fitted(NamedTuple):
    """The fODF (X, Y, Z, 45), fractional anisotropy (X, Y, Z) and affine (4, 4) of small_64D."""

    sh: np.ndarray
    fa: np.ndarray
    affine: np.ndarray


@cache
def small() -> Fitted:
    """Fit small_64D, 10x10x10 voxels with an oblique affine, as whole volumes."""
    import dipy
    import nibabel
    from dipy.core.gradients import gradient_table
    from dipy.reconst.csdeconv import ConstrainedSphericalDeconvModel, auto_response_ssst
    from dipy.reconst.dti import TensorModel

    data = Path(dipy.__file__).parent / "data" / "files"
    image = nibabel.load(data / "small_64D.nii")
    voxels = np.asarray(image.dataobj)
    bvecs = np.loadtxt(data / "small_64D.bvec")
    gradients = gradient_table(np.loadtxt(data / "small_64D.bval"), bvecs=bvecs)
    fa = np.nan_to_num(TensorModel(gradients).fit(voxels).fa)
    response, _ = auto_response_ssst(gradients, voxels, roi_radii=5, fa_thr=0.5)
    sh = ConstrainedSphericalDeconvModel(gradients, response, sh_order_max=8).fit(voxels).shm_coeff
    return Fitted(sh, fa, image.affine)
