"""Run again what is recorded, against `nextflow run -resume` of as many cached tasks.

    python benchmarks/rerun.py [--units 10000]

Ours is a real run of tiny blocks, made once for each time that the benchmark runs; the peer's
work directory and cache stay in the benchmarks' cache directory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import inputs
import numpy as np
import reports
from common import Bossflow, Measured, console

PIPELINE = Path(__file__).parent / "peers" / "cached.nf"
BLOCK = 16
LAYER = (20, 25)
"""Blocks of a layer along y and x: 500, with at least two units each."""

# Many tasks at once, asked after often: this is only how the cached tasks are made.
CONFIG = """executor.$local.cpus = 8
executor.$local.queueSize = 8
executor.$local.pollInterval = '50 ms'
"""


def recorded(ours: Bossflow, units: int, options: Any, chunk: int = BLOCK) -> dict[str, Any]:
    """Make and record at least so many units; returns the run's parameters."""
    layers = -(-units // (2 * LAYER[0] * LAYER[1]))
    shape = [BLOCK * count for count in (layers, *LAYER)]
    sample = inputs.load(options.volume)

    def cut(low: int, high: int) -> Any:
        ends = ((low, high), (0, shape[1]), (0, shape[2]))
        index = [np.arange(*e) % side for e, side in zip(ends, sample.shape, strict=True)]
        return sample[np.ix_(*index)]

    name = f"{'x'.join(map(str, shape))}-{chunk}-{inputs.digest(sample)}"
    chunks = {"encoding": "raw", "chunk_size": [chunk] * 3}
    where = inputs.precomputed(name, shape, str(sample.dtype), cut, **chunks)
    params = {
        "source": f"precomputed://{where}",
        "block_shape": [BLOCK] * 3,
        "blocks_per_task": 500,
    } | common.given(options)
    ours.call("db", "deploy")
    taken = ours.run(**params)
    made = sum(1 for _ in (ours.directory / "home" / "store").glob("*/*/*/bundle.json"))
    if made < units:
        raise SystemExit(f"the run made {made} units, not the {units} asked for")
    console.print(f"{made} units recorded in {taken.wall_s:.0f} s")
    return params


def resume(directory: Path, tasks: int) -> Measured:
    """Run the peer, with `-resume`; what it ran before is cached."""
    command = ["nextflow", "run", PIPELINE, "--tasks", str(tasks), "-resume", "-ansi-log", "false"]
    return common.measure(command, directory)


def cached(directory: Path, tasks: int) -> None:
    """Fill the peer's cache, unless it is there from before."""
    done = directory / "cached"
    if not done.exists():
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "nextflow.config").write_text(CONFIG)
        taken = resume(directory, tasks)
        console.print(f"{tasks} tasks cached in {taken.wall_s:.0f} s")
        done.touch()


def count(directory: Path) -> int:
    """Count the tasks that ever ran in a work directory."""
    return sum(1 for _ in directory.glob("work/??/*/.exitcode"))


def main() -> None:
    """Prepare both, run both again and again, and report."""
    parser = common.parser(__doc__)
    parser.add_argument("--units", type=int, default=10_000, help="recorded or cached (10000)")
    options = parser.parse_args()
    theirs = common.CACHE / f"resume-{options.units}"
    cached(theirs, options.units)
    with (
        tempfile.TemporaryDirectory(prefix="bossflow-rerun-") as scratch,
        common.bossflow(Path(scratch) / "ours") as ours,
    ):
        params = recorded(ours, options.units, options)
        before = count(ours.directory), count(theirs)
        runs: dict[str, Callable[[], Measured]] = {
            "bossflow": lambda: ours.run(**params),
            "nextflow -resume": partial(resume, theirs, options.units),
        }
        figures = reports.medians(reports.alternate(options.rounds, runs))
        # DESCRIBE and PLAN always run
        allowed = before[0] + 2 * options.rounds, before[1]
        if (count(ours.directory), count(theirs)) != allowed:
            raise SystemExit("something was computed again, so the figures mean nothing")
    title = f"Running again, {options.units:,} recorded units or cached tasks"
    ratios = reports.ratios(figures, "bossflow", "nextflow -resume")
    reports.report(options, title, figures, ratios)


if __name__ == "__main__":
    main()
