"""A subject's tractogram by dipy. python tractography.py {dipy,dask} SUBJECT SEEDS.npy OUT.npy.

SUBJECT is a folder with dwi.nii.gz, bvals, bvecs and aseg.nii.gz; seeds are in voxels. `dipy` makes
one call for each step, on one core. `dask` gives the same steps to two workers of a LocalCluster:
fits by slabs of 20 voxels, tracking by eight groups of seeds. Both write the tractogram as TRX, and
the positions of its points.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from dipy.core.gradients import gradient_table
from dipy.io.gradients import read_bvals_bvecs
from dipy.io.stateful_tractogram import Space, StatefulTractogram
from dipy.io.streamline import save_tractogram
from dipy.reconst.csdeconv import (
    ConstrainedSphericalDeconvModel,
    mask_for_response_ssst,
    response_from_mask_ssst,
)
from dipy.reconst.dti import TensorModel
from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion
from dipy.tracking.tracker import probabilistic_tracking

WHITE_MATTER = (2, 41, 16, 77, 250, 251, 252, 253, 254, 255)
SLAB, GROUPS = 20, 8


def anisotropy(gradients: Any, data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the fractional anisotropy of tensors fitted by weighted least squares."""
    return np.asarray(TensorModel(gradients, fit_method="WLS").fit(data, mask=mask).fa)


def fodf(gradients: Any, response: Any, data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the coefficients of fODFs."""
    model = ConstrainedSphericalDeconvModel(gradients, response, sh_order_max=8)
    return np.asarray(model.fit(data, mask=mask).shm_coeff)


def track(sh: np.ndarray, fa: np.ndarray, size: np.ndarray, seeds: np.ndarray) -> list[np.ndarray]:
    """Return streamlines, in voxels."""
    return list(
        probabilistic_tracking(
            *(seeds, ThresholdStoppingCriterion(fa, 0.1), np.eye(4)),
            **{"sh": sh, "voxel_size": np.array(size, float), "nbr_threads": 1},
            **{"step_size": 0.5, "max_angle": 20, "min_len": 10, "max_len": 300},
            random_seed=1_000_003,
        )
    )


def serial(gradients: Any, data: Any, labels: Any, size: Any, seeds: Any) -> list[np.ndarray]:
    """Make one call for each step."""
    white = np.isin(labels, WHITE_MATTER)
    fa = anisotropy(gradients, data, labels != 0)
    single = mask_for_response_ssst(gradients, data, roi_radii=10, fa_thr=0.7)
    response, _ = response_from_mask_ssst(gradients, data, single * white)
    return track(fodf(gradients, response, data, white), fa, size, seeds)


def clustered(gradients: Any, data: Any, labels: Any, size: Any, seeds: Any) -> list[np.ndarray]:
    """Give slabs and groups of seeds to two workers."""
    from distributed import Client, LocalCluster

    white = np.isin(labels, WHITE_MATTER)
    slabs = [slice(start, start + SLAB) for start in range(0, len(data), SLAB)]
    cluster = LocalCluster(2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        blocks = client.scatter([data[one] for one in slabs])
        masks = [(labels != 0)[one] for one in slabs]
        pairs = zip(blocks, masks, strict=True)
        fits = [client.submit(anisotropy, gradients, *pair) for pair in pairs]
        single = mask_for_response_ssst(gradients, data, roi_radii=10, fa_thr=0.7)
        response, _ = response_from_mask_ssst(gradients, data, single * white)
        pairs = zip(blocks, [white[one] for one in slabs], strict=True)
        own = [client.submit(fodf, gradients, response, *pair) for pair in pairs]
        sh = client.scatter(np.concatenate(client.gather(own)), broadcast=True)
        fa = client.scatter(np.concatenate(client.gather(fits)), broadcast=True)
        groups = np.array_split(seeds, GROUPS)
        found = [client.submit(track, sh, fa, size, one) for one in groups]
        return [line for lines in client.gather(found) for line in lines]


def main() -> None:
    """Read a subject, and write its tractogram."""
    way, place, seeds, out = sys.argv[1], *map(Path, sys.argv[2:])
    warnings.simplefilter("ignore")
    image = nibabel.load(place / "dwi.nii.gz")
    data = np.asarray(image.dataobj)
    labels = np.asarray(nibabel.load(place / "aseg.nii.gz").dataobj)
    bvals, bvecs = read_bvals_bvecs(str(place / "bvals"), str(place / "bvecs"))
    gradients = gradient_table(bvals, bvecs=bvecs)
    size = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
    made = clustered if way == "dask" else serial
    lines = made(gradients, data, labels, size, np.load(seeds))
    (x, y, z), affine = np.concatenate(lines).T, image.affine
    points = np.stack([a * x + b * y + c * z + d for a, b, c, d in affine[:3]], axis=1)
    points = points.astype(np.float32)
    np.save(out, points)
    ends = np.cumsum([len(line) for line in lines])[:-1]
    tractogram = StatefulTractogram(np.split(points, ends), image, Space.RASMM)
    save_tractogram(tractogram, str(out.with_suffix(".trx")), bbox_valid_check=False)


if __name__ == "__main__":
    main()
