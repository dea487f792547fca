"""Draw skeletons of all segments, beside kimimaro: CPU seconds and lengths of cable.

    python benchmarks/skeletons.py [--size 256] [--rounds 1]

Both in memory on one core, without files and tasks. Around the cut is a layer of zeros, as kimimaro
takes a volume's border for none: so all segments are whole to both.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import inputs
import numpy as np
import numpy.typing as npt
import reports
from bossflow.voxels.skeletons import compiled, measure, sparse
from bossflow.voxels.skeletons.teasar import Teasar, skeletonize
from common import Measured

KIMIMARO = ("kimimaro==5.8.5",)

NM_ZYX = (40.0, 16.0, 16.0)

LONG_NM = 3000.0
"""Cable from which on single segments are compared."""


class Ours:
    """Skeletons by `teasar`."""

    def __init__(self, voxels: npt.NDArray[Any]) -> None:
        self.voxels = voxels
        self.lengths: dict[int, float] = {}
        compiled.compile_all()

    def __call__(self) -> Measured:
        """Draw them once."""
        wall, cpu = time.perf_counter(), time.process_time()
        ids, offsets, runs = sparse.runs_of(self.voxels, (0, 0, 0))
        for at, one in enumerate(ids.tolist()):
            whole = sparse.joined([runs[offsets[at] : offsets[at + 1]]])
            made = skeletonize(whole, NM_ZYX, Teasar())
            self.lengths[one] = measure.of(made, NM_ZYX).cable_length_nm
        return Measured(time.perf_counter() - wall, time.process_time() - cpu)


class Kimimaro:
    """Skeletons by kimimaro, in an environment of its own."""

    def __init__(self, voxels: npt.NDArray[Any], scratch: Path) -> None:
        self.volume, self.found = scratch / "volume.npy", scratch / "lengths.json"
        np.save(self.volume, voxels)
        self.lengths: dict[int, float] = {}

    def __call__(self) -> Measured:
        """Draw them once."""
        python = common.environment("kimimaro", *KIMIMARO) / "python"
        program = Path(__file__).with_name("peers") / "kimimaro_lines.py"
        how = Teasar()
        asked = how.scale, how.const_nm, how.dust_threshold, *NM_ZYX
        common.measure([python, program, self.volume, self.found, *asked])
        told = json.loads(self.found.read_text())
        self.lengths = {int(one): length for one, length in told["lengths"].items()}
        return Measured(told["wall_s"], told["cpu_s"])


def compared(ours: dict[int, float], peer: dict[int, float]) -> dict[str, float]:
    """Return our cable over the peer's: in all, and of single long segments."""
    shares = [ours[one] / length for one, length in peer.items() if length >= LONG_NM]
    low, middle, high = np.quantile(shares, [0.05, 0.5, 0.95]).tolist() if shares else [np.nan] * 3
    every = sum(ours.values()) / sum(peer.values())
    return {"cable": every, "cable_p5": low, "cable_p50": middle, "cable_p95": high}


def main() -> None:
    """Run both by turns and report."""
    parser = common.parser(__doc__, rounds=1)
    parser.add_argument("--size", type=int, default=256, help="voxels a side (256)")
    options = parser.parse_args()
    voxels = np.pad(inputs.load(options.volume)[(slice(options.size),) * 3], 1)
    names = f"bossflow, {options.size}^3", f"kimimaro, {options.size}^3"
    with tempfile.TemporaryDirectory(prefix="bossflow-skeletons-") as directory:
        ours, peer = Ours(voxels), Kimimaro(voxels, Path(directory))
        runs = dict(zip(names, (ours, peer), strict=True))
        figures = reports.medians(reports.alternate(options.rounds, runs))
    figures[names[0]] |= compared(ours.lengths, peer.lengths)
    ratios = reports.ratios(figures, *names)
    reports.report(options, f"Skeletons, {options.rounds} rounds", figures, ratios)


if __name__ == "__main__":
    main()
