"""dask-image's `label` of a foreground. python dask_image_label.py VOLUME.npy LABELS.npy SIDE.

What labelling alone took goes to LABELS.json: the volume is in memory before, and the labels after.
As dask's documentation has it: chunks of an array, on threads (two here).
"""

import json
import sys
import time
from pathlib import Path

import dask.array
import numpy as np
from dask_image.ndmeasure import label


def main() -> None:
    """Label every voxel above 0, 6-connected, in blocks of SIDE voxels a side."""
    voxels = np.load(sys.argv[1])
    wall, cpu = time.perf_counter(), time.process_time()
    labels, _ = label(dask.array.from_array(voxels, chunks=int(sys.argv[3])) > 0)
    found = labels.compute(scheduler="threads", num_workers=2)
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(sys.argv[2], found)
    Path(sys.argv[2]).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
