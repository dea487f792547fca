"""The suites that the tests are in, what is asked for of them, and how long they may take."""

import functools
import os
import time
from collections import Counter
from collections.abc import Iterable

import pytest

BUDGETS = {
    "slurm": 8.0,
    "docker": 14.0,
    "mysql": 22.0,
    "s3": 8.0,
    "faults": 15.0,
    "clouds": 4.0,
    "nextflow": 44.0,
    "core": 36.0,
}
"""Minutes of all of pytest's processes together, in CI on two cores, by suite.

A test is in the first suite whose mark it has, and without one in `core`.
"""

CALM_S = 0.03
"""Seconds that the loop of `pace` takes there: where it takes longer, so may everything."""

ENGINES = ("slurm", "docker", "mysql", "s3", "faults", "clouds")
"""Suites that take more than a set-up, or long: only with `--engines`, or if named."""

ASKED = pytest.StashKey[list[str]]()


def of(marks: Iterable[pytest.Mark]) -> str:
    """Return the suite of a test with these marks."""
    names = {mark.name for mark in marks}
    return next((suite for suite in BUDGETS if suite in names), "core")


def asked(config: pytest.Config) -> list[str]:
    """Return which suites a command line asks for; files, names or marks ask for theirs."""
    named = config.args_source == pytest.Config.ArgsSource.ARGS
    if named or config.option.markexpr or config.option.keyword:
        return list(BUDGETS)
    more = config.getoption("engines") or config.getoption("soak")
    return [suite for suite in BUDGETS if more or suite not in ENGINES]


def choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that were not asked for."""
    soak = config.getoption("soak") or any("::" in arg for arg in config.args)
    chosen = config.stash[ASKED]
    kept, left_out = [], []
    for item in items:
        suite = of(item.iter_markers())
        item.add_marker(suite)  # for `-m core`, too
        wanted = suite in chosen
        wanted = wanted and (soak or not item.get_closest_marker("soak"))
        (kept if wanted else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def turn(item: pytest.Item) -> int:
    """Return when a test's file begins: what takes long first, so that no core is idle then."""
    return list(BUDGETS).index(of(item.iter_markers()))


def pace() -> float:
    """Return how many times as long as a calm machine this one takes now, 1 at least."""
    return _pace(int(time.monotonic() / 10))


@functools.lru_cache(1)
def _pace(_tens_of_seconds: int) -> float:
    began, number = time.perf_counter(), 0
    for number in range(300_000):
        number += number
    return max(1.0, (time.perf_counter() - began) / CALM_S)


class Tally:
    """How many tests of each suite ran, for how long, and why some did not.

    `calm` holds the seconds that a calm machine would have taken: those that budgets are of.
    """

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.calm: Counter[str] = Counter()
        self.ran: Counter[str] = Counter()
        self.soak = False
        self._running: Counter[str] = Counter()
        self.skipped: dict[str, Counter[str]] = {}

    def add(self, report: pytest.TestReport) -> None:
        suite = next(name for name in BUDGETS if name in report.keywords)
        self.seconds[suite] += report.duration
        self._running[report.nodeid] += report.duration
        if report.when == "teardown":
            slowness = dict(report.user_properties).get("pace", 1.0)
            self.calm[suite] += self._running.pop(report.nodeid) / float(str(slowness))
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self.skipped.setdefault(suite, Counter())[reason] += 1
        elif report.when == "call":
            self.ran[suite] += 1

    def over(self) -> list[str]:
        """Return the suites that took longer than they may; what that is, holds for CI."""
        if self.soak or not os.environ.get("CI"):
            return []
        return [name for name, most in BUDGETS.items() if self.calm[name] > 60 * most]

    def refuse_if_over(self, suite: str) -> None:
        """Fail what is left of a suite: an engine that hangs must not take the whole run's time."""
        if suite in self.over():
            pytest.fail(f"the suite {suite} has taken longer than {BUDGETS[suite]:g} minutes")

    def lines(self, chosen: list[str]) -> list[str]:
        """Return the table of the suites, and a line: which ran, which did not, and how they do."""
        lines = [f"{'suite':10}{'tests':>6}{'minutes':>9}{'calm':>7}{'budget':>8}"]
        for name, most in reversed(BUDGETS.items()):
            if self.ran[name]:
                took, calm = self.seconds[name] / 60, self.calm[name] / 60
                told = "  over its budget" if name in self.over() else ""
                lines.append(f"{name:10}{self.ran[name]:6}{took:9.1f}{calm:7.1f}{most:8g}{told}")
        ran = [name for name in reversed(BUDGETS) if self.ran[name]]
        told = [f"suites that ran: {', '.join(ran) or 'none'}"]
        if unasked := [name for name in reversed(BUDGETS) if name not in chosen]:
            told.append(f"not asked for: {', '.join(unasked)} (./set-up.sh --test --engines)")
        for name, reasons in self.skipped.items():
            if not self.ran[name]:
                why = " or ".join(reasons)
                told.append(f"not run: {name} ({why}; then ./set-up.sh --test -m {name})")
        if not self.soak:
            told.append("every case: ./set-up.sh --test --soak")
        return [*lines, "; ".join(told)]
