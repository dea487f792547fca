#!/bin/bash
# dipy 1.12.1: seeds in the middles of voxels share a few random states, whatever random_seed.
#
# Of probabilistic tracking with a random_seed, one would expect that each seed draws numbers of its
# own: that 216 seeds in a volume that is the same everywhere go 216 ways, and that ten seeds at one
# place find ten streamlines. But a seed's state follows from its place alone: it is the whole part
# of random_seed * (2 x + 3 y + 5 z), in voxels. At the middles of voxels that sum has few values,
# so the 216 go just 49 ways from their seeds on, with any random_seed, and copies of a seed go one.
# Seeds that are jittered within their voxels, and a large random_seed, spread the states.
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


def ways(seeds, random_seed):
    """Return how many ways the first eight points from the seeds on go."""
    lines = probabilistic_tracking(
        seeds, everywhere, np.eye(4), sh=volume, sphere=default_sphere,
        step_size=0.5, random_seed=random_seed, nbr_threads=1,
    )
    found = set()
    for seed, line in zip(seeds, lines, strict=True):
        away = np.asarray(line, float) - seed
        start = int(np.abs(away).sum(axis=1).argmin())
        found.add(away[start : start + 8].round(4).tobytes())
    return len(found)


middles = np.array([*product(range(9, 15), repeat=3)], float)
sums = {2 * x + 3 * y + 5 * z for x, y, z in middles}
random = np.random.default_rng(1)
jittered = middles + random.uniform(-0.5, 0.5, middles.shape)
print(f"{len(middles)} middles of voxels have {len(sums)} sums 2 x + 3 y + 5 z")
for random_seed in (1, 42, 2026):
    number = ways(middles, random_seed)
    print(f"random_seed={random_seed}: their seeds go {number} ways")
    assert number == len(sums) == 49
number = ways(np.repeat(middles[:1], 10, axis=0), 42)
print(f"ten seeds at one place go {number} way")
assert number == 1
number = ways(jittered, 1000003)
print(f"jittered, with random_seed=1000003, the {len(jittered)} go {number} ways")
assert number == len(jittered)
END
