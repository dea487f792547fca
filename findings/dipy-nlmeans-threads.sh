#!/bin/bash
# dipy 1.12.1: nlmeans returns other values each time it is called, unless num_threads is 1.
#
# Denoising draws no random numbers, so one would expect the same array of the same arguments, and
# of several threads what one returns. The default method, since 1.12 "blockwise", returns arrays
# that differ by far more than last digits, and all cores are its default. Nothing warns of it. It
# looks as if the blocks, which overlap, add to one voxel at the same time. method="classic", the
# only one before, returns the same for any number of threads. (Of images that have fewer planes than
# a patch, neither does, whatever the number of threads: that is not shown here.)
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    dipy==1.12.1 numpy==2.4.6 scipy==1.17.1 nibabel==5.4.2

venv/bin/python -W ignore - <<'END'
import importlib.metadata
from pathlib import Path

import dipy.data
import nibabel
import numpy as np
from dipy.denoise.nlmeans import nlmeans
from dipy.denoise.noise_estimate import estimate_sigma

print("dipy", importlib.metadata.version("dipy"))
image = Path(dipy.data.__file__).parent / "files" / "small_64D.nii"  # a piece of a scan
scan = nibabel.load(image).get_fdata()
sigma = estimate_sigma(scan)

different = {}
for method in ("blockwise", "classic"):
    for threads in (1, 2):
        first, *others = (
            nlmeans(scan, sigma, method=method, block_radius=2, num_threads=threads)
            for _ in range(6)
        )
        off = [np.abs(other - first).max() for other in others]
        different[method, threads] = sum(bool(one) for one in off)
        print(
            f"{method}, num_threads={threads}: {different[method, threads]} of 5 calls differ from "
            f"the first, by up to {max(off):.1f} of {first.max():.0f}"
        )
assert different.pop(("blockwise", 2)) and not any(different.values()), different
END
