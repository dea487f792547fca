"""What is fitted to diffusion signals: tensors, the response of one fibre, and fODFs, by dipy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from dipy.core.gradients import gradient_table
from dipy.reconst import csdeconv as typed_csd
from dipy.reconst import dti as typed_dti
from numpy.typing import NDArray

from .gradients import UNIT, UNWEIGHTED_MOST, Gradients

csdeconv: Any = typed_csd
dti: Any = typed_dti

ANISOTROPY, FODF = "fa.npy", "fodf.npy"


class Response(NamedTuple):
    """The signal of one fibre, as an axially symmetric tensor.

    Attributes
    ----------
    along, across : float
        Diffusivities (mm²/s).
    unweighted : float
        Mean signal of unweighted volumes.
    n_voxels : int
        From how many voxels.
    """

    along: float
    across: float
    unweighted: float
    n_voxels: int


def save(path: Path, found: NDArray[np.float64]) -> None:
    """Write what was fitted: programs load numpy only after this package, which says how."""
    np.save(path, found)


def mapped(path: Path) -> NDArray[np.float64]:
    """Return a volume of what was fitted, mapped into memory; what is written to it is lost."""
    found: NDArray[np.float64] = np.load(path, mmap_mode="c")
    return found


def table(gradients: Gradients) -> Any:
    """Return gradients as dipy has them."""
    return gradient_table(
        gradients.bvals, bvecs=gradients.bvecs, b0_threshold=UNWEIGHTED_MOST, atol=UNIT
    )


def anisotropy(
    signals: NDArray[np.float64], mask: NDArray[np.bool_], gradients: Gradients
) -> NDArray[np.float64]:
    """Return the fractional anisotropy of tensors, by weighted least squares.

    Parameters
    ----------
    signals : float64 array, shape (x, y, z, n)
    mask : bool array, shape (x, y, z)
    gradients : Gradients
        Of the n volumes.

    Returns
    -------
    float64 array, shape (x, y, z)
        0 outside of the mask. Other voxels of one call may change the last digits, so blocks are
        cut alike always.

    References
    ----------
    S. Chung, Y. Lu and R. G. Henry (2006), Comparison of bootstrap approaches for estimation of
    uncertainties of DTI parameters, NeuroImage 33, doi:10.1016/j.neuroimage.2006.07.001.
    """
    found = np.zeros(mask.shape)
    if mask.any():
        fit = dti.TensorModel(table(gradients), fit_method="WLS").fit(signals, mask=mask)
        found[mask] = np.nan_to_num(fit.fa[mask])
    return found


def response(
    signals: NDArray[np.float64],
    mask: NDArray[np.bool_],
    gradients: Gradients,
    least_anisotropy: float,
) -> Response:
    """Return the response of one fibre: the mean of voxels whose tensor is long enough.

    Parameters
    ----------
    signals : float64 array, shape (x, y, z, n)
        Of the middle of an image.
    mask : bool array, shape (x, y, z)
        Which voxels may count.
    gradients : Gradients
    least_anisotropy : float
        Above which fractional anisotropy a voxel is taken to be of one fibre.

    Raises
    ------
    ValueError
        If there is no such voxel.

    References
    ----------
    J.-D. Tournier et al. (2004), Direct estimation of the fiber orientation density function from
    diffusion-weighted MRI data using spherical deconvolution, NeuroImage 23,
    doi:10.1016/j.neuroimage.2004.07.037.
    """
    single = anisotropy(signals, mask, gradients) > least_anisotropy
    if not single.any():
        raise ValueError(
            f"no voxel of white matter in the middle of the image has FA above {least_anisotropy}: "
            "give a larger response_radius or a smaller response_fa"
        )
    (evals, unweighted), _ = csdeconv.response_from_mask_ssst(table(gradients), signals, single)
    return Response(float(evals[0]), float(evals[1]), float(unweighted), int(single.sum()))


def fodf(
    signals: NDArray[np.float64],
    mask: NDArray[np.bool_],
    gradients: Gradients,
    of_fibre: Response,
    sh_order: int,
) -> NDArray[np.float64]:
    """Return fibre orientation distributions, by constrained spherical deconvolution.

    Parameters
    ----------
    signals : float64 array, shape (x, y, z, n)
    mask : bool array, shape (x, y, z)
    gradients : Gradients
    of_fibre : Response
    sh_order : int
        Of the spherical harmonics, even.

    Returns
    -------
    float64 array, shape (voxels of the mask in C order, coefficients)
        In dipy's basis `descoteaux07`. Each voxel is for itself.

    References
    ----------
    J.-D. Tournier, F. Calamante and A. Connelly (2007), Robust determination of the fibre
    orientation distribution in diffusion MRI, NeuroImage 35, doi:10.1016/j.neuroimage.2007.02.016.
    """
    n_coefficients = (sh_order + 1) * (sh_order + 2) // 2
    if not mask.any():
        return np.empty((0, n_coefficients))
    evals = np.array([of_fibre.along, of_fibre.across, of_fibre.across])
    model = csdeconv.ConstrainedSphericalDeconvModel(
        table(gradients), (evals, of_fibre.unweighted), sh_order_max=sh_order
    )
    found: NDArray[np.float64] = model.fit(signals, mask=mask).shm_coeff[mask]
    return found
