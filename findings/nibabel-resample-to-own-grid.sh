#!/bin/bash
# nibabel 5.4.2: resampling an image to its own grid zeroes voxels of its border if it is oblique.
#
# Of resample_from_to(labels, labels, order=0), whose target has the very same affine and shape, one
# would expect the labels. Where the affine is not oblique it is so. Where it is, coordinates go to
# millimetres and back, and of those at the border some come out a rounding below 0 or above the
# last index; scipy takes these for outside, and they become cval, 0: six to fourteen per cent of
# this image's voxels, on its faces, without a word. With mode="nearest" all labels are kept.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    nibabel==5.4.2 numpy==2.4.6 scipy==1.17.1

venv/bin/python -W ignore - <<'END'
import importlib.metadata

import nibabel
import numpy as np
from nibabel.processing import resample_from_to
from scipy.spatial.transform import Rotation

for package in ("nibabel", "numpy", "scipy"):
    print(package, importlib.metadata.version(package))
labels = np.ones((20, 22, 18), np.int16)
lost = {}
for degrees in (0, 10, 20, 30):
    angles = degrees, degrees / 2, degrees / 3
    affine = np.eye(4)
    affine[:3, :3] = 2.0 * Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, 3] = -31.3, 22.7, -14.1
    image = nibabel.Nifti1Image(labels, affine)
    for mode in ("constant", "nearest"):
        same = np.asarray(resample_from_to(image, image, order=0, mode=mode).dataobj)
        lost[degrees, mode] = int((same != labels).sum())
        inside = (same[1:-1, 1:-1, 1:-1] == 1).all()
        print(f"turned by {degrees} degrees, {mode}: {lost[degrees, mode]} of {labels.size} are 0")
        assert inside, "only at the border"
assert not any(number for (degrees, mode), number in lost.items() if mode == "nearest")
assert not lost[0, "constant"] and min(lost[d, "constant"] for d in (10, 20, 30)) > 400
END
