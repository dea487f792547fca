"""Datasets of a few participants, and apps that are run for them a step at a time."""

import json
import subprocess
import sys
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import collect_command
import gather_runs
import stage_command
import validate_dataset
from conftest import ROOT
from kit import tasks
from pipeline import Pipeline, run_of
from test_tools import RUN
from tools.apps import described

APP = ROOT / "tests" / "bids_app.py"
OF_PARTICIPANT = ["{bids}", "{out}", "participant", "{participant}", "{work}"]
NUMBERS = count()
GIVEN: dict[str, Any] = {
    **{"app": [str(APP)], "arguments": OF_PARTICIPANT, "level": "participant"},
    **{"group_arguments": ["{bids}", "{out}", "group"], "group_expected": ["group_trials.tsv"]},
    **{"expected": ["sub-{participant}/func/*_trials.json"], "success_codes": [0]},
    **{"participants": None, "min_participants": None, "app_name": None, "inputs": None},
    **{"entrypoint": None, "tool_version": None, "cores": 1, "memory": "1 GB"},
    **{"time_limit": None, "name": None, "licence_file": None, "disk": None},
    **{"validate": False},
}


class Apps(Pipeline):
    """What Nextflow does with apps."""

    session = "0"

    def plan(
        self, root: Path, *_: Any, compared: Any = None, **changed: Any
    ) -> tuple[dict[str, Any], Path]:
        from bossflow.core.plan import plan

        self.runs += 1
        work_dir = self.directory / f"run{self.runs}"
        work_dir.mkdir()
        found: dict[str, Any] = {"problem": None, "channels": []}
        asked = GIVEN | {"bids_dir": str(root)} | changed
        found["rows"] = described(asked, None, None, str(self.directory))
        params = {"store": str(self.store)}
        run = run_of(self.runs, self.directory)
        told = {"workflow": "bids", "params": params, "run": run}
        plan(told, found, "0" * 16, work_dir, compared)
        return json.loads((work_dir / "plan.json").read_text()), work_dir

    def compute(self, plan: dict[str, Any], work_dir: Path) -> list[Path]:
        done = []
        order = ["VALIDATE_DATASET", "RUN_APP", "RUN_GROUP", "GATHER_RUNS"]
        for task in sorted(plan["tasks"], key=lambda task: order.index(task["process"])):
            task_dir = work_dir / task["task"]
            (task_dir / "attempts").mkdir(parents=True)
            self.monkeypatch.chdir(task_dir)
            file = work_dir / "tasks" / f"{task['task']}.jsonl"
            self.monkeypatch.setattr(sys, "argv", ["program", str(file)])
            if task["process"] == "GATHER_RUNS":
                tasks.main("GATHER_RUNS", gather_runs.gather_runs)
            elif task["process"] == "VALIDATE_DATASET":
                tasks.main("VALIDATE_DATASET", validate_dataset.validate_dataset)
            else:
                stage_command.main()
                for unit in (task_dir / "staged").iterdir():
                    if (unit / "refused").exists():
                        unit.rename(task_dir / "attempts" / unit.name)
                    else:
                        self.attempt(unit, task_dir / "attempts", 1)
                tasks.main(task["process"], collect_command.collect_app, ("pyarrow",))
            done.append(task_dir / "receipts.jsonl")
        return done

    def attempt(self, unit: Path, place: Path, number: int) -> None:
        asks = json.loads((unit / "asks.json").read_text())
        words = [number, asks["cores"], asks["memory"] * number, asks["seconds"]]
        own = ["session", f"run{self.runs}"]
        subprocess.run([RUN, unit, *map(str, words), *own], cwd=place, check=True)
        outcome = (place / f"{unit.name}-{number}" / "outcome").read_text().splitlines()
        if number == 1 and {"killed memory", "killed signal"} & {*outcome}:
            self.attempt(unit, place, 2)


def dataset(root: Path, number: int, sessions: int = 0) -> Path:
    """Write a dataset that no other test has, and return where it is."""
    root.mkdir()
    about = {"Name": f"trials {next(NUMBERS)}", "BIDSVersion": "1.9.0"}
    (root / "dataset_description.json").write_text(json.dumps(about))
    (root / "README").write_text("Trials.")
    (root / "task-rest_bold.json").write_text('{"RepetitionTime": 2}')
    names = [f"{one:02}" for one in range(1, number + 1)]
    people = [f"sub-{name}\t{20 + int(name)}\n" for name in names]
    (root / "participants.tsv").write_text("".join(["participant_id\tage\n", *people]))
    for name in names:
        for session in range(1, sessions + 1) or [0]:
            inside = f"sub-{name}/ses-{session}" if session else f"sub-{name}"
            place = root / inside / "func"
            place.mkdir(parents=True)
            start = inside.replace("/", "_")
            events = "onset\tduration\n" + "1.0\t0.5\n" * (int(name) + session)
            (place / f"{start}_task-rest_events.tsv").write_text(events)
            (place / f"{start}_task-rest_bold.json").write_text("{}")
    return root


def sidecar(root: Path, name: str) -> Path:
    return root / f"sub-{name}" / "func" / f"sub-{name}_task-rest_bold.json"


def made(done: dict[str, Any]) -> Counter[str]:
    return sum((Counter(batch["recorded"]) for batch in done["recorded"]), Counter())


def apps_of(done: dict[str, Any]) -> Any:
    """Return the runs that a request's derivatives are of."""
    from bossflow.workflows.bids import AppRun, Derivatives

    (request,) = done["plan"]["requests"]
    return AppRun() & (Derivatives.Source() & {"request_id": request})
