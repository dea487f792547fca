"""`bossflow reproduce`: a request and what it was made of, all made anew elsewhere, and compared.

Store, database and work directory are its own: nothing that is recorded is read by what is run.
"""

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import given, installed, ledger, registry, work
from ..core.tables import Execution, Request, Run
from ..kit.texts import many
from ..voxels.archives.made import is_made, named
from . import again, differing
from .pipeline import Pipeline

ABOUT = "reproduce.json"
SECRETS = ("BOSSDB_TOKEN", "BOSSFLOW_SOURCE_", "BOSSFLOW_DEST_", "AWS_", "GOOGLE_APPLICATION_")
"""How the names of variables begin that may hold what a source asks for."""


@dataclass
class Step:
    """A request of the chain, as it was recorded.

    Attributes
    ----------
    request : Request
    workflow : Workflow
    units : list of UnitPlan
    recorded : dict
        What is recorded of them, by id.
    params : dict
        What asks for it.
    file : str
        Name of its parameter file.
    left : dict
        By the ids of units that can't be made again, why.
    """

    request: work.Request
    workflow: work.Workflow
    units: list[work.UnitPlan]
    recorded: dict[str, ledger.Recorded]
    params: dict[str, Any]
    file: str = ""
    left: dict[str, str] = field(default_factory=dict)

    @property
    def compared(self) -> list[work.UnitPlan]:
        """The recorded units that can be compared."""
        can = self.recorded.keys() - self.left.keys()
        return [unit for unit in self.units if unit.unit_id in can]


def chain(request: str, pipeline: Pipeline) -> list[Step]:
    """Return a request and those that it was made of, these first.

    Raises
    ------
    ValueError
        If one is not complete, or can't be asked for again.
    """
    steps: dict[str, Step] = {}

    def add(name: str) -> None:
        if name in steps:
            return
        (of_workflow,) = (Request() & {"request_id": name}).to_arrays("workflow")
        workflow = installed.opened(str(of_workflow))
        (asked,) = given.recalled(workflow, [name])
        units = workflow.units(asked)
        recorded = ledger.recorded_units(registry.stage_tables([workflow]), units)
        if missing := len(units) - len(recorded):
            raise ValueError(
                f"request {name} is not complete ({many(missing, 'unit')} missing): "
                "`bossflow status` tells more"
            )
        uri = str(asked.given.get("channel", {}).get("uri", ""))
        if is_made(uri):
            add(ledger.named(Request, named(uri).request))
        params = again.parameters(workflow, asked, recorded.values(), pipeline)
        steps[name] = Step(asked, workflow, units, recorded, params)

    add(ledger.named(Request, request))
    for number, step in enumerate(steps.values(), 1):
        step.file = f"{number}-{step.params['workflow']}.json"
    return [*steps.values()]


def write(steps: list[Step], pipeline: Pipeline, directory: Path) -> dict[str, Any]:
    """Write parameter files, and `reproduce.json`, which tells all else; return what that says.

    What a request was asked for with beside parameters, such as sources of a function, goes into a
    directory beside its file. No file holds a secret: of variables that may, only names are told.

    Raises
    ------
    ValueError
        If there is something in the directory, or a request has nothing that can be made again.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise ValueError(f"{directory} is not empty: give --to another directory")
    for step in steps:
        own = directory / Path(step.file).stem
        step.params, step.left = again.unpacked(step.workflow, step.request, step.params, own)
        if not step.compared:
            shutil.rmtree(own)
            why = next(iter(step.left.values()), "nothing of it is recorded")
            raise ValueError(f"request {step.request.request_id} can't be made again: {why}")
    told = {
        "requests": [_told(step) for step in steps],
        "variables": sorted(name for name in os.environ if name.startswith(SECRETS)),
    }
    for step in steps:
        _write(directory / step.file, step.params)
    _write(directory / ABOUT, told)
    return told


def _told(step: Step) -> dict[str, Any]:
    names = sorted(bundle.execution_id for bundle in step.recorded.values())
    environments = differing.environments(names)
    by_execution = {step.recorded[unit.unit_id].execution_id: unit for unit in step.units}
    made = ledger.among(Execution.proj("run_id"), "execution_id", names)
    runs = ledger.among(
        Run.proj("revision", "profile", "nextflow_version"),
        "run_id",
        {row["run_id"] for row in made},
    )
    every = {
        (by_execution[name].process, env["environment_id"]): env
        for name, env in environments.items()
    }
    return {
        "request": step.request.request_id,
        "workflow": step.params["workflow"],
        "parameters": step.file,
        "revisions": sorted({row["revision"] for row in runs}),
        "nextflow": sorted({row["nextflow_version"] for row in runs}),
        "made_by": [
            {"process": process, **{name: env[name] for name in ("container", "code", "software")}}
            for (process, _), env in sorted(every.items())
        ],
        "contents": [
            {
                "process": unit.process,
                "key": unit.key,
                "content_sha256": step.recorded[unit.unit_id].content_sha256,
            }
            for unit in step.compared
        ],
    }


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def revisions(told: dict[str, Any], pipeline: Pipeline) -> list[str]:
    """Say where other programs made something than those that are here, and how to get them."""
    codes = {one["code"] for each in told["requests"] for one in each["made_by"]}
    if codes == {pipeline.code}:
        return []
    recorded = sorted({one for each in told["requests"] for one in each["revisions"]})
    said = [
        f"it was recorded by programs {', '.join(sorted(codes - {pipeline.code}))} (revision "
        f"{', '.join(recorded)}), and those here are {pipeline.code}"
    ]
    for revision in recorded:
        commit = next((word for word in revision.split() if len(word) == 40), None)
        if commit:
            said.append(
                f"git -C {pipeline.root} worktree add ../bossflow-{commit[:8]} {commit}  # then "
                f"set that up, and run its `bossflow reproduce`"
            )
    return said
