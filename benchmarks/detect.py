"""Find simulated cells: matched spheres against SABER's, blobs against scikit-image's, a mixture.

    python benchmarks/detect.py [--sides 96 128 192 256] [--cells 20]

Volumes are simulated, so all cells are known. SABER's search filters the whole volume for each
cell, so it is run for a few, and its time is taken for as many as ours found. What was found is
compared with the truth: within five voxels, by the most pairs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import numpy as np
import reports
from bossflow.voxels.boxes import Box
from bossflow.voxels.detection import mixture, simulated
from bossflow.voxels.detection.matching import match_points
from common import Measured

HERE = Path(__file__).parent
NEEDED = ("numpy==2.4.6", "scipy==1.17.1", "scikit-image==0.26.0", "scikit-learn==1.9.1")

SEED = 1
SPHERES = ("6", "8", "0.6")
"""Radii of the balls that are summed and cleared, in voxels, and the mean at which it stops."""

THRESHOLD, SIGMAS = "30", ("3.3", "4.2", "5.1")
NEAR = 5.0
ASKED = 2**19
"""Voxels that scikit-learn is asked for."""


class Volume:
    """A simulated volume and its probabilities in files, and the cells that are in it."""

    def __init__(self, directory: Path, side: int) -> None:
        box = Box.of((0, 0, 0), (side,) * 3)
        image = simulated.image(box, SEED)
        table = mixture.probabilities(mixture.fit(mixture.histogram(image), 200), 256, "dark")
        self.directory, self.size = directory, image.size
        self.truth, _ = simulated.cells(box, SEED)
        np.save(directory / "image.npy", image)
        np.save(directory / "values.npy", mixture.above(table, Fraction(1, 2))[image])

    def run(
        self, name: str, program: Sequence[object], file: str, words: Sequence[object]
    ) -> Measured:
        """Run a program that writes what it found, and beside that what finding alone took."""
        files = [self.directory / f"{one}.npy" for one in (file, name)]
        subprocess.run([str(word) for word in (*program, *files, *words)], check=True)
        told = self.told(name)
        return Measured(told["wall_s"], told["cpu_s"])

    def told(self, name: str) -> dict[str, float]:
        """Return what a program wrote."""
        told: dict[str, float] = json.loads((self.directory / f"{name}.json").read_text())
        return told

    def found(self, name: str) -> Any:
        """Return what a program found."""
        return np.load(self.directory / f"{name}.npy")

    def scores(self, name: str) -> dict[str, Any]:
        """Compare what a program found with the truth."""
        scores = match_points(self.truth, self.found(name)[:, :3], NEAR).scores()
        return {each: scores[each] for each in ("n_truth", "n_found", "recall", "precision")}


def compare(volume: Volume, rounds: int, cells: int, python: Path) -> dict[str, dict[str, Any]]:
    """Run ours and its peers on a volume by turns; return figures by search and program."""
    ours = sys.executable, HERE / "detected.py"
    saber, blob_log, learn = (
        (python, HERE / "peers" / f"{name}.py")
        for name in ("saber_cells", "blob_log", "gaussian_mixture")
    )
    asked = min(ASKED, volume.size)
    runs = {
        "spheres": ((*ours, "spheres"), "values", SPHERES),
        "spheres: SABER": (saber, "values", (cells,)),
        "blobs": ((*ours, "blobs"), "image", (THRESHOLD, *SIGMAS)),
        "blobs: scikit-image": (blob_log, "image", (THRESHOLD, *SIGMAS[::2], len(SIGMAS))),
        "probabilities": ((*ours, "probabilities"), "image", ()),
        "probabilities: scikit-learn": (learn, "image", (asked,)),
    }
    calls = {name: partial(volume.run, name, *words) for name, words in runs.items()}
    figures = reports.medians(reports.alternate(rounds, calls))
    for name in runs:
        if ":" not in name:
            figures[name]["bytes_a_voxel"] = volume.told(name)["bytes_a_voxel"]
        if name in ("spheres", "blobs", "blobs: scikit-image"):
            figures[name] |= volume.scores(name)
    whole = {
        "spheres: SABER": figures["spheres"]["n_found"] / len(volume.found("spheres: SABER")),
        "probabilities: scikit-learn": volume.size / asked,
    }
    for name, factor in whole.items():
        figures[name] |= {each: factor * figures[name][each] for each in ("wall_s", "cpu_s")}
    figures["spheres: SABER"]["cpu_s_a_cell"] = (
        figures["spheres: SABER"]["cpu_s"] / figures["spheres"]["n_found"]
    )
    return figures


def main() -> None:
    """Measure what is asked for."""
    parser = common.parser(__doc__, rounds=1)
    parser.add_argument("--sides", type=int, nargs="+", default=[96, 128, 192, 256])
    parser.add_argument("--cells", type=int, default=20, help="that SABER's search is run for (20)")
    options = parser.parse_args()
    python = common.environment("detect", *NEEDED) / "python"
    figures: dict[str, dict[str, Any]] = {}
    ratios: dict[str, float] = {}
    for side in options.sides:
        with tempfile.TemporaryDirectory() as name:
            found = compare(Volume(Path(name), side), options.rounds, options.cells, python)
        figures |= {f"{side}: {what}": row for what, row in found.items()}
        for peer in (what for what in found if ":" in what):
            ratio = reports.ratios(found, peer.partition(":")[0], peer)
            ratios |= {f"{side} {peer} {name}": value for name, value in ratio.items()}
    reports.report(options, "Finding simulated cells", figures, ratios)


if __name__ == "__main__":
    main()
