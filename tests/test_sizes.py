"""Units that ask for about as much are run together, and others are not."""

import random
from typing import Any

from bossflow.core import sizes, tasks
from bossflow.core.work import Asks, UnitPlan

GB = 10**9


def units(*asks: Asks, process: str = "SMOOTH") -> list[UnitPlan]:
    return [UnitPlan(process, {"number": n}, {}, asks=one) for n, one in enumerate(asks)]


def cut(some: list[UnitPlan], each: int = 1) -> tuple[list[dict[str, Any]], Any]:
    missing = {unit.unit_id: unit for unit in some}
    line = lambda unit: {"asks": unit.asks}  # noqa: E731
    cut_up = tasks.cut_up(some, missing, line, lambda unit: 1.0, each)
    return cut_up, tasks.asks(cut_up)


def test_no_task_asks_for_more_than_twice_what_its_largest_unit_needs() -> None:
    memory = [GB, 10 * GB, 100 * GB] * 20
    random.Random(1).shuffle(memory)
    todo, asks = cut(units(*(Asks(memory=one) for one in memory)), each=5)
    assert [one["memory"] for one in asks["SMOOTH"]] == [GB, 10 * GB, 100 * GB]
    assert {task["size"] for task in todo} == {0, 1, 2} and len(todo) == 12
    for task in todo:
        largest = max(line["asks"].memory for line in task["lines"])
        assert asks["SMOOTH"][task["size"]]["memory"] <= 2 * largest


def test_units_about_as_large_are_of_one_size_whatever_they_are() -> None:
    """Also small ones: a core has that much anyway."""
    some = units(*(Asks(memory=10**8 * n, seconds=n) for n in range(1, 20)))
    todo, asks = cut(some, each=5)
    assert {task["size"] for task in todo} == {0} and len(asks["SMOOTH"]) == 1
    assert asks["SMOOTH"][0]["memory"] == 19 * 10**8
    assert (
        asks["SMOOTH"][0]["seconds"] == max(task["seconds"] for task in todo) == 16 + 17 + 18 + 19
    )


def test_the_least_is_wasted_where_three_sizes_are_too_few() -> None:
    memory = [10 * GB] * 100 + [25 * GB] * 2 + [60 * GB] * 3 + [500 * GB] * 2
    of = sizes.sizes_of(units(*(Asks(memory=one) for one in memory)), lambda _: 1.0)
    assert list(of.values()) == [0] * 100 + [1] * 5 + [2] * 2


def test_what_needs_an_accelerator_cores_or_hours_is_not_run_with_what_does_not() -> None:
    of = sizes.sizes_of(units(Asks(), Asks(cores=8), Asks(accelerators=1)), lambda _: 1.0)
    assert list(of.values()) == [0, 1, 2]
    some = units(Asks(seconds=5), Asks(seconds=3600), Asks(seconds=50))
    todo, asks = cut(some)
    assert [(task["size"], task["seconds"]) for task in todo] == [(0, 5), (0, 50), (1, 3600)]
    assert [one["seconds"] for one in asks["SMOOTH"]] == [50, 3600]


def test_what_compares_is_one_process_that_asks_for_the_most() -> None:
    small = units(Asks(memory=GB, cores=4))
    large = units(Asks(memory=50 * GB), Asks(memory=5 * GB), process="READ")
    some = {unit.unit_id: unit for unit in small + large}
    todo = tasks.cut_up(some.values(), some, lambda _: {}, lambda _: 1.0, None)
    assert tasks.asks(todo, compare=True) == {
        "COMPARE": [{"accelerators": 0, "cores": 4, "memory": 50 * GB, "disk": 0, "seconds": 1.0}]
    }


def test_many_sizes_are_sorted_at_once() -> None:
    some = units(*(Asks(memory=(n % 997) * GB, disk=(n % 31) * GB) for n in range(20_000)))
    of = sizes.sizes_of(some, lambda _: 1.0)
    assert {*of.values()} == {0, 1, 2}
