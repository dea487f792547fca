"""What `bossflow reproduce` runs, and whether what is made is what is recorded."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import work
from ..kit import bundles, locations
from . import differing, launching, redirected
from .pipeline import Pipeline
from .reproduce import Step

NOT_MADE = "was not made"


@dataclass
class Verdict:
    """What came of making a chain anew.

    Attributes
    ----------
    same : int
        Units with the content that is recorded.
    differ : list of dict
        `process`, `key`, `request` and `problem` of those that differ though their inputs do not,
        or were not made; with `environment`.
    follow : int
        Units that differ only by what they were made of.
    inexact : int
        Units with other content that are not exact, which is no fault.
    left : Counter
        Why units can't be made again, and how many.
    """

    same: int = 0
    differ: list[dict[str, Any]] = field(default_factory=list)
    follow: int = 0
    inexact: int = 0
    left: Counter[str] = field(default_factory=Counter)


def check(steps: Iterable[Step]) -> None:
    """Refuse what is not to be run again.

    Raises
    ------
    ValueError
        If there is no Nextflow, or what was written to a `dest` can't be compared.
    """
    for step in steps:
        redirected.check(step)
    launching.nextflow()


def run(
    steps: list[Step],
    pipeline: Pipeline,
    directory: Path,
    profile: str | None,
    say: Callable[[str], None],
) -> None:
    """Run Nextflow for each parameter file, into `scratch/` of the directory."""
    scratch = directory / "scratch"
    scratch.mkdir()
    (scratch / "nextflow.config").write_text(launching.QUICKLY, "utf-8")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJ_", "BOSSFLOW_SCHEMA", "BOSSFLOW_MACHINE"))
    }
    environment |= launching.found() | {
        "BOSSFLOW_HOME": str(scratch / "home"),
        "DJ_IGNORE_CONFIG_FILE": "true",
        "NXF_ANSI_LOG": "false",
    }
    try:
        for step in steps:
            command = [
                launching.nextflow(),
                "run",
                str(pipeline.root),
                "-params-file",
                str(params_file(step, directory)),
            ]
            command += ["--store", str(scratch / "store"), "--outdir", str(scratch / "results")]
            command += ["--page", "false"]
            command += ["-profile", profile] if profile else []
            say(f"{step.params['workflow']} of request {step.request.request_id}")
            with (scratch / f"{step.file}.log").open("wb") as log:
                code = launching.ended(command, scratch, environment, log)
            if code:
                say(f"its run ended with {code}: {log.name}")
                return
    finally:
        program = "from bossflow.command.main import main; main()"
        subprocess.run(
            [sys.executable, "-c", program, "db", "stop"],
            cwd=scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )


def params_file(step: Step, directory: Path) -> Path:
    """Return the parameter file to be run: where a `dest` was given, one with another."""
    to = redirected.place(step, directory)
    if to is None:
        return directory / step.file
    to.parent.mkdir(exist_ok=True)
    file = directory / "scratch" / step.file
    file.write_text(json.dumps(step.params | {"dest": str(to)}), "utf-8")
    return file


def compare(steps: Iterable[Step], pipeline: Pipeline, directory: Path) -> Verdict:
    """Compare what was made in a directory's store with what is recorded."""
    verdict, store = Verdict(), directory / "scratch" / "store"
    unlike: set[str] = set()
    for step in steps:
        verdict.left.update(step.left[name] for name in step.recorded.keys() & step.left.keys())
        environments = differing.environments(
            step.recorded[unit.unit_id].execution_id for unit in step.compared
        )
        before, instead = bool(unlike), redirected.units(step, directory)
        for unit in step.compared:
            planned = instead[unit.unit_id]
            recorded, problem = step.recorded[unit.unit_id], NOT_MADE
            made_of: set[str] = {one.unit_id for one in planned.inputs}
            try:
                place = locations.place(store, planned.process, planned.unit_id)
                bundle = bundles.read(place)
                if redirected.is_same(step, unit, bundle):
                    verdict.same += 1
                    continue
                problem = _how(unit, bundle.manifest["arguments"] != planned.arguments)
                made_of = {one["unit_id"] for one in bundle.manifest["inputs"]}
            except (OSError, ValueError):
                pass
            follows = made_of & unlike or (before and problem == NOT_MADE)
            unlike.add(planned.unit_id)
            if problem != NOT_MADE and not unit.exact:
                verdict.inexact += 1
                continue
            if follows:
                verdict.follow += 1
                continue
            verdict.differ.append(
                {
                    "process": unit.process,
                    "key": unit.key,
                    "request": step.request.request_id,
                    "problem": problem,
                    "environment": differing.differences(
                        environments[recorded.execution_id], pipeline
                    ),
                }
            )
    return verdict


def _how(unit: work.UnitPlan, other_arguments: bool) -> str:
    if other_arguments:
        return "is made with other arguments: what was asked for, or its source, is not the same"
    if unit.reads:
        return "reads other data than were recorded: the archive's changed"
    return "is made otherwise of the same: it does not reproduce"
