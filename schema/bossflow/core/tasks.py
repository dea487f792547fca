"""What is to be made, cut into tasks: their lines, and what they ask of whoever runs them."""

import math
import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..kit import buckets, digests, locations
from .dry_run import START_SECONDS
from .ledger import Recorded
from .sizes import LARGEST, sizes_of
from .work import UnitPlan


def write(
    tasks: list[dict[str, Any]], header: dict[str, Any], store: Path, directory: Path
) -> None:
    """Write task files into `tasks/`, and take their lines out of the tasks."""
    random.Random(header["run_id"]).shuffle(tasks)  # two runs at once take different ways
    # of tasks that take about as long; what takes longest begins first, and is not waited for last
    tasks.sort(key=lambda task: -round(math.log2(1 + task["seconds"])))
    (directory / "tasks").mkdir()
    for task in tasks:
        if buckets.holds(store):  # where nobody sees what another run is making
            random.Random(f"{header['run_id']} {task['task']}").shuffle(task["lines"])
        lines = [header | {"process": task["process"]}, *task.pop("lines")]
        text = "".join(digests.canonical(line) + "\n" for line in lines)
        (directory / "tasks" / f"{task['task']}.jsonl").write_text(text, encoding="utf-8")


def asks(tasks: list[dict[str, Any]], compare: bool = False) -> dict[str, list[dict[str, float]]]:
    """Take out of tasks what each asks for, and return what those of each process and size do.

    That is what the largest one needs: a scheduler's array of jobs asks for the same for all. Tasks
    that compare are all run by one process, whatever they are of.

    Returns
    -------
    dict
        Process to sizes, small ones first, each with `cores`, `accelerators`, `memory` and `disk`
        (bytes), and `seconds`.
    """
    asked: dict[str, list[dict[str, float]]] = defaultdict(list)
    for task in sorted(tasks, key=itemgetter("size")):
        own = task.pop("asks")
        sizes = asked["COMPARE" if compare else task["process"]]
        if not sizes or len(sizes) <= task["size"] and not compare:
            sizes.append(own)
        sizes[-1] = {name: max(value, own[name]) for name, value in sizes[-1].items()}
    return asked


TASK_SECONDS = 10
"""What a task should take, more or less, so that its start costs little."""

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

    A task has units of one process, size and depth, of whatever requests they are: none of them
    waits for another, and no tasks wait for each other. Those that are `made` have tasks of their
    own.
    """

    def took(unit: UnitPlan) -> float:
        return seconds(unit) if unit.asks.seconds is None else unit.asks.seconds

    depths: dict[str, int] = {}
    sizes = sizes_of(missing.values(), took)
    groups: dict[tuple[int, str, bool, int], list[UnitPlan]] = defaultdict(list)
    for unit in units:  # inputs before what is made of them
        before = (depths.get(given.unit_id, 0) for given in unit.inputs)
        depths[unit.unit_id] = depth = 1 + max(before, default=0)
        if unit.unit_id in missing:
            made_before = unit.unit_id in made
            groups[depth, unit.process, made_before, sizes[unit.unit_id]].append(unit)
    # each group has one smaller task at most; in a long chain, each unit is a group
    fewest = units_per_task or -(-len(missing) // max(1, TASKS_MAX - len(groups)))
    tasks: list[dict[str, Any]] = []
    task_of: dict[str, str] = {}
    through: dict[str, set[str]] = {}
    numbers: Counter[str] = Counter()
    for (_, process, _, size), group in sorted(groups.items(), key=lambda item: item[0][0]):
        least = 0.0 if units_per_task else _seconds_per_task(group, took)
        for some in _cut(group, took, fewest, least):
            name = f"{process}-{numbers[process]:05}"
            numbers[process] += 1
            task_of |= {unit.unit_id: name for unit in some}
            task: dict[str, Any] = {"task": name, "process": process, "size": size}
            task["after"] = sorted(_before(some, task_of, through))
            task["names"] = [unit.shown for unit in some]
            task["units"] = len(some)
            task["seconds"] = round(sum(map(took, some)), 3)
            task["amount"] = sum(unit.amount for unit in some)
            task["amount_unit"] = some[0].amount_unit
            task["asks"] = {
                name: max(getattr(unit.asks, name) for unit in some) for name in LARGEST
            } | {"seconds": task["seconds"]}
            task["unknown"] = any(unit.asks.unknown for unit in some)
            tasks.append(task | {"lines": [*map(line, some)]})
    return tasks


def _before(
    units: Iterable[UnitPlan], task_of: dict[str, str], through: dict[str, set[str]]
) -> set[str]:
    """Return the tasks that some units come after; `through` holds those of earlier calls."""
    inputs = {given.unit_id: given for unit in units for given in unit.inputs}
    before = {task_of[given] for given in inputs if given in task_of}
    for given in {
        index.unit_id: index for unit in units if unit.through for index in unit.inputs
    }.values():
        if given.unit_id not in task_of:  # else that one comes after them
            if given.unit_id not in through:
                made_from = (opened.unit_id for opened in given.inputs)
                through[given.unit_id] = {
                    task_of[opened] for opened in made_from if opened in task_of
                }
            before |= through[given.unit_id]
    return before


def _seconds_per_task(units: list[UnitPlan], seconds: Callable[[UnitPlan], float]) -> float:
    """Return how long a task is worth its start; each core has as many tasks as the others."""
    share = sum(map(seconds, units)) / (os.cpu_count() or 1)
    return max(START_SECONDS, share / max(1, round(share / TASK_SECONDS)))


def _cut(
    units: list[UnitPlan], seconds: Callable[[UnitPlan], float], fewest: int, least: float
) -> Iterable[list[UnitPlan]]:
    """Cut units, in their order, into tasks of at least so many units, and of about equal seconds.

    These are no less than `least`, but for half a unit.
    """
    takes = [seconds(unit) for unit in units]
    start, taken, left = 0, 0.0, sum(takes)
    for stop, (own, following) in enumerate(zip(takes, [*takes[1:], 0.0], strict=True), 1):
        taken += own
        share = left / max(1, int(left / least + 1e-6)) if least else 0.0
        enough = stop - start >= fewest and taken + following / 2 > share - 1e-6
        if stop == len(units) or (enough and not units[stop].together):
            yield units[start:stop]
            start, taken, left = stop, 0.0, left - taken


def line(
    unit: UnitPlan,
    bundles_here: dict[str, str],
    recorded: dict[str, Recorded],
    now: dict[str, str],
    keep: Container[str] = (),
    others: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the line of a task file that tells a program of a unit.

    `others` are the URLs of the stores, beside the run's, that have bundles of this request.
    """
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
                "url": locations.url(Path(bundles_here[given.unit_id]))
                if given.unit_id in bundles_here
                else None,
            }
            for given in unit.inputs
        ],
    }
    if unit.through and others:
        line["stores"] = list(others)
    if unit.makes:
        line["makes"] = list(unit.makes)
    if unit.sources:
        line["sources"] = list(unit.sources)
    if not unit.exact:
        line["exact"] = False
    if unit.unit_id in keep:
        line["keep"] = True
    if unit.settings_again and unit.unit_id in recorded:
        line["content_sha256"] = recorded[unit.unit_id].content_sha256
    if unit.add_rows:
        line["add_rows"] = unit.add_rows
        if unit.unit_id in bundles_here:
            line["recorded"] = locations.url(Path(bundles_here[unit.unit_id]))
    return line
