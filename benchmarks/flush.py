"""Have a run's files on disk before their rows: whole runs with fsync, and without.

    python benchmarks/flush.py [--size 1024] [--param NAME=VALUE]

The run is that of label.py. Its store is in the directory for temporary files (TMPDIR), whose disk
is the one that is measured.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

import absent  # noqa: F401
import common
import inputs
import reports
from common import ROOT, Measured
from label import Ours, source

COUNTER = Path(__file__).parent / "peers" / "flushes"


class Counted:
    """Whole runs whose programs count their fsyncs."""

    def __init__(self, ours: Ours, counts: Path) -> None:
        self.ours = ours
        self.counts = counts
        self.rounds: list[dict[str, dict[str, float]]] = []

    def __call__(self) -> Measured:
        """Run once, and delete what was made: nothing of it is written while the next one runs."""
        self.counts.unlink(missing_ok=True)
        taken = self.ours()
        self.ours.stack.close()
        sums: dict[str, dict[str, float]] = {}
        for line in map(json.loads, self.counts.read_text().splitlines()):
            if line["calls"] and line["program"].endswith(".py"):
                row = sums.setdefault(line["program"], {"fsyncs": 0, "fsync_s": 0.0})
                row["fsyncs"] += line["calls"]
                row["fsync_s"] += line["seconds"]
        self.rounds.append(sums)
        return taken

    def programs(self) -> dict[str, dict[str, float]]:
        """Return the medians of each program's fsyncs."""
        return {
            program: {
                name: statistics.median(sums[program][name] for sums in self.rounds)
                for name in ("fsyncs", "fsync_s")
            }
            for program in sorted(self.rounds[0])
        }


def main() -> None:
    """Run both by turns and report."""
    parser = common.parser(__doc__)
    parser.add_argument("--size", type=int, default=1024, help="voxels a side (1024)")
    options = parser.parse_args()
    where = source(inputs.load(options.volume), options.size)
    params = {"source": f"precomputed://{where}", "connectivity": 6} | common.given(options)
    path = os.pathsep.join(map(str, (COUNTER, ROOT / "schema")))
    names = f"{options.size}^3", f"{options.size}^3, fsync does nothing"
    with tempfile.TemporaryDirectory(prefix="bossflow-flush-") as scratch:
        directory, counts = Path(scratch) / "ours", Path(scratch) / "counts"
        env = {"PYTHONPATH": path, "FLUSHES": str(counts)}
        ours = Counted(Ours(directory, params, **env), counts)
        without = Counted(Ours(directory, params, **env, NO_FLUSHES="yes"), counts)
        results = reports.alternate(options.rounds, dict(zip(names, (ours, without), strict=True)))
    programs = ours.programs()
    figures = reports.medians(results)
    whole = figures[names[0]]
    for column in ("fsyncs", "fsync_s"):
        whole[column] = sum(row[column] for row in programs.values())
    whole["share"] = whole["fsync_s"] / whole["wall_s"]
    reports.show("fsyncs by program", programs)
    ratios = reports.ratios(figures, *names)
    title = f"On disk before it is recorded, {options.rounds} rounds"
    reports.report(options, title, figures, ratios, programs=programs)


if __name__ == "__main__":
    main()
