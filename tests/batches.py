"""Requests whose bundles are made, to be recorded in a team's database that misbehaves."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from second_user import Database
from team import Team, a_schema, each_server

RUNNER = f"faults_{os.getpid()}"

# Plans requests of the toy workflow and makes all their bundles; prints plan.json and the receipts
# of each. The store's name is nearly as long as one may be.
PREPARE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import conftest
from pathlib import Path
import pytest
from pipeline import Pipeline
here, requests, number = Path(sys.argv[2]), *map(int, sys.argv[3:])
store = here.joinpath(*(letter * 200 for letter in "abc"))
made = []
for request in range(requests):
    (here / f"{request}").mkdir()
    pipeline = Pipeline(here / f"{request}", pytest.MonkeyPatch())
    files = [here / f"{request}" / f"{file}.txt" for file in range(number)]
    for path in files:
        path.write_text(f"a b c d{request}")
    plan, work_dir = pipeline.plan(files, store=str(store), blocks_per_task=100)
    assert not plan["problem"], plan["problem"]
    made.append(list(map(str, [work_dir / "plan.json", *pipeline.compute(plan, work_dir)])))
print(json.dumps(made))
"""

# A program of bin/ with other limits than a user's.
PROGRAM = """
import json, runpy, sys
from bossflow.database import limits
program, given, *sys.argv[1:] = sys.argv[1:]
for name, value in json.loads(given).items():
    assert hasattr(limits, name)
    setattr(limits, name, value)
sys.path.insert(0, str(__import__("pathlib").Path(program).parent))
runpy.run_path(program, run_name="__main__")
"""

# What both servers do alike; MySQL in a soak.
on_one = pytest.mark.parametrize("team", each_server(own=True, mostly_one=True), indirect=True)


@pytest.fixture(scope="module", params=each_server(own=True))
def team(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Team]:
    yield from request.param(tmp_path_factory)


@pytest.fixture(scope="module")
def schema(team: Team) -> Iterator[str]:
    with deployed(team) as name:
        yield name


@contextmanager
def deployed(team: Team) -> Iterator[str]:
    """Yield the name of a schema with the toy's tables, whose run-time user is RUNNER."""
    with a_schema(team) as name:
        deploy = "import toy; from bossflow.core import registry; registry.load_all()"
        done = team.python(
            f"{deploy}; from bossflow.core import migrations; migrations.deploy()", schema=name
        )
        assert done.returncode == 0, done.stderr
        team.grant(RUNNER, name)
        yield name
        team.drop_user(RUNNER, name)


STARTED: "list[subprocess.Popen[str]]" = []


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """End what a test that failed left running: it may hold what the next one needs."""
    yield
    for process in STARTED:
        process.kill()
        process.communicate()
    STARTED.clear()


def start(*command: str, **how: Any) -> "subprocess.Popen[str]":
    pipes: Any = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
    STARTED.append(subprocess.Popen(command, **pipes, text=True, **how))
    return STARTED[-1]


def prepared(
    database: Database, directory: Path, requests: int, number: int = 6
) -> "Iterator[Batch]":
    """Have requests of some files each made, and yield them."""
    done = database.team.python(
        PREPARE,
        *(str(ROOT / "tests"), str(directory), str(requests), str(number)),
        schema=database.schema,
        user=RUNNER,
    )
    assert done.returncode == 0, done.stderr
    for given in json.loads(done.stdout.splitlines()[-1]):
        yield Batch(database, Path(given[0]).parent, given, number)


def failed(process: "subprocess.Popen[str]") -> str:
    """Wait for a program that fails; return the sentence with which it ends."""
    out, errors = process.communicate(timeout=150)
    assert process.returncode == 1, out + errors
    *notes, sentence = errors.strip().splitlines()
    assert all(note.startswith("note: trying again: ") for note in notes), errors
    return sentence


