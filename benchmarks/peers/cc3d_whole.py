"""The floor: cc3d on a whole array in memory. python cc3d_whole.py VOLUME.npy LABELS.npy.

What labelling alone took, without reading and writing the files, goes to LABELS.json.
"""

import json
import sys
import time
from pathlib import Path

import cc3d
import numpy as np


def main() -> None:
    """Label the volume, 6-connected."""
    voxels = np.load(sys.argv[1])
    wall, cpu = time.perf_counter(), time.process_time()
    labels = cc3d.connected_components(voxels, connectivity=6, out_dtype=np.uint32)
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(sys.argv[2], labels)
    Path(sys.argv[2]).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
