"""scikit-learn's probabilities of a mixture. python gaussian_mixture.py IMAGE.npy OUT.npy VOXELS.

Fitted as SABER does to 500,000 voxels, here of a seed, and asked of the first VOXELS of the image,
at once. What asking alone took goes to OUT.json.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture


def main() -> None:
    """Ask for probabilities of the darker kind."""
    image = np.load(sys.argv[1]).reshape(-1, 1)
    drawn = np.random.default_rng(0).choice(len(image), min(500_000, len(image)), replace=False)
    fitted = GaussianMixture(2, random_state=0).fit(image[drawn])
    part = image[: int(sys.argv[3])]
    wall, cpu = time.perf_counter(), time.process_time()
    found = fitted.predict_proba(part)[:, int(fitted.means_.argmin())]
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(sys.argv[2], found)
    Path(sys.argv[2]).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
