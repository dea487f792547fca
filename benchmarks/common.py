"""What the benchmarks share: measuring, and peers in environments of their own.

Their volumes are in inputs.py, what they tell in reports.py.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import absent  # noqa: F401
import psutil
from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bossflow/benchmarks"

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
                sums = found.setdefault(_process(row["name"]), {})
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


def _process(name: str) -> str:
    """Return the process of a task by its name: LABEL:LABEL_BLOCK:TASK (LABEL_BLOCK-00000 …)."""
    return re.sub(r":TASK(_[ML])?$", "", name.split(" ")[0]).rpartition(":")[2]


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
