#!/bin/bash
# fast-simplification 0.2.0: threads that simplify meshes at the same time get each other's.
#
# `simplify` is a function of arrays, and one would expect it to be one of its arguments alone, so
# that a pool of threads can work through the meshes of a volume. But the mesh lies in a global
# variable of the compiled module: `simplify` loads it, simplifies, and reads points and triangles
# back in four calls, and another thread may come between any two of them. Nothing is raised: what
# comes back is a mesh, of another object or half of each. Take processes, or a lock around the
# call.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
    fast-simplification==0.2.0 numpy==2.4.6

venv/bin/python - <<'END'
import importlib.metadata
import sys
from concurrent.futures import ThreadPoolExecutor

import fast_simplification
import numpy as np

print("fast-simplification", importlib.metadata.version("fast-simplification"))


def bumps(side):
    """A square of side x side points, two triangles in each cell."""
    y, x = np.mgrid[:side, :side]
    points = np.stack([x, y, np.sin(x) * np.cos(y)], axis=-1).reshape(-1, 3).astype(float)
    at = (y[:-1, :-1] * side + x[:-1, :-1]).ravel()
    lower = np.stack([at, at + 1, at + side], axis=1)
    upper = np.stack([at + 1, at + side + 1, at + side], axis=1)
    return points, np.concatenate([lower, upper]).astype(np.int32)


meshes = [bumps(20), bumps(31)]


def simplified(which):
    return fast_simplification.simplify(*meshes[which], target_reduction=0.5)


alone = [simplified(0), simplified(1)]
again = [simplified(0), simplified(1)]
for one, other in zip(alone, again):
    assert all(np.array_equal(a, b) for a, b in zip(one, other))
sys.setswitchinterval(1e-5)
with ThreadPoolExecutor(2) as pool:
    found = list(pool.map(simplified, [0, 1] * 1000))
wrong = [
    number
    for number, mesh in enumerate(found)
    if not all(np.array_equal(a, b) for a, b in zip(mesh, alone[number % 2]))
]
sizes = {tuple(map(len, found[number])) for number in wrong}
print(f"alone: points and triangles {[tuple(map(len, mesh)) for mesh in alone]}")
print(f"in two threads: {len(wrong)} of {len(found)} others, of {sorted(sizes)[:4]}")
assert wrong
END
