"""Skeletons by kimimaro. python kimimaro_lines.py VOLUME.npy LENGTHS.json SCALE CONST DUST Z Y X.

The volume has its segments closed by a layer of zeros; the last are a voxel's sides in nm. Lengths
(nm) by segment go to LENGTHS.json, with what the skeletons alone took.
"""

import json
import sys
import time
from pathlib import Path

import kimimaro
import numpy as np


def main() -> None:
    """Draw them on one core."""
    voxels = np.asfortranarray(np.load(sys.argv[1]).transpose(2, 1, 0))
    scale, const, dust, z, y, x = map(float, sys.argv[3:])
    teasar = {"scale": scale, "const": const, "pdrf_scale": 100_000, "pdrf_exponent": 4}
    wall, cpu = time.perf_counter(), time.process_time()
    found = kimimaro.skeletonize(
        voxels,
        teasar_params=teasar,
        anisotropy=(x, y, z),
        dust_threshold=int(dust),
        fix_borders=False,
        progress=False,
        parallel=1,
    )
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    lengths = {str(one): float(line.cable_length()) for one, line in found.items()}
    Path(sys.argv[2]).write_text(json.dumps(taken | {"lengths": lengths}))


if __name__ == "__main__":
    main()
