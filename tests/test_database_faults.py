"""A team's database that cuts, locks, restarts and refuses while RECORD and PLAN use it.

The test is a second user of a real server: it holds locks, ends connections and takes them all.
"""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pymysql
import pytest
from conftest import ROOT
from disks import disk, fill
from second_user import Database, soon
from team import PASSWORD, Team, a_schema, each_server, postgresql

pytestmark = pytest.mark.faults

RUNNER = f"faults_{os.getpid()}"

# Plans requests of the toy workflow and makes all their bundles; prints plan.json and the receipts
# of each. The store's name is nearly as long as one may be.
PREPARE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import conftest
from pathlib import Path
import pytest
from test_core import Pipeline
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
from bossflow import database
program, limits, *sys.argv[1:] = sys.argv[1:]
for name, value in json.loads(limits).items():
    assert hasattr(database, name)
    setattr(database, name, value)
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
        deploy = "import toy; from bossflow.core import work; work.load_all()"
        done = team.python(
            f"{deploy}; from bossflow.database import migrations; migrations.deploy()", schema=name
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


def test_a_batch_is_recorded_once(batch: Batch) -> None:
    assert batch.is_recorded(batch.start()) == ""
    assert batch.is_recorded(batch.start()) == ""


def test_a_connection_cut_in_the_transaction_is_made_anew(batch: Batch) -> None:
    with held(batch):
        process = batch.start()
        for _ in range(2):
            (number,) = soon(batch.database.waiting)
            batch.database.cut(number)
            soon(lambda: number not in batch.database.waiting())  # noqa: B023
        soon(batch.database.waiting)
    assert batch.is_recorded(process).count("note: trying again: ") == 2


@on_one
def test_a_connection_cut_while_it_waits_for_its_turn_is_made_anew(batch: Batch) -> None:
    database = batch.database
    program = (
        "import sys; from bossflow import database; conn = database.connection()\n"
        "with database.lock(conn): print('held', flush=True); sys.stdin.read()"
    )
    own = database.team.settings(database.schema)
    holder = start(sys.executable, "-W", "ignore", "-c", program, env=own)
    assert holder.stdout and holder.stdin
    assert holder.stdout.readline() == "held\n"
    process = batch.start()
    (number,) = soon(database.waiting)
    database.cut(number)
    soon(lambda: database.waiting() not in ([], [number]))
    assert holder.communicate("")[1] == ""
    assert "the schema lock" in batch.is_recorded(process)


def test_a_deadlock_is_tried_again(batch: Batch) -> None:
    """The test holds what RECORD waits for, and then wants what RECORD has written."""
    database = batch.database
    table = database.table("__word_count")
    with held(batch) as cursor:
        if database.postgresql:
            # who waited longer than that looks for a deadlock, and gives up: that is RECORD
            cursor.execute("SET deadlock_timeout = '1h'")
            wanted = f"INSERT INTO {table} (file_id, n_words, counted_by) VALUES (%s, 1, 'x')"
        else:  # the one that wrote less gives up
            database.execute(f"CREATE TABLE {database.table('heavy')} (a int)")
            cursor.execute(
                f"INSERT INTO {database.table('heavy')} WITH RECURSIVE n (a) AS "
                "(SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 900) SELECT a FROM n"
            )
            wanted = f"SELECT n_words FROM {table} WHERE file_id = %s FOR UPDATE"
        process = batch.start()
        soon(database.waiting)
        # waits until RECORD has given up
        with suppress(psycopg2.Error, pymysql.MySQLError):
            cursor.execute(wanted, (bundle_keys(batch)[0],))
    said = batch.is_recorded(process)
    assert re.search("(?i)deadlock", said), said


def bundle_keys(batch: Batch) -> list[str]:
    lines = [
        json.loads(line)
        for receipts in batch.given[1:]
        for line in Path(receipts).read_text().splitlines()
    ]
    return [line["key"]["file_id"] for line in lines if line["process"] == "COUNT_WORDS"]


@on_one
def test_a_lock_that_someone_holds_is_waited_for(batch: Batch) -> None:
    with held(batch):
        process = batch.start(ROW_LOCK_SECONDS=1)
        assert process.stderr
        first = process.stderr.readline()
        assert re.match("note: trying again: .*lock.* time.*out", first, re.I), first
    batch.is_recorded(process)


@on_one
def test_a_lock_that_is_never_released_is_a_sentence_and_no_row(batch: Batch) -> None:
    with held(batch):
        process = batch.start(ROW_LOCK_SECONDS=1, AGAIN_SECONDS=2)
        sentence = batch.is_not_recorded(process)
    assert sentence.startswith("database ") and "did not do it in 2 s" in sentence
    assert "run the same command again" in sentence
    batch.is_recorded(batch.start())


def test_a_full_pool_is_waited_for(batch: Batch) -> None:
    database, taken = batch.database, []
    if not database.postgresql:
        ((before,),) = database.ask("SELECT @@max_connections")
        database.execute("SET GLOBAL max_connections = 20")
    is_over = threading.Event()

    def take() -> None:  # again and again: others' tests on this server come and go
        while not is_over.wait(0.002):
            with suppress(psycopg2.OperationalError, pymysql.MySQLError):
                while not is_over.is_set():
                    taken.append(database.connect(RUNNER))

    taker = threading.Thread(target=take)
    taker.start()
    try:
        soon(lambda: len(taken) > 5)
        time.sleep(0.5)
        process = batch.start()
        assert process.stderr
        first = process.stderr.readline()
        assert re.match("note: trying again: database .*(too many|connection slots)", first, re.I)
        program = "from bossflow import database; database.again(database.connection)"
        own = database.team.settings(database.schema, RUNNER)
        first_of_a_run = start(sys.executable, "-W", "ignore", "-c", program, env=own)
        assert first_of_a_run.stderr
        assert "note: trying again" in first_of_a_run.stderr.readline()
        summary = batch.start("summary", AGAIN_SECONDS=1)
        assert "run the same command again" in failed(summary)
    finally:
        is_over.set()
        taker.join()
        for connection in taken:
            connection.close()
        if not database.postgresql:
            database.execute(f"SET GLOBAL max_connections = {before}")
    assert first_of_a_run.communicate() and first_of_a_run.returncode == 0
    batch.is_recorded(process)


@on_one
def test_a_server_that_is_restarted_is_waited_for(batch: Batch) -> None:
    with held(batch):
        process = batch.start()
        soon(batch.database.waiting)
        batch.database.restart()
    assert "note: trying again" in batch.is_recorded(process)


def test_a_commit_that_was_not_confirmed_is_not_done_twice(batch: Batch) -> None:
    """What was sent after COMMIT is lost with the connection."""
    database = batch.database
    place = database.team.environment
    with deaf_after_commit(place["DJ_HOST"], int(place["DJ_PORT"]), batch.directory) as there:
        given = dict(zip(("DJ_HOST", "DJ_PORT"), map(str, there), strict=True))
        other = Team(place | given, database.team.directory)
        batch.database = Database(other, database.schema, RUNNER)
        process = batch.start()
        batch.database = database
        said = batch.is_recorded(process)
    assert said.count("note: trying again") == 1
    told = json.loads((batch.directory / "recorded.json").read_text())
    assert told["known"], "the first attempt had committed"


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


def test_small_packets_are_refused_at_once_and_a_mebibyte_is_enough(
    database: Database, tmp_path: Path
) -> None:
    (batch,) = prepared(database, tmp_path, 1, 1000)
    if database.postgresql:  # which has no such limit
        assert batch.is_recorded(batch.start()) == ""
        return
    ((before,),) = database.ask("SELECT @@global.max_allowed_packet")
    try:
        database.execute("SET GLOBAL max_allowed_packet = 65536")
        sentence = batch.is_not_recorded(batch.start())
        assert "takes statements of 65,536 bytes at most: set max_allowed_packet" in sentence
        database.execute("SET GLOBAL max_allowed_packet = 1048576")
        assert batch.is_recorded(batch.start()) == ""
    finally:
        database.execute(f"SET GLOBAL max_allowed_packet = {before}")


def test_a_full_disk_of_the_database_is_a_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with disk(home, "200m"), postgresql(home, tmp_path) as team, deployed(team) as schema:
        home.chmod(0o755)  # the server's own user
        (batch,) = prepared(Database(team, schema, RUNNER), tmp_path, 1)
        fill(home, 0)
        sentence = batch.is_not_recorded(batch.start())
        assert sentence.startswith("the disk of database postgresql://"), sentence
        assert sentence.endswith("make room there, and run the same command again")
        (home / "filler").unlink()
        batch.is_recorded(batch.start())


@on_one
@pytest.mark.parametrize("wrong", ["password", "host", "port", "user"])
def test_a_mistake_in_the_settings_is_said_at_once(database: Database, wrong: str) -> None:
    settings = {
        "password": {"DJ_PASS": "wrong"},
        "host": {"DJ_HOST": "nowhere.invalid"},
        "port": {"DJ_HOST": "127.0.0.1", "DJ_PORT": "1"},
        "user": {"DJ_USER": "nobody"},
    }
    program = (
        "from bossflow import database\n"
        "try: database.again(database.connection)\n"
        "except database.DatabaseError as error: print(error)"
    )
    own = database.team.settings(database.schema, RUNNER) | settings[wrong]
    team = Team(own, database.team.directory)
    done = team.python(program, schema=database.schema)
    assert "can't be used: " in done.stdout and PASSWORD not in done.stdout
    assert "trying again" not in done.stderr
