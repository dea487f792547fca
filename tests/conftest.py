"""What the tests share: which of them run, where the programs are, databases of their own."""

import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import suites
import warm
from engines import need
from hypothesis import settings

# The first call of a compiled loop compiles it.
settings.register_profile("bossflow", deadline=None, derandomize=False)
settings.load_profile("bossflow")

warm.never_flush()

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
WORKFLOWS = sorted(path.stem for path in (ROOT / "workflows").glob("*.nf"))

for folder in ("schema", "bin", "tests/toy", "tests/toy/bin"):
    sys.path.insert(0, str(ROOT / folder))

COUNTS: Counter[str] = Counter()
"""What the running test counts, for the end."""

_counted: Counter[str] = Counter()
_tally = suites.Tally()


# ---- samples ----


def _seed() -> int:
    """Return what the samples of this run are drawn with: another one for each commit."""
    if given := os.environ.get("BOSSFLOW_SEED"):
        return int(given)
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True).stdout
    except OSError:
        commit = ""
    return int(commit[:5] or "0", 16)


SEED = _seed()
SOAK = False
"""Whether all is asked for (`--soak`), instead of a sample."""


def examples(all_of_them: int) -> int:
    """Return how many examples hypothesis tries, of those that `--soak` has it try."""
    return all_of_them if SOAK else max(5, all_of_them // 10)


def sample(cases: list[Any], number: int) -> list[Any]:
    """Return `parametrize`'s cases; all but a sample of so many are marked `soak`."""
    places = range(len(cases))
    number = min(number, len(cases))
    chosen = set(random.Random(f"{SEED} {len(cases)} {number}").sample(places, number))
    return [case if at in chosen else _only_in_soak(case) for at, case in enumerate(cases)]


def _only_in_soak(case: Any) -> Any:
    return pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.soak)


# ---- which tests run ----


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bossflow")
    group.addoption("--engines", action="store_true", help="also with MySQL, Docker, Slurm, S3")
    group.addoption("--soak", action="store_true", help="all there is, samples whole: hours")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    global SOAK
    SOAK = _tally.soak = bool(config.getoption("soak"))
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = SEED
    if hasattr(config, "workerinput"):
        config.stash[suites.ASKED] = config.workerinput["suites"]
    else:
        config.stash[suites.ASKED] = suites.asked(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell one of pytest's processes what was asked for: it has another command line."""
    node.workerinput["suites"] = node.config.stash[suites.ASKED]  # type: ignore[attr-defined]


def pytest_report_header() -> str:
    return f"samples: BOSSFLOW_SEED={SEED}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """A clone may be set up for a team's database: its datajoint.json must not be found."""
    if Path.cwd().is_relative_to(ROOT):
        elsewhere = tempfile.TemporaryDirectory(prefix="bossflow-tests-")
        session.config.add_cleanup(elsewhere.cleanup)
        os.chdir(elsewhere.name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for, and begin with what takes long.

    Tests on the real data run wherever the data are; in CI they must be there.
    """
    suites.choose(config, items)
    items.sort(key=suites.turn)
    if (SHARED / "data").is_dir() or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason="../shared/data is not on this machine"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for engine in ("mysql", "docker", "slurm"):
        if item.get_closest_marker(engine):
            need(engine)
    _tally.refuse_if_over(suites.of(item.iter_markers()))


# ---- what is told at the end ----


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _tally.add(report)
    if report.when == "teardown":
        for name, counts in report.user_properties:
            if name == "counted":
                _counted.update(counts)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput") and _tally.over():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if _counted:
        told = ", ".join(f"{number:,} {what}" for what, number in _counted.items())
        terminalreporter.write_line(f"counted: {told}")
    for line in _tally.lines(config.stash[suites.ASKED]):
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def counted(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """Hand over what the test has counted, also to the process that runs several of pytest."""
    COUNTS.clear()
    yield
    record_property("counted", dict(COUNTS))
    record_property("pace", suites.pace())


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("home")
    os.environ["BOSSFLOW_HOME"] = str(path)
    yield path
    from bossflow import database

    database.stop_embedded()


@pytest.fixture(scope="module")
def home(_home: Path) -> Iterator[Path]:
    """Return a BOSSFLOW_HOME, whose embedded database has no rows of another file's tests."""
    yield _home
    from bossflow import database

    if not database.server().embedded:  # a team's has one file's tests
        return
    conn, schema = database.connection(), database.schema_name()
    named = conn.query(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = %s "
        "AND table_name <> 'schema_version' AND table_name NOT LIKE %s",
        (schema, "~%"),
    )
    tables = ", ".join(f'"{schema}"."{name}"' for (name,) in named.fetchall())
    if tables:
        conn.query("SET lock_timeout = '20s'")
        conn.query(f"TRUNCATE {tables}")
        conn.query("RESET lock_timeout")
