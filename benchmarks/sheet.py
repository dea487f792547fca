"""Label a sheet of many small cutouts, against the clone of another commit.

    python benchmarks/sheet.py [--cutouts 3000] [--other CLONE [--cutouts-there 300]]

Each cutout is one block of a local volume. The other clone runs in turn with ours, with fewer
cutouts where it would take hours.
"""

from __future__ import annotations

import csv
import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import inputs
import reports
from common import ROOT, Bossflow, Measured
from label import SOURCE, tiled

BLOCK = 64


class Sheet:
    """Whole runs of one clone over the first cutouts of the volume, each in a new home."""

    def __init__(self, scratch: Path, root: Path, where: Path, options: Any) -> None:
        self.scratch, self.root, self.where = scratch, root, where
        self.params = common.given(options)
        self.tasks: dict[str, int] = {}

    def __call__(self, cutouts: int, side: int) -> Measured:
        """Run once; notes how many tasks there were."""
        with common.bossflow(self.scratch, self.root) as home:
            sheet = home.directory / "cutouts.csv"
            write(sheet, self.where, cutouts, side)
            home.call("db", "deploy")
            block = {"block_shape": [BLOCK] * 3}
            taken = home.run(input=str(sheet), **block, **self.params)
            self.tasks = {name: int(one["tasks"]) for name, one in home.trace().items()}
            complete(home, cutouts)
        return taken


def write(sheet: Path, where: Path, cutouts: int, side: int) -> None:
    """Write a sample sheet of the first blocks of a cube of side^3 blocks."""
    with sheet.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["source", "x_range", "y_range", "z_range"])
        for number in range(cutouts):
            at = number % side, number // side % side, number // side**2
            ranges = [f"{BLOCK * cell},{BLOCK * (cell + 1)}" for cell in at]
            writer.writerow([f"precomputed://{where}", *ranges])


def complete(home: Bossflow, cutouts: int) -> None:
    """End if the last run left anything missing."""
    with (home.directory / "results" / "requests.csv").open(newline="") as stream:
        states = [row["state"] for row in csv.DictReader(stream)]
    if states != ["complete"] * cutouts:
        raise SystemExit(f"{states.count('complete')} of {cutouts} requests are complete")


def main() -> None:
    """Write volume and sheets, run, and report."""
    parser = common.parser(__doc__, rounds=1)
    parser.add_argument("--cutouts", type=int, default=3000, help="in the sheet (3000)")
    parser.add_argument("--other", type=Path, metavar="CLONE", help="of another commit")
    parser.add_argument("--cutouts-there", type=int, help="in the sheet of that one (as many)")
    options = parser.parse_args()
    side = math.ceil(round(options.cutouts ** (1 / 3), 6))
    voxels = inputs.load(options.volume)
    name = f"sheet-{side * BLOCK}-{inputs.digest(voxels)}"
    chunks = SOURCE | {"chunk_size": [BLOCK] * 3}
    cut = partial(tiled, voxels, side * BLOCK)
    where = inputs.precomputed(name, [side * BLOCK] * 3, str(voxels.dtype), cut, **chunks)
    roots = {"bossflow": (ROOT, options.cutouts)}
    if options.other:
        fewer = options.cutouts_there or options.cutouts
        roots[f"{options.other.name}, {fewer:,} cutouts"] = options.other.resolve(), fewer
    with tempfile.TemporaryDirectory(prefix="bossflow-sheet-") as scratch:
        sheets = {
            name: Sheet(Path(scratch) / "run", root, where, options)
            for name, (root, _) in roots.items()
        }
        runs: dict[str, Callable[[], Measured]] = {
            name: partial(sheets[name], cutouts, side) for name, (_, cutouts) in roots.items()
        }
        figures = reports.medians(reports.alternate(options.rounds, runs))
    for name, (_, cutouts) in roots.items():
        figures[name] |= {
            "cutouts": cutouts,
            "tasks": sum(sheets[name].tasks.values()),
            "ms_a_cutout": 1000 * figures[name]["wall_s"] / cutouts,
        }
    ratios = reports.ratios(figures, "bossflow", [*roots][-1])
    title = f"A sheet of {options.cutouts:,} cutouts of one block"
    reports.report(
        options, title, figures, ratios, tasks={name: one.tasks for name, one in sheets.items()}
    )


if __name__ == "__main__":
    main()
