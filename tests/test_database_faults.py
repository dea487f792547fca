"""A team's database that cuts, locks, restarts and refuses while RECORD and PLAN use it.

The test is a second user of a real server: it holds locks, ends connections and takes them all.
"""

import json
import re
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psycopg2
import pymysql
import pytest
from batches import (
    RUNNER,
    Batch,
    deaf_after_commit,
    deployed,
    failed,
    held,
    on_one,
    prepared,
    start,
)
from batches import batch as batch
from batches import batches as batches
from batches import database as database
from batches import ended as ended
from batches import schema as schema
from batches import team as team
from disks import disk, fill
from second_user import Database, soon
from team import PASSWORD, Team, postgresql

pytestmark = pytest.mark.faults


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
    is_over, is_full = threading.Event(), threading.Event()

    def take() -> None:  # again and again: others' tests on this server come and go
        while not is_over.wait(0.002):
            try:
                while not is_over.is_set():
                    taken.append(database.connect(RUNNER))
            except (psycopg2.OperationalError, pymysql.MySQLError):
                is_full.set()

    taker = threading.Thread(target=take)
    taker.start()
    try:
        assert is_full.wait(60)
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
