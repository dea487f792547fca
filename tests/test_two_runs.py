"""Two runs at once on one database and one store; and one whose database is restarted."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import COUNTS, ROOT, sample
from kit import digests, locations
from second_user import Database, soon
from stage import NO_REPORTS, tell_why
from steps import write_volume
from team import Team, deployed, each_server

pytestmark = pytest.mark.faults

RUNNER = f"two_{os.getpid()}"


@pytest.fixture(scope="module", params=each_server(own=True, mostly_one=True))
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture
def schema(team: Team) -> Iterator[str]:
    with deployed(team, RUNNER) as name:
        yield name


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_volume(tmp_path_factory.mktemp("volume") / "v.zarr", (128, 256, 256))


# A program that takes its time with each unit, and says when it begins.
PROGRAM = """
import sys, time
from kit.tasks import main
print("ready", flush=True)
sys.stdin.readline()
def work(unit, bundle):
    time.sleep(0.05)
    (bundle.directory / "made").write_text(unit.unit_id)
main("TRY", work)
"""


def test_programs_with_the_same_task_share_its_units(tmp_path: Path) -> None:
    """Also where one of them was killed, of which units are left that nobody makes."""
    number, programs = 30, 3
    store = tmp_path / "store"
    names = [digests.unit_id("TRY", {"block": str(n)}) for n in range(number)]
    for name in names[::4]:
        (store / f".tmp-{name}-00000000").mkdir(parents=True)
    header = {"run_id": "run", "store": locations.url(store), "code": "code", "process": "TRY"}
    empty: dict[str, Any] = {"arguments": {}, "settings": {}, "inputs": []}
    units = [
        {"unit_id": name, "process": "TRY", "key": {"block": str(n)}} | empty
        for n, name in enumerate(names)
    ]
    task = tmp_path / "task.jsonl"
    task.write_text("".join(json.dumps(line) + "\n" for line in [header, *units]))
    started = []
    for program in range(programs):
        (tmp_path / str(program)).mkdir()
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(task)],
                cwd=tmp_path / str(program),
                env=os.environ | {"PYTHONPATH": str(ROOT / "bin")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in started:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate() and process.returncode for process in started] == [0] * programs
    lines = [json.loads(line) for path in tmp_path.glob("*/receipts.jsonl") for line in path.open()]
    assert Counter(line["unit_id"] for line in lines) == dict.fromkeys(names, programs)
    made = [line for line in lines if line["state"] == "made"]
    COUNTS["units that programs at once asked for"] += number
    COUNTS["of these computed twice"] += len(made) - number
    assert number <= len(made) <= 1.5 * number, "in lockstep it is three times"
    assert len(list(locations.every(store, "TRY"))) == number


class Run:
    """A `nextflow run` in a directory of its own."""

    def __init__(self, directory: Path, team: Team, schema: str, **params: Any) -> None:
        self.directory = directory
        directory.mkdir()
        (directory / "params.json").write_text(json.dumps({"stage": True} | params))
        paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {"PATH": paths, "NXF_ANSI_LOG": "false", "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            ["nextflow", "run", str(ROOT), "-params-file", "params.json", *NO_REPORTS],
            cwd=directory,
            env=team.settings(schema, RUNNER) | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ends_well(self) -> "Counter[str]":
        """Return how many units it computed of each process, if it ends without an error."""
        said = self.process.communicate(timeout=300)[0]
        tell_why(self.process.returncode, self.directory)
        assert self.process.returncode == 0, said
        assert "failed" not in said and "1 complete" in said, said
        receipts = list(self.directory.glob("work/*/*/receipts.jsonl"))
        lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
        assert {line["state"] for line in lines} <= {"made", "reused"}
        return Counter(line["process"] for line in lines if line["state"] == "made")


def recorded(team: Team, schema: str) -> Counter[str]:
    """Return how many units of each process are recorded."""
    query = f"SELECT process, count(*) FROM {schema}.execution GROUP BY process"
    (rows,) = team.query(query, schema=schema)
    return Counter(dict(json.loads(rows)))


@pytest.mark.parametrize("what", sample(["the same", "overlapping"], 1))
def test_two_runs_at_once_share_the_work(
    team: Team, schema: str, volume: Path, tmp_path: Path, what: str
) -> None:
    asked: dict[str, Any] = {
        "source": f"zarr://{volume}",
        "store": str(tmp_path / "store"),
        "block_shape": [32, 64, 64],
    }
    cutouts = [{"x_range": [0, 192]}, {"x_range": [64, 256]}] if what == "overlapping" else [{}, {}]
    runs = [
        Run(tmp_path / f"run{number}", team, schema, **asked, **cutout)
        for number, cutout in enumerate(cutouts)
    ]
    computed = [run.ends_well() for run in runs]
    once = recorded(team, schema)
    blocks = {"PULL_BLOCK": 64, "LABEL_BLOCK": 64}
    if what == "overlapping":
        # the 16 blocks at the second's lower side, and 15 at the first's upper side, have fewer
        # neighbours there
        assert once == blocks | {"LINK_BLOCK": 64 + 16 + 15, "STITCH": 2, "RELABEL_BLOCK": 96}
    else:
        assert once == blocks | {"LINK_BLOCK": 64, "STITCH": 1, "RELABEL_BLOCK": 64}
    twice = (computed[0] + computed[1]).total() - once.total()
    COUNTS["units that two runs at once recorded"] += once.total()
    COUNTS["of them computed twice"] += twice
    assert all(run.total() > 0 for run in computed)
    assert 0 <= twice <= 0.1 * once.total()
    code, text = team.bossflow("verify", schema=schema, user=RUNNER)
    assert (code, f"{once.total()} bundles as recorded" in text) == (0, True), text


def test_a_run_outlives_its_database(team: Team, schema: str, volume: Path, tmp_path: Path) -> None:
    """Which is restarted while RECORD is in its transaction."""
    database = Database(team, schema, RUNNER)
    given = {"source": f"zarr://{volume}", "store": str(tmp_path / "store"), "z_range": [0, 32]}
    run = Run(tmp_path / "run", team, schema, **given, block_shape=[32, 128, 128])
    with database.session() as cursor:
        table, found = database.table("label_request"), []
        while not found:
            cursor.connection.rollback()
            cursor.execute(f"SELECT request_id FROM {table} FOR UPDATE")
            found = cursor.fetchall()
            time.sleep(0.05)
        soon(database.waiting, 200)
        database.restart()
    made = {"PULL_BLOCK": 4, "LABEL_BLOCK": 4, "LINK_BLOCK": 4, "STITCH": 1, "RELABEL_BLOCK": 4}
    assert run.ends_well() == recorded(team, schema) == made
