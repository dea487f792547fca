"""`bossflow verify --deep`: recorded units are made again, and must be what is recorded.

Each is made by the program that made it, of inputs in the stores and of what the archive holds now,
beside them all, as what looks changed is (`compare` in a task's header): nothing recorded changes.
"""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..core import changes, ledger, run_store, sources, stores, tasks, work
from ..kit import bundles, digests, locations
from ..kit.texts import unit_name
from . import again, differing, drawn
from .outcome import Outcome
from .pipeline import Pipeline, Task

DESCRIBED_AT_ONCE = 4

_IN_IMAGE = (
    "of an image that was named, which takes Nextflow: `bossflow reproduce REQUEST` makes them "
    "again, and compares"
)
"""Why units are passed over whose programs are in an image."""


@dataclass
class _Asked:
    """A request some of whose units are made again."""

    workflow: work.Workflow
    request: work.Request
    recorded: dict[str, ledger.Recorded]
    chosen: set[str]
    directory: Path
    changed: set[str] = field(default_factory=set)
    """What was pulled again for others, and is not what was recorded."""
    units: dict[str, work.UnitPlan] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    """Of units that can't be made of what is here, why."""


def compare(
    told: drawn.Found,
    chosen: dict[str, list[str]],
    pipeline: Pipeline,
    scratch: Path,
    made: Callable[[int], None] = lambda number: None,
) -> Outcome:
    """Make units again in a scratch directory, and compare them with what is recorded.

    Parameters
    ----------
    told : Found
    chosen : dict
        By request, the ids of the units.
    pipeline : Pipeline
        Whose programs make them.
    scratch : Path
        A directory that nothing else uses; it holds what the tasks at work make, at most.
    made : callable
        Is told how many units more are done.
    """
    outcome, here = Outcome(), stores.Here()
    every = [
        _Asked(*told.by_request[name][:3], {*units}, scratch / name)
        for name, units in chosen.items()
    ]
    todo: list[Task] = []
    of_unit: dict[str, _Asked] = {}
    for asked, described in zip(every, _described(every, pipeline, outcome), strict=True):
        if not asked.chosen:
            continue
        try:
            if isinstance(described, ValueError):
                raise described
            name, in_part = asked.request.request_id, bool(asked.left)
            store = scratch / "store"
            request = again.planned(asked.workflow, name, described, store, in_part)
            new = _tasks(asked, request, here, pipeline, store, outcome)
        except (ValueError, OSError) as error:
            _fail(asked, asked.chosen, str(error), outcome)
            made(len(asked.chosen))
            continue
        todo += new
        of_unit |= {name: asked for task in new for name in task.units}
    environments = differing.environments(
        asked.recorded[name].execution_id for asked in every for name in asked.chosen
    )
    for receipt in pipeline.run(todo, made):
        name = receipt["unit_id"]
        asked = of_unit[name]
        if name not in asked.chosen:  # pulled again, for others
            content = receipt.get("content_sha256", asked.recorded[name].content_sha256)
            if content != asked.recorded[name].content_sha256:
                asked.changed.add(name)
            continue
        if receipt["state"] != "compared":
            _fail(asked, [name], str(receipt.get("error")), outcome)
        elif _is_same(asked.recorded[name], receipt, here):
            outcome.same += 1
        else:
            environment = environments[asked.recorded[name].execution_id]
            some = outcome.differ if asked.units[name].exact else outcome.otherwise
            some.append(_difference(asked, name, environment, pipeline))
    for some in (outcome.differ, outcome.failed, outcome.otherwise):
        some.sort(key=lambda one: (one["process"], digests.canonical(one["key"])))
    return outcome


def _described(
    every: Iterable[_Asked], pipeline: Pipeline, outcome: Outcome
) -> list[dict[str, Any] | ValueError]:
    """Return what DESCRIBE finds for each request, some at once, or why it finds nothing.

    Units that can't be made of what is here are passed over.
    """
    asked: list[tuple[dict[str, Any] | ValueError, Path]] = []
    for one in every:
        try:
            params = again.parameters(one.workflow, one.request, one.recorded.values(), pipeline)
            given = one.directory / "given"
            params, one.left = again.unpacked(one.workflow, one.request, params, given)
            if params.get("image"):
                one.left = dict.fromkeys(one.chosen, _IN_IMAGE) | one.left
            for name in one.chosen & one.left.keys():
                outcome.passed_over[one.left[name]] += 1
            one.chosen -= one.left.keys()
            asked.append((params if one.chosen else {}, one.directory / "DESCRIBE"))
        except ValueError as error:
            asked.append((error, one.directory))

    def ask(item: tuple[dict[str, Any] | ValueError, Path]) -> dict[str, Any] | ValueError:
        params, directory = item
        if isinstance(params, ValueError) or not params:
            return params
        try:
            return pipeline.describe(params, directory)
        except ValueError as error:
            return error

    with ThreadPoolExecutor(DESCRIBED_AT_ONCE) as pool:
        return list(pool.map(ask, asked))


