"""The toy workflow a step at a time in the process of a test, on one database."""

import json
import sys
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from add_words import add_words
from count_words import count_words
from kit import locations, tasks, units
from reading import software

NUMBERS = count()


@pytest.fixture(scope="module")
def toy(home: Path) -> Any:
    """Return the toy workflow, its tables bound."""
    import toy
    from bossflow.core import installed, registry

    installed.open_schema([*registry.load_all(), toy.workflow])  # a team's: test_mysql.py does it
    return toy


PROGRAMS: dict[str, units.Work] = {"COUNT_WORDS": count_words, "ADD_WORDS": add_words}


def run_of(number: int, directory: Path) -> dict[str, str]:
    """Return what Nextflow tells PLAN of a run."""
    return {
        "name": f"run{number}",
        "session": str(directory),
        "start": datetime.now(UTC).isoformat(),
        "nextflow": "25.04.0",
        "launch_dir": str(directory),
    }


class Pipeline:
    """What Nextflow does with the toy workflow, a step at a time."""

    workflow = "toy"
    programs = PROGRAMS

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.store = directory / "store"
        self.monkeypatch = monkeypatch
        self.runs = 0

    def plan(
        self, files: list[Path], suffix: str = "", compared: Any = None, **params: Any
    ) -> tuple[dict[str, Any], Path]:
        from bossflow.core.plan import plan

        self.runs += 1
        work_dir = self.directory / f"run{self.runs}"
        work_dir.mkdir()
        given = {"files": [str(path) for path in files], "suffix": suffix, "blocks_per_task": 2}
        asked = {
            "workflow": self.workflow,
            "params": given | {"store": str(self.store)} | params,
            "run": run_of(self.runs, self.directory),
        }
        plan(asked, {"problem": None, "rows": [], "channels": []}, "0" * 16, work_dir, compared)
        return json.loads((work_dir / "plan.json").read_text()), work_dir

    def compute(self, plan: dict[str, Any], work_dir: Path) -> list[Path]:
        """Run the tasks, each after those it names; return the receipts."""
        todo, done = list(plan["tasks"]), []
        while todo:
            ready = [t for t in todo if not {o["task"] for o in todo} & set(t["after"])]
            for task in ready:
                task_dir = work_dir / task["task"]
                task_dir.mkdir()
                self.monkeypatch.chdir(task_dir)
                file = work_dir / "tasks" / f"{task['task']}.jsonl"
                self.monkeypatch.setattr(sys, "argv", ["program", str(file)])
                program = self.programs[task["process"]]
                tasks.main(task["process"], program, software=("pyarrow",), of_unit=software)
                done.append(task_dir / "receipts.jsonl")
            todo = [task for task in todo if task not in ready]
        return done

    def run(self, files: list[Path], **params: Any) -> dict[str, Any]:
        """Run it all; return plan, receipts by state, what RECORD said, verdict and summary."""
        from bossflow.core import changes
        from bossflow.core.record import record
        from bossflow.core.summary import sum_up

        plan, work_dir = self.plan(files, **params)
        compared = None
        if plan["compare"] and not plan["problem"]:
            compared = changes.receipts(self.compute(plan, work_dir))
            plan, work_dir = self.plan(files, compared=compared, **params)
        if plan["problem"]:
            return {"plan": plan, "compared": compared}
        receipts = self.compute(plan, work_dir)
        lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
        recorded = [record(plan, receipts)] if receipts else []
        sum_up(plan, recorded, work_dir)
        return {
            "plan": plan,
            "compared": compared,
            "receipts": receipts,
            "states": sorted(line["state"] for line in lines),
            "recorded": recorded,
            "verdict": json.loads((work_dir / "verdict.json").read_text()),
            "summary": (work_dir / "summary.txt").read_text(),
            "requests": (work_dir / "requests.csv").read_text(),
        }


@pytest.fixture
def pipeline(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    return Pipeline(tmp_path, monkeypatch)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return five files that no other test has."""
    paths = []
    for number in range(5):
        path = tmp_path / f"file{number}.txt"
        path.write_text(f"a b c {'d ' * number} test{next(NUMBERS)}")
        paths.append(path)
    return paths


def rows(table: Any) -> int:
    return len(table())


def bundle_of(receipts: list[Path], process: str) -> Path:
    lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
    return next(locations.local(line["url"]) for line in lines if line["process"] == process)


def copies(request: str) -> list[dict[str, str]]:
    """Return where the bundles of a request and of what it was made of are."""
    from bossflow.core import holdings
    from bossflow.upkeep import verify

    return holdings.copies(verify.made_for(request))


def bossflow_says(*arguments: str) -> tuple[int, str]:
    from bossflow.command.main import main
    from click.testing import CliRunner

    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output
