"""Look for changed volumes: at the files of many blocks, and in PLAN where nothing has changed.

    python benchmarks/changes.py [--blocks 10000] [--units 10000]

The files that are looked at are empty, and known to the system, as those of a volume are that was
just written. PLAN is the program itself, for which all is recorded by a real run of tiny blocks,
with `source_changes` compare and off. Each time a file is touched at the end, which must be seen.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import reports
import tensorstore as ts
from bossflow.voxels import files
from bossflow.voxels.archives import volumes
from bossflow.voxels.boxes import Box, grid
from common import ROOT, Bossflow, Measured
from rerun import BLOCK, recorded

CHUNK = 8
CHUNKS_ZYX = {8: (2, 2, 2), 100: (4, 5, 5)}
"""Chunks of a block, by their number."""

DRIVERS = {"Zarr 2": "zarr", "Zarr 3": "zarr3"}
MODES = ("compare", "off")


def volume(directory: Path, driver: str, shape: list[int]) -> dict[str, Any]:
    """Make a volume without chunks, and return how its files are looked at."""
    scale = {"voxel_size": [30, 8, 8], "units": ["nm"] * 3, "axes": ["z", "y", "x"]}
    metadata: dict[str, Any] = {"shape": shape}
    if driver == "zarr":
        metadata |= {"chunks": [CHUNK] * 3, "dtype": "|u1"}
    else:
        regular = {"name": "regular", "configuration": {"chunk_shape": [CHUNK] * 3}}
        metadata |= {"chunk_grid": regular, "data_type": "uint8", "attributes": scale}
        metadata |= {"dimension_names": ["z", "y", "x"]}
    kvstore = {"driver": "file", "path": f"{directory}/"}
    ts.open({"driver": driver, "kvstore": kvstore, "metadata": metadata}, create=True).result()
    if driver == "zarr":
        (directory / ".zattrs").write_text(json.dumps(scale))
    corner = Box.of((0, 0, 0), [1, 1, 1])
    return volumes.files(f"zarr://{directory}", 0, "", "", [corner])


class Case:
    """A volume of so many blocks, each of so many chunks, in files."""

    def __init__(self, directory: Path, driver: str, blocks: int, chunks: int) -> None:
        block_zyx = [CHUNK * number for number in CHUNKS_ZYX[chunks]]
        side = round(blocks ** (1 / 3)) or 1
        count = [-(-blocks // side**2), side, side]
        shape = [side * number for side, number in zip(block_zyx, count, strict=True)]
        self.told = volume(directory, driver, shape)
        self.boxes = grid(Box.of((0, 0, 0), shape), block_zyx, (0, 0, 0))[:blocks]
        place, names = self.told["place"], self.told["chunks"]
        made: set[str] = set()
        for box in self.boxes:
            for self.last in files.paths(place, names, box):
                if (parent := os.path.dirname(self.last)) not in made:
                    os.makedirs(parent, exist_ok=True)
                    made.add(parent)
                os.mknod(self.last)

    def look(self) -> Measured:
        """Measure a look at the files of all blocks."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.seen = [*files.seen(self.told, self.boxes)]
        return Measured(time.perf_counter() - wall, time.process_time() - cpu)

    def check(self) -> None:
        """Touch the last file: the last block must look changed, and no other."""
        os.utime(self.last, ns=(0, 0))
        *same, last = files.seen(self.told, self.boxes)
        if same != self.seen[:-1] or last == self.seen[-1]:
            raise SystemExit("what changed was not seen, so the figures mean nothing")


class Plan:
    """PLAN's program, for which a run has recorded all that is asked."""

    def __init__(self, ours: Bossflow) -> None:
        self.ours = ours
        self.described = next(ours.directory.glob("work/*/*/described.json"))
        self.asked = json.loads(self.described.with_name("run.json").read_text())
        self.runs = 0

    def run(self, mode: str) -> tuple[Measured, dict[str, Any]]:
        """Plan another run; return what that took, and the plan."""
        self.runs += 1
        directory = self.ours.directory / f"plan{self.runs}"
        directory.mkdir()
        self.asked["run"]["name"] = directory.name
        self.asked["params"]["source_changes"] = mode
        asked = directory / "run.json"
        asked.write_text(json.dumps(self.asked))
        command = [sys.executable, ROOT / "bin" / "plan.py", asked, self.described]
        home = self.ours.env["BOSSFLOW_HOME"]
        taken = common.measure(command, directory, self.ours.env, home)
        found = json.loads((directory / "plan.json").read_text())
        if found["problem"]:
            raise SystemExit(found["problem"])
        return taken, found

    def nothing(self, mode: str) -> Measured:
        """Measure a plan of nothing."""
        taken, found = self.run(mode)
        if found["tasks"]:
            raise SystemExit("something would be computed, so the figures mean nothing")
        return taken

    def check(self, source: str) -> None:
        """Touch a file of the volume: its block must be compared."""
        key = next(path for path in Path(source).iterdir() if path.is_dir())
        os.utime(min(key.iterdir()), ns=(0, 0))
        _, found = self.run("compare")
        if not found["compare"] or [task["units"] for task in found["tasks"]] != [1]:
            raise SystemExit("what changed was not seen, so the figures mean nothing")


def looks(options: Any) -> dict[str, dict[str, Any]]:
    """Return figures of what a look at files takes, a volume after the other."""
    found: dict[str, dict[str, Any]] = {}
    for chunks in CHUNKS_ZYX:
        for name, driver in DRIVERS.items():
            row = f"{options.blocks:,} blocks, {chunks} files each, {name}"
            with tempfile.TemporaryDirectory(prefix="bossflow-changes-") as scratch:
                case = Case(Path(scratch), driver, options.blocks, chunks)
                found |= reports.medians(reports.alternate(options.rounds, {row: case.look}))
                case.check()
    return found


def plans(options: Any) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """Return figures of PLAN, and ratios."""
    with (
        tempfile.TemporaryDirectory(prefix="bossflow-changes-") as scratch,
        common.bossflow(Path(scratch) / "ours") as ours,
    ):
        params = recorded(ours, options.units, options, BLOCK // 2)
        plan = Plan(ours)
        names = {mode: f"PLAN, source_changes {mode}" for mode in MODES}
        runs: dict[str, Callable[[], Measured]] = {
            names[mode]: partial(plan.nothing, mode) for mode in MODES
        }
        figures = reports.medians(reports.alternate(options.rounds, runs))
        plan.check(params["source"].partition("://")[2])
    return figures, reports.ratios(figures, names["compare"], names["off"])


def main() -> None:
    """Measure both and report."""
    parser = common.parser(__doc__, rounds=5)
    parser.add_argument("--blocks", type=int, default=10_000, help="whose files are seen (10000)")
    parser.add_argument("--units", type=int, default=10_000, help="recorded (10000)")
    options = parser.parse_args()
    figures = looks(options)
    planned, ratios = plans(options)
    title = "Looking for changed volumes; `off` over `compare`"
    reports.report(options, title, figures | planned, ratios)


if __name__ == "__main__":
    main()
