"""A lab as a user has one: a launch directory, a home, an archive, and what was made there."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import conftest
import numpy as np
import pytest
import warm
from bossflow.archive_server import app as archive
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from conftest import ROOT
from stage import NO_REPORTS, tell_why
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from steps import defaults

CHANNEL = "bossdb://lab/slice/neurons"
COMPUTE = ("PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK", "STITCH", "RELABEL_BLOCK")

SMALL = {"block_shape": [16, 32, 40], "connectivity": 18, "min_voxels": 3, "blocks_per_task": 4}
X, Y, Z = (110, 180), (10, 74), (8, 37)


class Lab:
    """A launch directory, a home of its own, and an archive with one channel."""

    voxel_size_nm_zyx = (30.0, 8.0, 8.0)

    def __init__(self, directory: Path, voxels: np.ndarray, offset_zyx: tuple[int, int, int]):
        self.directory = directory
        self.home = directory / "home"
        self.voxels = voxels
        self.offset_zyx = offset_zyx
        self.refused: str | None = None
        self.host = ""
        self.own: dict[str, str] = {}
        """What is in its environment beside."""
        directory.mkdir(exist_ok=True)

    @contextmanager
    def serving(self) -> Iterator["Lab"]:
        def faults(request: Request) -> Response | None:
            if self.refused and self.refused in request.url.path:
                return JSONResponse({"status": 403, "message": "not for you"}, 403)
            return None

        volume = volume_of(self.voxels, self.offset_zyx, self.voxel_size_nm_zyx)
        with serving(archive.app({CHANNEL: volume}, faults=faults)) as self.host:
            try:
                yield self
            finally:
                if "DJ_HOST" not in self.own:
                    self.bossflow("db", "stop")

    @property
    def environment(self) -> dict[str, str]:
        paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
        return {
            **os.environ,
            **self.own,
            "BOSSFLOW_HOME": str(self.home),
            "PATH": os.pathsep.join(paths),
            "NXF_ANSI_LOG": "false",
            "PYTHONWARNINGS": "ignore",
        }

    def asked(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return parameters with those that name this lab's archive and, for a team, its store."""
        own = {"source": CHANNEL, "bossdb_host": self.host, "archive": "lab", "page": False}
        if "DJ_HOST" in self.environment:
            own["store"] = str(self.home / "store")
        return own | params

    def nextflow(self, reports: bool = False, **params: Any) -> "Outcome":
        """Run it with Nextflow; a parameter that is None is not given."""
        given = {name: value for name, value in self.asked(params).items() if value is not None}
        file = self.directory / "params.json"
        file.write_text(json.dumps(given))
        trace = self.directory / "results" / "reports" / "trace.txt"
        trace.unlink(missing_ok=True)
        command = ["nextflow", "run", str(ROOT), "-params-file", str(file)]
        command += [] if reports else NO_REPORTS
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,  # a run that hangs fails
        )
        tell_why(done.returncode, self.directory)
        names: list[str] = []
        if trace.exists():
            with trace.open() as stream:
                names = [row["name"] for row in csv.DictReader(stream, delimiter="\t")]
        return Outcome(done.returncode, done.stdout + done.stderr, names)

    def run(self, **params: Any) -> "Outcome":
        """Do what Nextflow does, a program at a time, in a second; `--soak` has Nextflow do it."""
        if conftest.SOAK:
            return self.nextflow(**params)
        return Steps(self).run(self.asked(params))

    def program(self, *argv: str, directory: Path) -> "subprocess.CompletedProcess[str]":
        """Run a program of bin/ in a directory."""
        name, *rest = argv
        directory.mkdir(parents=True, exist_ok=True)
        return warm.run(str(ROOT / "bin" / name), *rest, cwd=directory, env=self._python)

    @property
    def _python(self) -> dict[str, str]:
        return self.environment | {"PYTHONPATH": str(ROOT / "schema")}

    def python(self, code: str, *arguments: str) -> str:
        done = warm.run("-c", code, *arguments, cwd=self.directory, env=self._python)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def bossflow(self, *arguments: str) -> str:
        return self.python("from bossflow.command.main import main; main()", *arguments)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.bossflow("status", "--json"))
        return found

    def cut(self, x: tuple[int, int], y: tuple[int, int], z: tuple[int, int]) -> np.ndarray:
        low = self.offset_zyx
        index = [slice(a - o, b - o) for (a, b), o in zip((z, y, x), low, strict=True)]
        return np.ascontiguousarray(self.voxels[tuple(index)])


class Outcome:
    """What a run printed, its exit code, and its tasks by process."""

    def __init__(self, code: int, text: str, names: list[str]) -> None:
        self.code, self.text = code, text
        self.tasks: dict[str, int] = {}
        self.blocks: dict[str, list[str]] = {}
        for name in names:  # LABEL:PULL_BLOCK:TASK (PULL_BLOCK-00000 0-512_0-512_0-64 ...)
            process = re.sub(r":TASK(_[ML])?$", "", name.split(" ")[0]).rpartition(":")[2]
            if process == "COMPARE":
                process += "_" + name.partition("(")[2].partition("-")[0]
            self.tasks[process] = self.tasks.get(process, 0) + 1
            blocks = re.findall(r"-?\d+--?\d+_-?\d+--?\d+_-?\d+--?\d+", name)
            self.blocks.setdefault(process, []).extend(blocks)

    def ok(self) -> "Outcome":
        assert self.code == 0, self.text
        return self

    @property
    def computed(self) -> dict[str, int]:
        """Return how many units were computed of each process; one of STITCH names no block."""
        return {
            name: len(self.blocks[name]) or self.tasks[name]
            for name in COMPUTE
            if name in self.tasks
        }


