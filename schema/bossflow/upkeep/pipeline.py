"""The pipeline's own programs, run here without Nextflow: DESCRIBE, and tasks many at a time."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from .. import __version__
from ..kit import digests
from ..kit.parameters import Parameters
from ..kit.texts import json_lines, one_line

OWN = Path(__file__).resolve().parents[3]
"""The checkout that this package lies in."""

FILES = ("main.nf", "nextflow_schema.json", "bin")
POLL_SECONDS = 0.02


class Task(NamedTuple):
    """A task file, where its program works, and what it asks for."""

    process: str
    file: Path
    directory: Path
    cores: int
    memory: int
    units: list[str]
    after: frozenset[Path]
    """The directories of those that it comes after."""


class Pipeline:
    """A directory with `main.nf`, `nextflow_schema.json` and programs.

    Parameters
    ----------
    root : Path, optional
        Default: the checkout that this package lies in.

    Raises
    ------
    ValueError
        If it is none.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or OWN).absolute()
        if lacking := [name for name in FILES if not (self.root / name).exists()]:
            raise ValueError(
                f"{self.root} has no {lacking[0]}: give --pipeline, the directory of the "
                "pipeline's main.nf"
            )
        self.schema = json.loads((self.root / "nextflow_schema.json").read_text("utf-8"))
        self._bins = list(dict.fromkeys([self.root / "bin", OWN / "bin"]))

    def program(self, process: str) -> Path | None:
        """Return the program that is named as a process is; None where it is no single one."""
        places = (place / f"{process.lower()}.py" for place in self._bins)
        return next((place for place in places if place.is_file()), None)

    @property
    def code(self) -> str:
        """The fingerprint of its programs, as PLAN records it."""
        own, theirs = (digests.fingerprint(OWN / "bin"), digests.fingerprint(self.root / "bin"))
        same = (self.root / "bin").resolve() == (OWN / "bin").resolve()
        return own if same else digests.digest([own, theirs])[:16]

    def known(self, workflow: str, params: dict[str, Any]) -> dict[str, Any]:
        """Return those parameters that say what a workflow makes, and are not as they are anyway.

        Which of those that are known at launch there are does not bear on that: places, profiles.
        """
        described = Parameters(self.schema, workflow).described
        described |= self.schema["$defs"].get("tool", {}).get("properties", {})
        return {
            name: value
            for name, value in params.items()
            if name in described and value is not None and value != described[name].get("default")
        }

    def describe(self, params: dict[str, Any], directory: Path) -> dict[str, Any]:
        """Return what DESCRIBE finds for some parameters; it works in a new directory.

        Raises
        ------
        ValueError
            With the sentence that it says, or that it died.
        """
        directory.mkdir(parents=True)
        run = {
            "name": directory.name,
            "session": str(directory),
            "start": datetime.now(UTC).isoformat(),
            "nextflow": "none",
            "version": __version__,
            "launch_dir": str(Path.cwd()),
        }
        asked = {"workflow": params["workflow"], "params": params, "run": run}
        (directory / "run.json").write_text(json.dumps(asked), "utf-8")
        program = self.program("DESCRIBE")
        assert program is not None
        schema = self.root / "nextflow_schema.json"
        command = [sys.executable, str(program), "run.json", str(schema)]
        done = subprocess.run(
            command,
            cwd=directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            raise ValueError(f"DESCRIBE ended with {done.returncode}: {_last(done.stderr)}")
        found: dict[str, Any] = json.loads((directory / "described.json").read_text("utf-8"))
        if found["problem"]:
            raise ValueError(found["problem"])
        return found

    def run(self, tasks: list[Task], made: Callable[[int], None]) -> Iterator[dict[str, Any]]:
        """Run tasks, each after those before it, as many at once as cores and memory let.

        Parameters
        ----------
        tasks : list of Task
        made : callable
            Is told how many units more are done.

        Yields
        ------
        dict
            The receipt of each unit; `failed`, with what its program said last, of one that has
            none.
        """
        cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().available
        left = {task.directory: task for task in tasks}
        with ExitStack() as stack:
            running: dict[Path, tuple[Task, subprocess.Popen[bytes]]] = {}
            stack.callback(_end, running)
            while left or running:
                waiting = left.keys() | running.keys()
                for task in [*left.values()]:
                    busy = [other for other, _ in running.values()]
                    fits = (
                        sum(one.cores for one in busy) + task.cores <= cores
                        and sum(one.memory for one in busy) + task.memory <= memory
                    )
                    if (fits or not busy) and waiting.isdisjoint(task.after):
                        running[task.directory] = task, self._start(task)
                        del left[task.directory]
                time.sleep(POLL_SECONDS)
                for task, process in [*running.values()]:
                    if process.poll() is not None:
                        del running[task.directory]
                        made(len(task.units))
                        yield from _receipts(task, process.returncode)

    def _start(self, task: Task) -> subprocess.Popen[bytes]:
        program = self.program(task.process)
        assert program is not None
        task.directory.mkdir(parents=True)
        with (task.directory / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, str(program), str(task.file)],
                cwd=task.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def _environment(self) -> dict[str, str]:
        """What programs see: all but the database's; one of another project finds `kit`."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}
        paths = [str(OWN / "bin"), *filter(None, [os.environ.get("PYTHONPATH")])]
        return own | {"PYTHONPATH": os.pathsep.join(paths)}


def _receipts(task: Task, code: int) -> Iterator[dict[str, Any]]:
    file = task.directory / "receipts.jsonl"
    said: dict[str, dict[str, Any]] = {}
    if file.exists():
        text = file.read_text("utf-8", "surrogateescape")
        if not text.endswith("\n"):  # it was killed while it wrote
            file.write_text(text[: text.rfind("\n") + 1], "utf-8", "surrogateescape")
        said = {line["unit_id"]: line for line in json_lines(file)}
    log = (task.directory / "log").read_text("utf-8", "replace")
    dead = {"state": "failed", "error": f"its program ended with {code}: {_last(log)}"}
    for name in task.units:
        yield said.get(name, dead | {"unit_id": name})


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else "it said nothing"


def _end(running: dict[Path, tuple[Task, "subprocess.Popen[bytes]"]]) -> None:
    for _, process in running.values():
        process.kill()
    for _, process in running.values():
        process.wait()
