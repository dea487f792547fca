#!/bin/bash
# scikit-image 0.26.0: `adapted_rand_error` returns recall where it says precision, and the reverse.
#
# The function, the usual score of segmentations of neurons, returns (error, precision, recall). By
# its documentation, precision is the number of pairs that are together in both images, divided by
# those together in the *test* image, and recall the same divided by those together in the *true*
# image. So a test that only splits what is one neuron should have precision 1 (whatever it puts
# together belongs together) and a low recall, and one that only merges a recall of 1. It is the
# other way round. The error is symmetric in the two, so nothing shows; but who looks at precision to
# tell splits from merges takes the one for the other.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scikit-image==0.26.0 numpy==2.4.6

venv/bin/python -W ignore - <<'END'
import importlib.metadata

import numpy as np
from skimage.metrics import adapted_rand_error

print("scikit-image", importlib.metadata.version("scikit-image"))

one = np.ones((4, 64), int)
four = np.repeat([[1], [2], [3], [4]], 64, axis=1)


def by_documentation(true: np.ndarray, test: np.ndarray) -> tuple[float, float]:
    """Count the pairs, as precision and recall are documented: all voxels by all others."""
    together = [(image.ravel()[:, None] == image.ravel()) & ~np.eye(256, dtype=bool) for image in (true, test)]
    both = (together[0] & together[1]).sum()
    return both / together[1].sum(), both / together[0].sum()


found = {}
for name, true, test in (("splits only", one, four), ("merges only", four, one)):
    documented = tuple(round(float(value), 3) for value in by_documentation(true, test))
    returned = tuple(round(float(value), 3) for value in adapted_rand_error(true, test)[1:])
    found[name] = documented, returned
    print(f"{name}: precision and recall by the documentation {documented}, returned {returned}")
assert found == {
    "splits only": ((1.0, 0.247), (0.247, 1.0)),
    "merges only": ((0.247, 1.0), (1.0, 0.247)),
}, found
END
