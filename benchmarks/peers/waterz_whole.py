"""waterz on whole arrays: python waterz_whole.py AFFINITIES.npy SEGMENTS.npy WORDS...

AFFINITIES are uint8 or uint16, of shape (3, Z, Y, X), and become float32: the middles of as many
parts of 0 to 1.

    supervoxels LOW HIGH THRESHOLD         its own supervoxels, merged by mean
    mean FRAGMENTS.npy THRESHOLD...        volumes of these merged by mean, AFFINITIES of each
    quantile FRAGMENTS.npy THRESHOLD...    the same by 75 %

Thresholds are in the affinities' unit, the highest first; there is a segmentation for each. What it
took, with the conversion, but without reading and writing files, goes to SEGMENTS.json.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import waterz

QUANTILE = "OneMinus<HistogramQuantileAffinity<RegionGraphType, 75, ScoreValue, 256, false>>"


def segments(affinities: Any, numbers: list[float], **how: Any) -> list[Any]:
    """Return a segmentation for each threshold."""
    values = np.float32(np.iinfo(affinities.dtype).max + 1)
    scaled = affinities.astype(np.float32)
    scaled += np.float32(0.5)
    scaled /= values
    thresholds = [1 - number for number in numbers]
    return [made.copy() for made in waterz.agglomerate(scaled, thresholds, **how)]


def main() -> None:
    """Merge, and note what that took."""
    stored, out, what, *words = sys.argv[1:]
    affinities = np.load(stored)
    volumes = [] if what == "supervoxels" else np.load(words.pop(0)).astype(np.uint64)
    wall, cpu = time.perf_counter(), time.process_time()
    values = np.iinfo(affinities.dtype).max + 1
    numbers = [(float(word) + 0.5) / values for word in words]
    how: dict[str, Any] = {"scoring_function": QUANTILE} if what == "quantile" else {}
    if what == "supervoxels":
        how["aff_threshold_low"], how["aff_threshold_high"], *numbers = numbers
        made = segments(affinities, numbers, **how)
    else:
        each = zip(affinities, volumes, strict=True)
        made = [segments(one, numbers, fragments=of, **how) for one, of in each]
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(out, made)
    Path(out).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
