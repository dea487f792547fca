"""What the benchmarks share: volumes, measuring, peers in environments of their own, and reports.

A benchmark runs ours and its peers in turn, takes medians, prints a table, and writes figures and
ratios (peer over ours: above 1 means ours needs less) as JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import gzip
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import absent  # noqa: F401
import numpy as np
import numpy.typing as npt
import psutil
import tensorstore as ts
from bossflow.archive_server import demo
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT.parent / "shared" / "data" / "connectomics.npy.ckl.gz"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bossflow/benchmarks"
MATPLOTLIB = "matplotlib==3.10.8"

TRACE_FIELDS = "name,status,start,complete,realtime,%cpu,peak_rss"

console = Console()


class Measured(NamedTuple):
    """What a command took.

    Attributes
    ----------
    wall_s : float
    cpu_s : float
        User and system seconds of the command, of all that it waited for, and of its database.
    peak_mib : float
        Memory of its largest process, looked at ten times a second; 0 if it was not.
    server_s : float
        What of `cpu_s` the database server took.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float = 0.0
    server_s: float = 0.0


Results = Mapping[str, Sequence[Measured]]


def parser(description: str, rounds: int = 3) -> argparse.ArgumentParser:
    """Return a parser with the arguments that every benchmark takes."""
    made = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    made.add_argument("--volume", type=Path, help="segmentation: .npy or .npy.ckl.gz, ZYX")
    made.add_argument("--json", type=Path, metavar="FILE", help="write figures and ratios")
    made.add_argument("--plot", type=Path, metavar="FILE", help="draw figures (.svg, .png)")
    made.add_argument("--rounds", type=int, default=rounds, help=f"alternating runs ({rounds})")
    made.add_argument(
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="for bossflow's runs, which else take its defaults",
    )
    return made


def given(options: argparse.Namespace) -> dict[str, str]:
    """Return the parameters that the command line gives for bossflow's runs."""
    return dict(text.split("=", 1) for text in options.param)


def load(path: Path | None = None) -> npt.NDArray[Any]:
    """Load a volume: the one named, or the real sample where it is, or the demo segmentation.

    Returns
    -------
    ndarray of unsigned integers, ZYX, C order
    """
    if path is None:
        path = SAMPLE if SAMPLE.exists() else demo.make(CACHE / "demo")["segmentation"]
    if path.suffixes[-2:] == [".ckl", ".gz"]:
        import crackle

        voxels = crackle.decompress(gzip.decompress(path.read_bytes())).transpose(2, 1, 0)
    elif path.suffix == ".npy":
        voxels = np.load(path)
    else:
        raise SystemExit(f"--volume {path} is no volume: name a .npy or .npy.ckl.gz file")
    return np.ascontiguousarray(voxels)


def precomputed(
    name: str,
    shape_zyx: Sequence[int],
    dtype: str,
    cut: Callable[[int, int], npt.NDArray[Any]],
    **scale: Any,
) -> Path:
    """Write a precomputed segmentation in the cache, unless it is there from before.

    Parameters
    ----------
    name : str
        The directory's name, which tells all that the volume depends on.
    shape_zyx : sequence of 3 int
    dtype : str
    cut : callable
        Takes the ends of a range of z and returns its voxels, ZYX.
    **scale
        Encoding and chunk size, as tensorstore's `scale_metadata` has them.
    """
    directory = CACHE / "volumes" / name
    if directory.exists():
        return directory
    console.print(f"writing {directory}")
    partial = directory.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{partial}/"},
        "multiscale_metadata": {"type": "segmentation", "data_type": dtype, "num_channels": 1},
        "scale_metadata": {"size": list(shape_zyx)[::-1], "resolution": [8, 8, 8], **scale},
    }
    volume = ts.open(spec, create=True).result()
    for low, high in slabs(shape_zyx[0]):
        volume[:, :, low:high, 0] = cut(low, high).T
    partial.rename(directory)
    return directory


def slabs(depth: int, most: int = 256) -> Iterator[tuple[int, int]]:
    """Yield the ends of slabs of z."""
    for low in range(0, depth, most):
        yield low, min(low + most, depth)


