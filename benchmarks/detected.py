"""One search of ours. python detected.py {spheres,blobs,probabilities} IMAGE.npy OUT.npy WORDS...

What it alone took goes to OUT.json, as its peers' does, with the bytes a voxel that it took at most
beside the interpreter and what it imports, the image included. All is compiled before.

    spheres        RADIUS CLEARED STOP   of probabilities, in voxels
    blobs          THRESHOLD SIGMA...    of dark ones, in voxels
    probabilities                        of the darker kind
"""

import json
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import numpy as np
from bossflow.voxels.boxes import Box
from bossflow.voxels.detection import mixture, simulated
from bossflow.voxels.detection.blobs import Blobs, candidates, suppress
from bossflow.voxels.detection.spheres import Spheres, detect

ITERATIONS = 200
VOXEL = (1.0, 1.0, 1.0)


def spheres(values: Any, radius: str, cleared: str, stop: str) -> Any:
    """Return rows ZYX."""
    box = Box.of((0, 0, 0), values.shape)
    asked = Spheres.of(float(radius), float(cleared), VOXEL, Fraction(stop))
    return detect(values, box, box, box, asked).certain


def blobs(image: Any, threshold: str, *sigmas: str) -> Any:
    """Return rows ZYX."""
    box = Box.of((0, 0, 0), image.shape)
    asked = Blobs.of([(float(one),) * 3 for one in sigmas], VOXEL, float(threshold), "dark")
    return suppress([candidates(image, box, box, box, asked)], asked).zyx


def probabilities(image: Any) -> Any:
    """Return bytes of 255ths."""
    table = mixture.probabilities(
        mixture.fit(mixture.histogram(image), ITERATIONS), len(mixture.histogram(image[:1])), "dark"
    )
    return table[image]


def memory_kib(what: str) -> int:
    """Return what this process has in memory, `VmRSS` now or `VmHWM` at most (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def main() -> None:
    """Search, and note what that took."""
    searches: dict[str, Callable[..., Any]] = {
        "spheres": spheres,
        "blobs": blobs,
        "probabilities": probabilities,
    }
    search, words = searches[sys.argv[1]], sys.argv[4:]
    small = simulated.image(Box.of((0, 0, 0), (48, 48, 48)), 0)
    search(small, *words)
    search(255 - small, *words)
    Path("/proc/self/clear_refs").write_text("5")  # forget what compiling took
    before = memory_kib("VmRSS")
    image = np.load(sys.argv[2])
    wall, cpu = time.perf_counter(), time.process_time()
    found = search(image, *words)
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    told = taken | {"bytes_a_voxel": 1024 * (memory_kib("VmHWM") - before) / image.size}
    np.save(sys.argv[3], found)
    Path(sys.argv[3]).with_suffix(".json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
