"""A lab in which programs and servers are killed, and what is left is compared with what should be.

Kills, reruns, and what was compared are counted in `COUNTS`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from conftest import COUNTS, ROOT, SEED
from killable import Server
from lab import COMPUTE
from pipeline import run_of
from stage import NO_REPORTS, tell_why
from states import States
from steps import defaults

Point = tuple[str, str, int]
"""Event, pattern that is found in it, and its number: see killed.py."""


class Lab(States):
    """A launch directory in which programs are started, killed and started again."""

    def __init__(self, directory: Path, server: Server, given: dict[str, Any]) -> None:
        self.directory, self.server = directory, server
        self.schema = f"bossflow_{directory.name}_{os.getpid()}"
        self.environment = server.environment | {"BOSSFLOW_SCHEMA": self.schema}
        self.environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self.store = directory / "store"
        self.states: list[str] = []
        self.at: dict[str, Path] = {}
        self.events: dict[str, list[str]] = {}
        self.runs = 0
        self.expected: tuple[Any, Any] = ({}, {})
        described = json.loads((ROOT / "nextflow_schema.json").read_text())
        self.params = defaults(described) | given | {"store": str(self.store)}
        self.work = directory
        """Where the last plan is."""

    # ---- programs, as Nextflow starts them ----

    @contextmanager
    def started(self) -> Iterator["Lab"]:
        """Have programs started by a process that has imported what they need."""
        command = [sys.executable, str(ROOT / "tests" / "killed.py"), str(ROOT / "bin")]
        pipe = subprocess.PIPE
        self.starter = subprocess.Popen(
            command, cwd=self.directory, env=self.environment, stdin=pipe, stdout=pipe, text=True
        )
        try:
            yield self
        finally:
            for process in psutil.Process(self.starter.pid).children():
                process.kill()  # one that was stopped, where a test has failed
            self.starter.communicate()

    def _ask(self, asked: dict[str, Any]) -> dict[str, int]:
        assert self.starter.stdin and self.starter.stdout
        print(json.dumps(asked), file=self.starter.stdin, flush=True)
        answer: dict[str, int] = json.loads(self.starter.stdout.readline())
        return answer

    def program(
        self,
        *argv: str,
        directory: Path | None = None,
        end_at: Point | None = None,
        by: signal.Signals = signal.SIGKILL,
        note: Path | None = None,
    ) -> dict[str, int]:
        """Run a program; it must reach the point where it is to be ended, if there is one."""
        program, *rest = argv
        path = program if program == "bossflow" else str(ROOT / "bin" / program)
        directory = directory or self.work
        answer = self._ask(
            {
                "argv": [path, *rest],
                "directory": str(directory),
                "said": str(directory / "said.txt"),
                "lab": str(self.directory),
                "end_at": end_at,
                "signal": by,
                "note": note and str(note),
            }
        )
        self.text = (directory / "said.txt").read_text()
        self.answer = answer
        if end_at and by == signal.SIGKILL:
            COUNTS["kills"] += 1
            assert answer == {"status": -signal.SIGKILL}, (answer, end_at, SEED, self.text)
        elif end_at:
            assert "stopped" in answer, (answer, end_at, self.text)
        return answer

    def go_on(self, stopped: dict[str, int]) -> int:
        """Continue a program that was stopped; return its exit code."""
        return self._ask({"goes_on": stopped["stopped"]})["status"]

    def ok(self, *argv: str, **how: Any) -> None:
        answer = self.program(*argv, **how)
        assert answer == {"status": 0}, (answer, argv, self.text)

    def begin(self) -> None:
        """Go to the work directory of a run of its own."""
        self.runs += 1
        self.work = self.directory / "runs" / str(self.runs)
        self.work.mkdir(parents=True)
        run = run_of(self.runs, self.directory)
        (self.work / "run.json").write_text(
            json.dumps({"workflow": "label", "params": self.params, "run": run})
        )
        described = self.directory / "described.json"
        if not described.exists():
            self.ok("describe.py", "run.json", str(ROOT / "nextflow_schema.json"))
            (self.work / "described.json").rename(described)
        shutil.copy(described, self.work)

    def plan(self, **how: Any) -> dict[str, Any]:
        """Begin a run with its plan."""
        self.begin()
        self.program("plan.py", "run.json", "described.json", **how)
        file = self.work / "plan.json"
        plan: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return plan

    def tasks(self, process: str) -> list[Path]:
        return sorted((self.work / "tasks").glob(f"{process}-*.jsonl"))

    def compute(self, process: str, **how: Any) -> None:
        """Run the tasks of a process, as the last plan has them."""
        for task in self.tasks(process):
            directory = self.work / task.stem
            directory.mkdir(exist_ok=True)
            program = f"{process.lower()}.py"
            self.program(program, str(task), directory=directory, **how)

    @property
    def receipts(self) -> list[str]:
        return sorted(map(str, self.work.glob("*/receipts.jsonl")))

    def record(self, **how: Any) -> dict[str, Any]:
        self.program("record.py", "plan.json", *self.receipts, **how)
        file = self.work / "recorded.json"
        recorded: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return recorded

    # ---- what is there, and what should be ----

    def same(self) -> None:
        """Compare database and store with those of an undisturbed run."""
        rows, files = self.rows(), self.files()
        assert rows == self.expected[0], f"seed {SEED}"
        assert files == self.expected[1], f"seed {SEED}"
        COUNTS["rows compared"] += sum(map(len, rows.values()))
        COUNTS["files compared"] += len(files)

    @contextmanager
    def rerunning(self) -> Iterator[None]:
        """Check that a rerun completes what is there, and makes no bundle that is there again."""
        before, begun = self.made(), self.in_flight()
        yield
        after = self.made()
        assert before.items() <= after.items(), f"seed {SEED}"
        again = {Path(name).name for name in after.keys() - before.keys()}
        COUNTS["reruns"] += 1
        COUNTS["units kept"] += len(before)
        COUNTS["units begun and not finished, made in the rerun"] += len(again & begun)
        COUNTS["units not begun, made in the rerun"] += len(again - begun)
        self.same()

    def rerun(self) -> None:
        """Run it plainly, a program after the other, and compare."""
        with self.rerunning():
            self.complete()

    def complete(self) -> None:
        """Run it, a program after the other; nothing may be missing then."""
        plan = self.plan()
        assert plan["problem"] is None
        if plan["tasks"]:
            for process in COMPUTE:
                self.compute(process)
            recorded = self.record()
            assert not recorded["failed"] and not recorded["blocked"], recorded
        verdict = json.loads((self.work / "verdict.json").read_text())
        assert verdict == {"missing": None}

    # ---- whole runs ----

    def nextflow(self) -> "subprocess.Popen[bytes]":
        """Start a run."""
        given = {name: value for name, value in self.params.items() if value is not None}
        file = self.directory / "params.json"
        file.write_text(json.dumps(given))
        paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
        own = {"PATH": os.pathsep.join(paths), "NXF_ANSI_LOG": "false"}
        self.runs += 1
        with (self.directory / "said.txt").open("w") as said:
            return subprocess.Popen(
                ["nextflow", "run", str(ROOT), "-params-file", str(file), *NO_REPORTS],
                cwd=self.directory,
                env=self.environment | own,
                stdout=said,
                stderr=subprocess.STDOUT,
            )

    def finish(self, run: "subprocess.Popen[bytes]") -> int:
        """Wait for a run, and for the tasks that an earlier one left behind; return its code."""
        code = run.wait(300)
        while any(self.at_work()):
            time.sleep(0.05)
        self.text = (self.directory / "said.txt").read_text()
        tell_why(code, self.directory)
        return code

    def at_work(self) -> Iterator[psutil.Process]:
        """Yield the tasks' processes, whoever started them."""
        work = self.directory / "work"
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.status() != psutil.STATUS_ZOMBIE and work in Path(process.cwd()).parents:
                    yield process