def _tasks(
    asked: _Asked,
    request: work.Request,
    here: stores.Here,
    pipeline: Pipeline,
    store: Path,
    outcome: Outcome,
) -> list[Task]:
    """Write the task files of a request's units; what can't be made is told."""
    workflow, recorded = asked.workflow, asked.recorded
    asked.units = units = {unit.unit_id: unit for unit in workflow.units(request)}
    gone = [name for name in asked.chosen if name not in units]
    if gone:
        raise ValueError("its units are others now: it was recorded by another version")
    places, _ = run_store.reachable(recorded, units, here)
    dropped = {name for name, one in recorded.items() if one.dropped and name not in places}
    back: set[str] = set()
    for name in [*asked.chosen]:
        needed = _needed(units[name])
        lacking = needed & units.keys() - places.keys()
        if lacking - dropped:
            outcome.passed_over["that are made of what is in stores that are away"] += 1
            asked.chosen.remove(name)
            continue
        back |= lacking
    missing = {name: unit for name, unit in units.items() if name in back | asked.chosen}
    plan = {"workflow": workflow.name, "sources": request.sources}
    places |= sources.bundles_here(plan, units, missing, here)
    held = sorted({locations.url(Path(path).parents[2]) for path in places.values()})

    def line(unit: work.UnitPlan) -> dict[str, Any]:
        plain = replace(unit, add_rows={})  # else nothing is made
        return as_planned(plain)

    as_planned = partial(
        tasks.line, bundles_here=places, recorded=recorded, now={}, keep=back, others=held
    )
    cut = tasks.cut_up(units.values(), missing, line, workflow.seconds_of, None)
    header = {
        "run_id": "0" * 16,
        "store": locations.url(store),
        "code": pipeline.code,
        "compare": True,
        "marks": [],
    }
    names = {one["task"]: [each["unit_id"] for each in one["lines"]] for one in cut}
    tasks.write(cut, header, store, asked.directory)
    return [
        Task(
            one["process"],
            asked.directory / "tasks" / f"{one['task']}.jsonl",
            asked.directory / one["task"],
            int(one["asks"]["cores"]),
            int(one["asks"]["memory"]),
            names[one["task"]],
            frozenset(asked.directory / before for before in one["after"]),
        )
        for one in cut
    ]


def _needed(unit: work.UnitPlan) -> set[str]:
    """Return the units that one is made of, and those that its program opens through them."""
    given = {one.unit_id for one in unit.inputs}
    through = {each.unit_id for one in unit.inputs for each in one.inputs if unit.through}
    return given | through


def _fail(asked: _Asked, names: Collection[str], problem: str, outcome: Outcome) -> None:
    units = asked.units
    if not units.keys() >= {*names}:  # planned anew, it may have others
        units = {unit.unit_id: unit for unit in asked.workflow.units(asked.request)} | units
    for name in names:
        told = {"process": units[name].process, "key": units[name].key}
        outcome.failed.append(told | {"request": asked.request.request_id, "problem": problem})


def _is_same(recorded: ledger.Recorded, receipt: dict[str, Any], here: stores.Here) -> bool:
    if receipt["content_sha256"] == recorded.content_sha256:
        return True
    # of other arguments, such as what was made of a copy, from when that had no set of its own
    for place in here.candidates(recorded):
        with suppress(OSError, ValueError):
            bundle = bundles.read(Path(place))
            if bundle.content_sha256 == recorded.content_sha256:
                return digests.made_digest(bundle.manifest) == str(receipt["made_sha256"])
    return False


def _difference(
    asked: _Asked, name: str, environment: dict[str, Any], pipeline: Pipeline
) -> dict[str, Any]:
    unit, recorded = asked.units[name], asked.recorded[name]
    other = differing.differences(environment, pipeline)
    archive, problem = False, "is made otherwise now: it does not reproduce"
    if not unit.exact:
        problem = "is made otherwise now, which may be: what was recorded first holds"
    if changed := _needed(unit) & asked.changed:
        first = asked.units[min(changed)]
        archive = True
        problem = (
            f"is made of {unit_name(first.process, first.key)}, which was dropped, and is other "
            "data in the archive now"
        )
    elif unit.reads:
        looks = changes.seen([unit], "compare").get(name)
        archive = not unit.reads.in_place or looks is None or looks != recorded.files_seen
        problem = "reads other data than were recorded: the archive's changed"
        if not archive:
            problem = (
                "is made otherwise now, of files that look as they did: they were altered with "
                "care, or it does not reproduce"
            )
    return {
        "process": unit.process,
        "key": unit.key,
        "request": asked.request.request_id,
        "archive": archive,
        "problem": problem,
        "environment": other,
        "then": differing.command(unit, asked.request.request_id),
    }