def digest(voxels: npt.NDArray[Any]) -> str:
    """Name a volume by its content."""
    return hashlib.sha256(voxels.data).hexdigest()[:12]


def environment(name: str, *requirements: str) -> Path:
    """Return the `bin` of a peer's virtual environment, which is made when it is first used."""
    place = CACHE / name
    made_of = place / "requirements.txt"
    wanted = "\n".join(requirements) + "\n"
    if not made_of.exists() or made_of.read_text() != wanted:
        console.print(f"installing {', '.join(requirements)} in {place}")
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        if subprocess.run([*pip, *requirements]).returncode:
            raise SystemExit(f"pip could not install {', '.join(requirements)}: see above")
        made_of.write_text(wanted)
    return place / "bin"


def measure(
    command: Sequence[object],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    database: str | None = None,
) -> Measured:
    """Run a command and measure it.

    Parameters
    ----------
    command : sequence of str, Path or number
    cwd : Path, optional
    env : mapping, optional
        Added to this process's environment.
    database : str, optional
        What the command line of the database server holds, such as its data directory. The server
        outlives the command, so what it took meanwhile is asked of it.

    Raises
    ------
    SystemExit
        If the command fails, with what it printed.
    """
    before = server_seconds(database)
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=os.environ | (env or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ended, peak = threading.Event(), [0.0]
        watch = threading.Thread(target=_watch, args=(process.pid, ended, peak))
        watch.start()
        # unlike the whole process's usage, that of one child also says what its children took
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        watch.join()
        if process.returncode:
            output.seek(0)
            words = " ".join(map(str, command))
            raise SystemExit(f"{output.read()}\n{words} ended with {process.returncode}")
    served = server_seconds(database) - before
    return Measured(wall, used.ru_utime + used.ru_stime + served, peak[0], served)


def _watch(pid: int, ended: threading.Event, peak: list[float]) -> None:
    """Note the memory of a command's largest process, until it has ended."""
    while not ended.wait(0.1):
        with contextlib.suppress(psutil.Error):
            command = psutil.Process(pid)
            for process in (command, *command.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    peak[0] = max(peak[0], process.memory_info().rss / 2**20)


def server_seconds(words: str | None) -> float:
    """Return the CPU seconds of a database server and of all its processes, dead ones too."""
    total = 0.0
    if words is None:
        return total
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            server = process.name().startswith(("postgres", "mysqld", "mariadbd"))
            if server and words in " ".join(process.cmdline()):
                total += sum(process.cpu_times()[:4])  # its own, and those of children that ended
                total += sum(sum(child.cpu_times()[:2]) for child in process.children(True))
    return total


class Bossflow:
    """A launch directory with a home, store, database and work directory of its own.

    `root` is the clone whose code runs.
    """

    def __init__(self, directory: Path, root: Path = ROOT) -> None:
        self.directory = directory
        self.root = root
        self.env = {
            "BOSSFLOW_HOME": str(directory / "home"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(root / "schema"),
            "NXF_ANSI_LOG": "false",
        }

    def run(self, **params: Any) -> Measured:
        """Measure a whole `nextflow run`, the database server included."""
        file = self.directory / "params.json"
        file.write_text(json.dumps(params))
        config = self.directory / "trace.config"
        config.write_text(f"trace {{ raw = true\nfields = '{TRACE_FIELDS}' }}\n")
        command = ["nextflow", "-c", config, "run", self.root, "-params-file", file]
        return measure(command, self.directory, self.env, str(self.directory / "home"))

    def trace(self) -> dict[str, dict[str, float]]:
        """Sum up the last run's trace by process.

        Returns
        -------
        dict
            By process: `tasks`, seconds and CPU seconds of them all, memory of the largest, and
            when the first began and the last ended, in seconds of the clock.
        """
        found: dict[str, dict[str, float]] = {}
        with (self.directory / "results" / "reports" / "trace.txt").open() as stream:
            for row in csv.DictReader(stream, delimiter="\t"):
                task = {
                    "tasks": 1,
                    "wall_s": float(row["realtime"]) / 1000,
                    "cpu_s": float(row["realtime"]) / 1000 * float(row["%cpu"]) / 100,
                    "peak_mib": float(row["peak_rss"]) / 2**20,
                    "start_s": float(row["start"]) / 1000,
                    "end_s": float(row["complete"]) / 1000,
                }
                sums = found.setdefault(row["name"].split(" ")[0].rpartition(":")[2], {})
                for name, value in task.items():
                    best = {"peak_mib": max, "end_s": max, "start_s": min}.get(name, add)
                    sums[name] = best(sums[name], value) if name in sums else value
        return found

    def call(self, *arguments: str) -> str:
        """Return what `bossflow ARGUMENTS` prints."""
        code = "from bossflow.command.main import main; main()"
        command = [sys.executable, "-c", code, *arguments]
        env = os.environ | self.env
        done = subprocess.run(
            command, cwd=self.directory, env=env, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout


@contextlib.contextmanager
def bossflow(directory: Path, root: Path = ROOT) -> Iterator[Bossflow]:
    """Make a launch directory anew; its database stops, and its files go, at the end."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    ours = Bossflow(directory, root)
    try:
        yield ours
    finally:
        ours.call("db", "stop")
        shutil.rmtree(directory)


def alternate(rounds: int, runs: Mapping[str, Callable[[], Measured]]) -> Results:
    """Run everything once a round, in turn, so that a noisy machine is noisy for all alike."""
    found: dict[str, list[Measured]] = {name: [] for name in runs}
    for number in range(1, rounds + 1):
        for name, run in runs.items():
            taken = run()
            found[name].append(taken)
            console.print(
                f"round {number}: {name} took {taken.wall_s:.2f} s, {taken.cpu_s:.2f} CPU-s"
            )
    return found


def medians(results: Results) -> dict[str, dict[str, Any]]:
    """Return figures: the medians of the rounds, and the rounds themselves."""
    return {
        name: {
            "wall_s": statistics.median(run.wall_s for run in runs),
            "cpu_s": statistics.median(run.cpu_s for run in runs),
            "peak_mib": max(run.peak_mib for run in runs) or None,
            "server_s": statistics.median(run.server_s for run in runs) or None,
            "rounds": [run._asdict() for run in runs],
        }
        for name, runs in results.items()
    }


def ratios(figures: Mapping[str, Mapping[str, Any]], ours: str, peer: str) -> dict[str, float]:
    """Divide the peer's wall time and CPU seconds by ours."""
    return {
        name: figures[peer][f"{name}_s"] / max(figures[ours][f"{name}_s"], 1e-9)
        for name in ("wall", "cpu")
    }


def show(title: str, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a table with a row for each name; only numbers are shown."""
    columns = {name: None for row in figures.values() for name in row if _number(row[name])}
    table = Table("", *columns, title=title)
    for name, row in figures.items():
        table.add_row(name, *(_words(row.get(c)) for c in columns))
    console.print(table)


def report(
    options: argparse.Namespace,
    title: str,
    figures: Mapping[str, Mapping[str, Any]],
    ratio: Mapping[str, Any],
    **more: Any,
) -> None:
    """Print the figures as a table, and write them and the plot where the options say.

    Parameters
    ----------
    options : Namespace
        From `parser`.
    title : str
    figures : mapping
        A row by name; its values are numbers, or lists that only the JSON shows.
    ratio : mapping
        `wall` and `cpu`, peer over ours.
    **more
        What else the JSON shall hold.
    """
    show(title, figures)
    console.print("peer over ours:", {name: _words(value) for name, value in ratio.items()})
    content = {"title": title, "figures": figures, "ratios": ratio, "machine": _machine(), **more}
    text = json.dumps(content, indent=1) + "\n"
    if options.json:
        options.json.write_text(text)
    if options.plot:
        python = environment("plot", MATPLOTLIB) / "python"
        draw = Path(__file__).with_name("draw.py")
        subprocess.run([python, draw, options.plot], input=text, text=True, check=True)


def _number(value: Any) -> bool:
    return isinstance(value, int | float)


def _words(value: Any) -> str:
    if not _number(value):
        return ""
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def _machine() -> dict[str, Any]:
    """Say what machine the figures are from."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": os.getloadavg()[0],
        "python": sys.version.split()[0],
    }
