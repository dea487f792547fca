"""What is to be made, cut into tasks: how many, in what order, and which waits for which."""

from pathlib import Path
from typing import Any

import pytest
from bossflow.core import tasks as cutting
from bossflow.core.work import Asks, UnitPlan


def unit(process: str, name: str, *inputs: UnitPlan) -> UnitPlan:
    return UnitPlan(process, {"name": name}, {}, inputs)


def cut(units: list[UnitPlan], seconds: float, each: int | None = None) -> list[dict[str, Any]]:
    missing = {one.unit_id: one for one in units}
    return cutting.cut_up(units, missing, lambda unit: unit.key, lambda _: seconds, each)


def test_a_task_never_waits_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [unit("A", f"a{number}") for number in range(4)]
    again = [unit("A", f"again{number}", one) for number, one in enumerate(first)]
    last = unit("B", "b", *first, *again)
    tasks = {task["task"]: task for task in cut([*first, *again, last], 0.01)}
    assert {name: task["after"] for name, task in tasks.items()} == {
        "A-00000": [],
        "A-00001": ["A-00000"],
        "B-00000": ["A-00000", "A-00001"],
    }


def test_a_chain_is_as_many_tasks_as_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where that is as many as there should be, or more."""
    monkeypatch.setattr(cutting, "TASKS_MAX", 3)
    chain: list[UnitPlan] = []
    for number in range(1, 6):
        chain.append(unit("A", str(number), *chain[-1:]))
        assert [task["units"] for task in cut(chain, 0.01)] == [1] * number


def test_tasks_have_their_time_and_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutting, "TASKS_MAX", 12)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    units = [unit("A", str(number)) for number in range(100)]
    assert [task["units"] for task in cut(units, 0.01)] == [100], "two seconds at least"
    assert [task["units"] for task in cut(units, 0.1)] == [50, 50], "each core has one"
    assert [task["units"] for task in cut(units, 1)] == [10] * 10, "ten seconds if there are many"
    assert [task["units"] for task in cut(units, 100)] == [10] * 10, "no more than so many tasks"
    assert [task["units"] for task in cut(units, 100, 30)] == [30, 30, 30, 10], "as it was given"
    monkeypatch.setattr(cutting, "TASKS_MAX", 12_000)
    counts = [task["units"] for task in cut(units[:75], 0.8)]
    assert counts == [12, 13, 12, 13, 12, 13], "none is left with the rest"


def test_what_takes_longest_begins_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it was planned; the others are in another order in each run."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    takes = [1.0] * 100
    takes[50] = takes[99] = 40.0
    units = [
        UnitPlan("A", {"name": str(number)}, {}, asks=Asks(seconds=seconds))
        for number, seconds in enumerate(takes)
    ]
    orders = []
    for run_id in ("one", "another"):
        tasks = cut(units, 0)
        header = {"run_id": run_id, "store": f"file://{tmp_path}"}
        (tmp_path / run_id).mkdir()
        cutting.write(tasks, header, tmp_path, tmp_path / run_id)
        assert [task["seconds"] > 20 for task in tasks] == [True, True] + [False] * (len(tasks) - 2)
        assert sum(task["units"] for task in tasks) == 100
        assert max(task["seconds"] for task in tasks) <= 50
        orders.append([task["task"] for task in tasks])
    assert orders[0] != orders[1]