class Steps:
    """A run of the programs as a workflow's file and workflows/kit/tasks.nf wire them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        number = len(list(lab.directory.glob("work/steps*")))
        self.work = lab.directory / "work" / f"steps{number}"  # no name that Nextflow gives
        self.names: list[str] = []
        self.said: list[str] = []

    def program(self, process: str, task: str, *argv: str) -> Path | None:
        """Run a program in a directory of its own; return that, or None if it failed."""
        self.names.append(f"LABEL:{process} ({task})")
        start = "COMPARE_" if process.startswith("COMPARE_") else ""
        directory = self.work / (start + task.split(" ")[0])
        program = f"{process.removeprefix(start).lower()}.py"
        done = self.lab.program(program, *argv, directory=directory)
        if done.returncode:
            self.said.append(done.stdout + done.stderr)
        return None if done.returncode else directory

    def run(self, asked: dict[str, Any]) -> Outcome:
        schema = ROOT / "nextflow_schema.json"
        params = defaults(json.loads(schema.read_text())) | asked
        run = {
            "name": self.work.name,
            "session": str(self.work),
            "start": datetime.now(UTC).isoformat(),
            "nextflow": "none",
            "launch_dir": str(self.lab.directory),
        }
        self.work.mkdir(parents=True)
        run_json = self.work / "run.json"
        run_json.write_text(
            json.dumps({"workflow": params["workflow"], "params": params, "run": run})
        )
        sheet = [str(params["input"])] if params["input"] else []
        described = self.program("DESCRIBE", "describe", str(run_json), str(schema), *sheet)
        if not described:
            return self.end("DESCRIBE died")
        given = (str(run_json), str(described / "described.json"))
        planned, plan = self.plan("plan", *given)
        if planned and not plan["problem"] and plan["compare"]:
            compared = [str(made / "receipts.jsonl") for made in self.computed(planned, plan)]
            if not compared:
                return self.end("none could be compared")
            planned, plan = self.plan("again", *given, *compared)
        if not planned:
            return self.end("PLAN died")
        if plan["problem"]:
            return self.end(plan["problem"])
        if plan["dry_run"]:
            return self.end(None)
        return self.conclude(self.recorded(planned, plan) if plan["tasks"] else planned)

    def plan(self, task: str, *given: str) -> tuple[Path | None, dict[str, Any]]:
        """Run PLAN; return where it did, and its plan."""
        planned = self.program("PLAN", task, *given)
        plan: dict[str, Any] = json.loads((planned / "plan.json").read_text()) if planned else {}
        if planned and not plan["problem"]:
            if plan["tasks"] or plan["dry_run"]:
                self.said += [f"note: {note}" for note in plan["notes"]]
            self.said.append(plan["text"])
        return planned, plan

    def computed(self, planned: Path, plan: dict[str, Any]) -> list[Path]:
        """Run all tasks, each after those that it names; return where they did."""
        start = "COMPARE_" if plan["compare"] else ""
        done: dict[str, Path] = {}
        todo = list(plan["tasks"])
        while ready := [one for one in todo if set(one["after"]) <= set(done)]:
            for one in ready:
                name = " ".join([one["task"], *(one["names"])])
                file = planned / "tasks" / f"{one['task']}.jsonl"
                if directory := self.program(start + one["process"], name, str(file)):
                    done[one["task"]] = directory
            todo = [one for one in todo if one not in ready]
        return list(done.values())

    def recorded(self, planned: Path, plan: dict[str, Any]) -> Path | None:
        """Compute and record all tasks; return where the summary is."""
        receipts = [str(made / "receipts.jsonl") for made in self.computed(planned, plan)]
        batches = []
        for number, first in enumerate(range(0, len(receipts), 20)):
            batch = receipts[first : first + 20]
            made = self.program("RECORD", f"record{number}", str(planned / "plan.json"), *batch)
            batches += [made] if made else []
        if len(batches) == 1 and (batches[0] / "summary.txt").exists():
            return batches[0]
        told = [str(batch / "recorded.json") for batch in batches]
        return self.program("SUMMARY", "summary", str(planned / "plan.json"), *told)

    def conclude(self, summed_up: Path | None) -> Outcome:
        if not summed_up:
            return self.end("the summary could not be made")
        results = self.lab.directory / "results"
        results.mkdir(exist_ok=True)
        shutil.copy(summed_up / "requests.csv", results)
        self.said.append((summed_up / "summary.txt").read_text())
        return self.end(json.loads((summed_up / "verdict.json").read_text())["missing"])

    def end(self, missing: str | None) -> Outcome:
        return Outcome(int(missing is not None), "\n".join([*self.said, missing or ""]), self.names)


def make_voxels(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Return blobs of a few ids, some above 2^63, with many components over any seam."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 4, [-(-n // 3) for n in shape])
    voxels = coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(slice(n) for n in shape)]
    voxels = np.where(random.random(shape) < 0.25, random.integers(0, 4, shape), voxels)
    ids = np.array([0, 7, 2**63 + 5, 2**64 - 1], np.uint64)
    return np.ascontiguousarray(ids[voxels])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    voxels = make_voxels((36, 70, 90), 1)
    with Lab(tmp_path_factory.mktemp("lab"), voxels, (5, 10, 100)).serving() as started:
        yield started
