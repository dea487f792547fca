#!/bin/bash
# dipy 1.12.1: fractions of min_len and max_len are dropped, and lengths count points, not steps.
#
# Of probabilistic_tracking(min_len=26.9), with steps of half a millimetre, one would expect no
# streamline of less than 26.9 mm. But the limits become whole numbers without a word, so 26.9 is
# 26; and a streamline of n points counts as n steps, though it has n - 1: so some of 25.5 mm are
# returned. In the same way max_len=29.9 is 29, by which streamlines of 28.5 mm are the longest.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    dipy==1.12.1 numpy==2.4.6 scipy==1.17.1 nibabel==5.4.2

venv/bin/python -W ignore - <<'END'
import importlib.metadata
from itertools import product

import numpy as np
from dipy.data import default_sphere
from dipy.reconst.shm import sf_to_sh
from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion
from dipy.tracking.tracker import probabilistic_tracking

print("dipy", importlib.metadata.version("dipy"))
mostly_x = 1 + 4 * default_sphere.vertices[:, 0] ** 8
fodf = sf_to_sh(mostly_x / mostly_x.sum(), default_sphere, sh_order_max=8)
shape = (24, 24, 24)
volume = np.broadcast_to(fodf, (*shape, len(fodf))).copy()
everywhere = ThresholdStoppingCriterion(np.ones(shape), 0.1)
seeds = np.array([*product(range(9, 15), repeat=3)], float)
step = 0.5  # mm, as voxels are of 1 mm


def lengths(least, most):
    """Return how many streamlines there are, and the shortest and longest (mm)."""
    lines = probabilistic_tracking(
        seeds, everywhere, np.eye(4), sh=volume, sphere=default_sphere, step_size=step,
        min_len=least, max_len=most, random_seed=1, nbr_threads=1,
    )
    found = [(len(line) - 1) * step for line in lines]
    return len(found), min(found), max(found)


found = {limits: lengths(*limits) for limits in product((26.0, 26.9, 27.0), (29.0, 29.9))}
for (least, most), (number, shortest, longest) in found.items():
    print(
        f"min_len={least}, max_len={most}: {number} streamlines of {shortest} to {longest} mm"
    )
assert len({found[least, most] for least in (26.0, 26.9) for most in (29.0, 29.9)}) == 1
assert found[26.9, 29.9][1:] == (25.5, 28.5) and found[27.0, 29.0][1:] == (26.5, 28.5)
END