@dataclass
class Batch:
    """Bundles of a request that were made and are not recorded yet."""

    database: Database
    directory: Path
    given: list[str]
    number: int

    @property
    def plan(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(Path(self.given[0]).read_text())
        return found

    @property
    def request(self) -> str:
        (name,) = self.plan["requests"]
        return str(name)

    def start(self, program: str = "record", **limits: float) -> "subprocess.Popen[str]":
        """Start RECORD, or SUMMARY, as the run-time user."""
        given = self.given if program == "record" else self.given[:1]
        database = self.database
        program = str(ROOT / "bin" / f"{program}.py")
        return start(
            *(sys.executable, "-W", "ignore", "-c", PROGRAM, program, json.dumps(limits), *given),
            cwd=self.directory,
            env=database.team.settings(database.schema, RUNNER),
        )

    def rows(self) -> dict[str, int]:
        """Return how many rows the database has of this batch."""
        of = self.database.table
        files = "SELECT file_id FROM {} WHERE request_id = %s".format(of("__word_total__source"))
        counts = {
            "total": f"SELECT count(*) FROM {of('__word_total')} WHERE request_id = %s",
            "source": f"SELECT count(*) FROM ({files}) s",
            "count": f"SELECT count(*) FROM {of('__word_count')} WHERE file_id IN ({files})",
            "word": f"SELECT count(*) FROM {of('__word_count__word')} WHERE file_id IN ({files})",
        }
        found = {
            name: self.database.ask(query, self.request)[0][0] for name, query in counts.items()
        }
        runs = self.database.ask(
            f"SELECT count(*) FROM {of('execution')} WHERE run_id = %s",
            self.plan["run_id"],
        )
        return found | {"execution": runs[0][0]}

    @property
    def all_rows(self) -> dict[str, int]:
        number = self.number
        words = {"word": 4 * number}
        return {"total": 1, "source": number, "count": number, "execution": number + 1} | words

    def is_recorded(self, process: "subprocess.Popen[str]") -> str:
        """Wait for RECORD; check that all is recorded, once; return what it said."""
        out, errors = process.communicate(timeout=150)
        assert process.returncode == 0, out + errors
        told = json.loads((self.directory / "recorded.json").read_text())
        assert told["failed"] == []
        processes = {"COUNT_WORDS": self.number, "ADD_WORDS": 1}
        assert {**told["recorded"], **told["known"]} == processes, told
        assert self.rows() == self.all_rows
        assert json.loads((self.directory / "verdict.json").read_text()) == {"missing": None}
        return errors

    def is_not_recorded(self, process: "subprocess.Popen[str]") -> str:
        """Wait for RECORD; check that nothing is recorded, and return what it says of that."""
        sentence = failed(process)
        assert set(self.rows().values()) == {0}
        assert not (self.directory / "recorded.json").exists()
        return sentence


@pytest.fixture(scope="module")
def database(team: Team, schema: str) -> Database:
    return Database(team, schema, RUNNER)


@pytest.fixture(scope="module")
def batches(database: Database, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Batch]":
    return prepared(database, tmp_path_factory.mktemp("batches"), 10)


@pytest.fixture
def batch(batches: "Iterator[Batch]") -> Batch:
    return next(batches)


@contextmanager
def held(batch: Batch) -> Iterator[Any]:
    """Hold the request's row: RECORD waits for it when it has written half of its rows."""
    with batch.database.session() as cursor:
        table = batch.database.table("word_request")
        query = f"SELECT request_id FROM {table} WHERE request_id = %s FOR UPDATE"
        cursor.execute(query, (batch.request,))
        yield cursor


def without_tls(greeting: bytes) -> bytes:
    """Take CLIENT_SSL out of the capabilities in MySQL's greeting, so that COMMIT can be seen."""
    high = greeting.index(b"\0", 5) + 1 + 4 + 8 + 1 + 1
    return greeting[:high] + bytes([greeting[high] & ~0x08]) + greeting[high + 1 :]


@contextmanager
def deaf_after_commit(host: str, port: int, directory: Path) -> Iterator[tuple[str, int]]:
    """Stand between RECORD and its server; hang up once, when a COMMIT was done."""
    if host.startswith("/"):
        kind, target = socket.AF_UNIX, f"{host}/.s.PGSQL.{port}"
        (directory / "p").mkdir()
        own: Any = os.path.relpath(directory / "p" / f".s.PGSQL.{port}")  # a short name
        address: tuple[str, int] = (str(directory / "p"), port)
    else:
        kind, target, own = socket.AF_INET, (host, port), ("127.0.0.1", 0)
    server = socket.socket(kind)
    server.bind(own)
    server.listen()
    if kind == socket.AF_INET:
        address = server.getsockname()
    committing: list[socket.socket] = []

    def forward(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while (data := source.recv(2**16)) and source not in committing:
                if b"COMMIT" in data and not committing:
                    committing.append(sink)  # whose answer nobody will hear
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                upstream = socket.socket(kind)
                upstream.connect(target)
                if kind == socket.AF_INET:
                    client.sendall(without_tls(upstream.recv(2**16)))
                for way in ((client, upstream), (upstream, client)):
                    threading.Thread(target=forward, args=way, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield address
    finally:
        server.close()
        assert committing
