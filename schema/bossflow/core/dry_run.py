"""What a dry run says: what would be pulled, compared and made, and about how long it takes."""

import os
from collections import Counter
from typing import Any

from ..kit.texts import duration, many
from . import work
from .work import UnitPlan

START_SECONDS = 2
"""What a task should take at least, even where a core has none: about what its start costs."""


def in_words(
    workflow: work.Workflow,
    units: dict[str, UnitPlan],
    asked: str,
    told: dict[str, Any],
    missing: dict[str, UnitPlan],
    doubtful: dict[str, UnitPlan],
    again: set[str],
    stages: list[list[dict[str, Any]]],
) -> str:
    """Say what a run would do that was `asked`, with tasks in stages that wait for each other.

    What is `doubtful` is compared first, and if all of it changed, `again` is made again.
    """
    size: Counter[bool] = Counter()
    for unit in (doubtful | missing).values():
        size[bool(unit.reads and unit.reads.in_place)] += workflow.pulled_bytes_of(unit)
    lines = [f"dry run: {asked}"]
    if size[False]:
        lines.append(f"  to pull    {_size(size[False])} of voxels into the store")
    if size[True]:
        lines.append(f"  to read    {_size(size[True])} of voxels in place")
    if doubtful:
        compared, more = (
            work.numbers(Counter(unit.process for name, unit in units.items() if name in some))
            for some in (doubtful, again)
        )
        lines.append(
            f"  to compare {compared} with what is recorded; what holds other voxels is made "
            f"again, with what was made of it: {more} at most"
        )
    lines += [
        f"  to make    {work.numbers(told['planned'])}",
        f"  recorded   {work.numbers(told['found'])}",
        f"  to run     {_how_long(stages)}",
    ]
    return "\n".join(lines)


def _how_long(stages: list[list[dict[str, Any]]]) -> str:
    """Return how many tasks there are, and about how long they take, with their starts."""
    number = sum(map(len, stages))
    if not number:
        return "nothing"
    if any(task["unknown"] for tasks in stages for task in tasks):
        return f"{many(number, 'task')}; nothing tells yet how long these take"
    cores = os.cpu_count() or 1
    alone, here = (duration(sum(_seconds(tasks, n) for tasks in stages)) for n in (1, cores))
    words = f"{many(number, 'task')}, about {alone} on one core"
    return words + (f", {here} on the {cores} here" if cores > 1 else "")


def _seconds(tasks: list[dict[str, Any]], cores: int) -> float:
    """Return about how long tasks take: their work, shared, or the longest chain of them."""
    ends: dict[str, float] = {}
    for task in tasks:
        begin = max((ends.get(name, 0.0) for name in task["after"]), default=0.0)
        ends[task["task"]] = begin + START_SECONDS + task["seconds"]
    total: float = sum(START_SECONDS + task["seconds"] for task in tasks)
    return max(total / cores, *ends.values(), 0.0)


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.4g} {unit}"
        number /= 1000
    return f"{number:.4g} TB"
