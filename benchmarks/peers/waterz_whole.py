"""waterz on whole arrays: python waterz_whole.py AFFINITIES.npy SEGMENTS.npy WORDS...

AFFINITIES are uint8 or uint16, of shape (3, Z, Y, X), and become float32 from 0 to 1.

    supervoxels LOW HIGH THRESHOLD         its own supervoxels, merged by mean
    mean FRAGMENTS.npy THRESHOLD...        these merged by mean, a segmentation for each threshold
    quantile FRAGMENTS.npy THRESHOLD...    the same by 75 %

Thresholds are in the affinities' unit, the highest first. What it took, with the conversion, but
without reading and writing files, goes to SEGMENTS.json.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import waterz

QUANTILE = "OneMinus<QuantileAffinity<RegionGraphType, 75, ScoreValue>>"


def main() -> None:
    """Merge, and note what that took."""
    stored, out, what, *words = sys.argv[1:]
    affinities = np.load(stored)
    how = {}
    if what != "supervoxels":
        how["fragments"] = np.load(words.pop(0)).astype(np.uint64)
    wall, cpu = time.perf_counter(), time.process_time()
    most = float(np.iinfo(affinities.dtype).max)
    numbers = [float(word) / most for word in words]
    if what == "supervoxels":
        how["aff_threshold_low"], how["aff_threshold_high"], *numbers = numbers
    elif what == "quantile":
        how["scoring_function"] = QUANTILE
    scaled = affinities.astype(np.float32) / np.float32(most)
    thresholds = [1 - number for number in numbers]
    made = [segments.copy() for segments in waterz.agglomerate(scaled, thresholds, **how)]
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(out, made)
    Path(out).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
