"""SABER's greedy search for cells, written anew. python saber_cells.py VALUES.npy OUT.npy CELLS.

As published: values from 0 to 1 are filtered with a ball by FFT, the whole volume for each cell;
the place with the largest sum is one, and a larger ball around it is cleared. Its faults are kept,
so that rows are those that the original returns: balls are off by a voxel along each axis, the
larger one by two or three, and that is cut off by the box of the smaller one. What the search alone
took goes to OUT.json.

Rows are ZYX and the mean of values in the ball. The search ends after so many cells.
"""

import json
import sys
import time
from math import ceil
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve

TEMPLATE, DILATION, STOP = 13, 4, 0.6


def ball(diameter: int, radius: int) -> np.ndarray:
    """Return a ball in a box, a voxel off its middle, as 32-bit floats of norm 1."""
    places = np.indices((2 * radius + 1,) * 3) - (radius + 1)
    inside = ((places**2).sum(axis=0) <= ((diameter - 1) / 2) ** 2).astype(np.float32)
    return inside / np.linalg.norm(inside)


def search(values: np.ndarray, threshold: float, most: int) -> np.ndarray:
    """Find cells, one after the other."""
    radius = ceil(TEMPLATE / 2) + 1
    small, large = ball(TEMPLATE, radius), ball(TEMPLATE + DILATION, radius)
    side = len(small)
    left = (values * (values > threshold)).astype(np.float32)
    rows: list[tuple[float, ...]] = []
    for _ in range(most):
        sums = fftconvolve(left, small, mode="same")
        place = np.unravel_index(np.argmax(sums), sums.shape)
        mean = sums[place] / small.sum()
        if mean < STOP:
            break
        rows.append((*place, mean))
        keep = np.ones(np.add(left.shape, 2 * side), np.float32)
        # Python rounds a half to the even number
        start = [side + int(at) - round(side / 2) + 1 for at in place]
        keep[tuple(slice(at, at + side) for at in start)] = large == 0
        left *= keep[(slice(side, -side),) * 3]
    return np.array(rows).reshape(-1, 4)


def main() -> None:
    """Search a volume of bytes, 255 for 1."""
    values = np.load(sys.argv[1]) / np.float32(255)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = search(values, 0.5, int(sys.argv[3]))
    taken = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    np.save(sys.argv[2], rows)
    Path(sys.argv[2]).with_suffix(".json").write_text(json.dumps(taken))


if __name__ == "__main__":
    main()
