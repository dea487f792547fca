"""What is to be made, cut into tasks: their lines, and what they ask of whoever runs them."""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable
from pathlib import Path
from typing import Any

from ..kit import buckets, digests, locations
from .dry_run import START_SECONDS
from .ledger import Recorded
from .work import UnitPlan


def write(
    tasks: list[dict[str, Any]], header: dict[str, Any], store: Path, directory: Path
) -> None:
    """Write task files into `tasks/`, and take their lines out of the tasks."""
    random.Random(header["run_id"]).shuffle(tasks)  # two runs at once take different ways
    (directory / "tasks").mkdir()
    for task in tasks:
        if buckets.holds(store):  # where nobody sees what another run is making
            random.Random(f"{header['run_id']} {task['task']}").shuffle(task["lines"])
        lines = [header | {"process": task["process"]}, *task.pop("lines")]
        text = "".join(digests.canonical(line) + "\n" for line in lines)
        (directory / "tasks" / f"{task['task']}.jsonl").write_text(text, encoding="utf-8")


def asks(tasks: list[dict[str, Any]], units: Iterable[UnitPlan]) -> dict[str, dict[str, float]]:
    """Return what a task of each process may take: `memory` in bytes, `seconds` on one core.

    All tasks of a process ask for what the largest one needs, as a scheduler's array of jobs does.
    """
    asked: dict[str, dict[str, float]] = defaultdict(lambda: {"memory": 0, "seconds": 0})
    for unit in units:
        ask = asked[unit.process]
        ask["memory"] = max(ask["memory"], unit.asks.memory)
    for task in tasks:
        ask = asked[task["process"]]
        ask["seconds"] = max(ask["seconds"], task["seconds"])
    return asked


TASK_SECONDS = 10
"""What a task should take, so that its start costs little."""

TASKS_MAX = 10_000
"""Tasks of a run, at most: beyond, Nextflow and schedulers become slow."""


def cut_up(
    units: Iterable[UnitPlan],
    missing: dict[str, UnitPlan],
    line: Callable[[UnitPlan], dict[str, Any]],
    seconds: Callable[[UnitPlan], float],
    units_per_task: int | None,
    made: Container[str] = (),
) -> list[dict[str, Any]]:
    """Group missing units into tasks; a task names the tasks that it comes after.

    A task has units of one process and depth, of whatever requests they are: none of them waits
    for another, and no tasks wait for each other. Those that are `made` have tasks of their own.
    """
    depths: dict[str, int] = {}
    groups: dict[tuple[int, str, bool], list[UnitPlan]] = defaultdict(list)
    for unit in units:  # inputs before what is made of them
        given = (depths.get(one.unit_id, 0) for one in unit.inputs)
        depths[unit.unit_id] = depth = 1 + max(given, default=0)
        if unit.unit_id in missing:
            groups[depth, unit.process, unit.unit_id in made].append(unit)
    # each group has one smaller task at most; in a long chain, each unit is a group
    fewest = units_per_task or -(-len(missing) // max(1, TASKS_MAX - len(groups)))
    tasks: list[dict[str, Any]] = []
    task_of: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for (_, process, _), group in sorted(groups.items(), key=lambda item: item[0][0]):
        least = 0.0 if units_per_task else _seconds_per_task(group, seconds)
        for some in _cut(group, seconds, fewest, least):
            name = f"{process}-{numbers[process]:05}"
            numbers[process] += 1
            task_of |= {unit.unit_id: name for unit in some}
            inputs = {given.unit_id for unit in some for given in unit.inputs}
            task: dict[str, Any] = {"task": name, "process": process}
            task["after"] = sorted({task_of[given] for given in inputs if given in task_of})
            task["names"] = [unit.shown for unit in some]
            task["units"] = len(some)
            task["seconds"] = round(sum(map(seconds, some)), 3)
            task["amount"] = sum(unit.amount for unit in some)
            task["amount_unit"] = some[0].amount_unit
            tasks.append(task | {"lines": [*map(line, some)]})
    return tasks


def _seconds_per_task(units: list[UnitPlan], seconds: Callable[[UnitPlan], float]) -> float:
    """Return how long a task is worth its start; every core has one if that pays."""
    share = sum(map(seconds, units)) / (os.cpu_count() or 1)
    return max(START_SECONDS, min(share, TASK_SECONDS))


def _cut(
    units: list[UnitPlan], seconds: Callable[[UnitPlan], float], fewest: int, least: float
) -> Iterable[list[UnitPlan]]:
    """Cut units, in their order, into tasks of at least so many units and seconds."""
    start, taken = 0, 0.0
    for stop, unit in enumerate(units, 1):
        taken += seconds(unit)
        if (stop - start >= fewest and taken > least - 1e-6) or stop == len(units):
            yield units[start:stop]
            start, taken = stop, 0.0


def line(
    unit: UnitPlan,
    found: dict[str, Path],
    recorded: dict[str, Recorded],
    now: dict[str, str],
    keep: Container[str] = (),
) -> dict[str, Any]:
    """Return the line of a task file that tells a program of a unit."""
    settings = unit.settings
    if unit.settings_again and unit.unit_id in recorded:
        settings = settings | unit.settings_again
    if unit.reads:
        read = {"version": unit.reads.version, "seen": now.get(unit.unit_id)}
        settings = settings | {"reading": read}
    line: dict[str, Any] = {
        "unit_id": unit.unit_id,
        "process": unit.process,
        "key": unit.key,
        "arguments": unit.arguments,
        "settings": settings,
        "inputs": [
            {
                "unit_id": given.unit_id,
                "process": given.process,
                "key": given.key,
                # null: in this run's store, where this run's tasks put it
                "url": locations.url(found[given.unit_id]) if given.unit_id in found else None,
            }
            for given in unit.inputs
        ],
    }
    if unit.unit_id in keep:
        line["keep"] = True
    if unit.settings_again and unit.unit_id in recorded:
        line["content_sha256"] = recorded[unit.unit_id].content_sha256
    if unit.add_rows:
        line["add_rows"] = unit.add_rows
        if unit.unit_id in found:
            line["recorded"] = locations.url(found[unit.unit_id])
    return line
