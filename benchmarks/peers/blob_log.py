"""scikit-image's blob_log. python blob_log.py IMAGE.npy OUT.npy THRESHOLD SIGMA SIGMA NUMBER.

Of an image of bytes, made dark for bright; sigmas are the smallest and the largest one. What the
search alone took goes to OUT.json.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
from skimage.feature import blob_log


def main() -> None:
    """Search an image."""
    image = np.float32(255) - np.load(sys.argv[1])
    threshold, low, high = map(float, sys.argv[3:6])
    wall, cpu = time.perf_counter(), time.process_time()
    found = blob_log(
        image, min_sigma=low, max_sigma=high, num_sigma=int(sys.argv[6]), threshold=threshold
    )
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(sys.argv[2], found)
    Path(sys.argv[2]).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
