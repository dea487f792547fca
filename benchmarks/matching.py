"""Match what was found with the truth: by the most pairs, beside the nearest first.

    python benchmarks/matching.py [--objects 20000] [--near 50 100]

The truth is drawn at random, 100 nm apart on average. Of it some are lost, all others moved, and
false ones added. Within half of what they are apart, pairs fall into small clusters; within all of
it, nearly all are one, which takes longest. The nearest first is what is often done: of all pairs
that are near enough the closest one, then of those left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import absent  # noqa: F401
import common
import numpy as np
import reports
from bossflow.voxels.detection.matching import match_points
from common import Measured
from scipy.spatial import cKDTree

SEED, MOVED, LOST = 1, 20.0, 0.05
"""Of the draw; nm by which is moved, as a deviation; a share."""

APART = 100.0
"""Side of the cube (nm) that each has, on average."""


class Drawn:
    """A truth, and what was found of it."""

    def __init__(self, objects: int, near: float) -> None:
        self.near = near
        draw = np.random.default_rng(SEED)
        side = APART * objects ** (1 / 3)
        self.truth = draw.random((objects, 3)) * side
        kept = self.truth[draw.random(objects) >= LOST]
        false = draw.random((int(objects * LOST), 3)) * side
        self.found = np.concatenate([kept + draw.normal(0, MOVED, kept.shape), false])
        self.pairs: dict[str, int] = {}

    def most(self) -> int:
        """Return how many pairs there are at most."""
        return len(match_points(self.truth, self.found, self.near).truth)

    def nearest(self) -> int:
        """Return how many pairs are found by the nearest first."""
        near = cKDTree(self.truth).sparse_distance_matrix(cKDTree(self.found), self.near).tocoo()
        left = np.ones(len(self.truth), bool), np.ones(len(self.found), bool)
        number = 0
        for at in np.argsort(near.data, kind="stable").tolist():
            row, column = near.row[at], near.col[at]
            if left[0][row] and left[1][column]:
                left[0][row] = left[1][column] = False
                number += 1
        return number

    def run(self, name: str, match: Callable[[], int]) -> Measured:
        """Match once, and note how many pairs there are."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.pairs[name] = match()
        return Measured(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    """Measure what is asked for."""
    parser = common.parser(__doc__ or "")
    parser.add_argument("--objects", type=int, default=20000)
    parser.add_argument("--near", type=float, nargs="+", default=[50.0, 100.0], help="nm")
    options = parser.parse_args()
    match_points(np.zeros((2, 3)), np.zeros((2, 3)), 1.0)  # loads what it needs
    figures: dict[str, dict[str, Any]] = {}
    ratios: dict[str, float] = {}
    for near in options.near:
        drawn = Drawn(options.objects, near)
        ways = {"most pairs": drawn.most, "nearest first": drawn.nearest}
        calls = {name: partial(drawn.run, name, way) for name, way in ways.items()}
        found = reports.medians(reports.alternate(options.rounds, calls))
        if drawn.pairs["most pairs"] < drawn.pairs["nearest first"]:
            raise SystemExit(f"within {near} nm there are more pairs by the nearest first")
        for name in ways:
            found[name]["pairs"] = drawn.pairs[name]
        figures |= {f"{near:g} nm: {name}": row for name, row in found.items()}
        ratio = reports.ratios(found, "most pairs", "nearest first")
        ratios |= {f"{near:g} nm {name}": value for name, value in ratio.items()}
    reports.report(options, f"Matching {options.objects:,} points", figures, ratios)


if __name__ == "__main__":
    main()
