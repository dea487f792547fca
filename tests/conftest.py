"""What the tests share: where the programs are, and databases of their own."""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a compiled loop compiles it.
settings.register_profile("bossflow", deadline=None)
settings.load_profile("bossflow")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

for folder in ("schema", "bin", "tests/toy", "tests/toy/bin"):
    sys.path.insert(0, str(ROOT / folder))


# Minutes that the tests with a marker may take in one of pytest's processes, of which CI has two:
# an engine that hangs must not take the whole run's time.
BUDGETS = {"mysql": 20, "docker": 20, "slurm": 12, "s3": 10, "faults": 30}
LONGEST = ("test_workflow.py", "test_crashes.py", "test_nextflow.py")
"""Files to begin with."""

_seconds: Counter[str] = Counter()
_counted: Counter[str] = Counter()

COUNTS: Counter[str] = Counter()
"""What the running test counts, for the end."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """A clone may be set up for a team's database: its datajoint.json must not be found."""
    if Path.cwd().is_relative_to(ROOT):
        elsewhere = tempfile.TemporaryDirectory(prefix="bossflow-tests-")
        session.config.add_cleanup(elsewhere.cleanup)
        os.chdir(elsewhere.name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for suite, minutes in BUDGETS.items():
        if item.get_closest_marker(suite) and _seconds[suite] > 60 * minutes:
            pytest.fail(f"the tests marked {suite} have taken longer than {minutes} minutes")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds.update({suite: report.duration for suite in BUDGETS if suite in report.keywords})
    if report.when == "teardown":
        for name, counts in report.user_properties:
            if name == "counted":
                _counted.update(counts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for suite, seconds in _seconds.items():
        terminalreporter.write_line(f"{suite}: {seconds:.0f} s in all")
    if _counted:
        told = ", ".join(f"{number:,} {what}" for what, number in _counted.items())
        terminalreporter.write_line(f"counted: {told}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes long begin, so that none of it is left to run alone beside idle cores.

    Tests on the real data run wherever the data are; in CI they must be there.
    """
    items.sort(key=_turn)
    if (SHARED / "data").is_dir() or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason="../shared/data is not on this machine"))


def _turn(item: pytest.Item) -> int:
    if item.path.name in LONGEST:
        return LONGEST.index(item.path.name)
    return len(LONGEST) + (not any(map(item.get_closest_marker, BUDGETS)))


@pytest.fixture(autouse=True)
def counted(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Hand over what the test has counted, also to the process that runs several of pytest."""
    COUNTS.clear()
    yield
    record_property("counted", dict(COUNTS))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a BOSSFLOW_HOME for this session; its embedded database is stopped at the end."""
    path = tmp_path_factory.mktemp("home")
    os.environ["BOSSFLOW_HOME"] = str(path)
    yield path
    from bossflow import database

    database.stop_embedded()
