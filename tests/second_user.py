"""A test as the second user of a real server, who holds locks, ends connections and restarts it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pymysql
from team import Team


class Database:
    """The server as the test's own connections see it, as its administrator.

    `runner` is the run-time user, whom the test is after.
    """

    def __init__(self, team: Team, schema: str, runner: str) -> None:
        self.team, self.schema, self.runner = team, schema, runner
        self.postgresql = team.environment["DJ_BACKEND"] == "postgresql"

    def connect(self, user: str | None = None) -> Any:
        """Return a connection of its own, to the driver itself; in a transaction, once used."""
        given = self.team.settings(self.schema, user)
        place = {"host": given["DJ_HOST"], "port": int(given["DJ_PORT"])}
        who = {"user": given["DJ_USER"], "password": given["DJ_PASS"]}
        if self.postgresql:
            return psycopg2.connect(**place, **who, dbname="postgres")
        return pymysql.connect(**place, **who)

    def table(self, name: str) -> str:
        quote = '"' if self.postgresql else "`"
        return f"{quote}{self.schema}{quote}.{quote}{name}{quote}"

    @contextmanager
    def session(self) -> Iterator[Any]:
        """Yield a cursor in a transaction that is rolled back in the end."""
        connection = self.connect()
        try:
            yield connection.cursor()
        finally:
            with suppress(Exception):
                connection.rollback()
                connection.close()

    def ask(self, query: str, *given: Any) -> list[tuple[Any, ...]]:
        with self.session() as cursor:
            cursor.execute(query, given)
            return list(cursor.fetchall())

    def execute(self, statement: str) -> None:
        connection = self.connect()
        connection.autocommit = True if self.postgresql else connection.autocommit(True)
        connection.cursor().execute(statement)
        connection.close()

    def waiting(self) -> list[int]:
        """Return the connections of the run-time user that wait for a lock."""
        query = (
            "SELECT pid FROM pg_stat_activity WHERE usename = %s AND wait_event_type = 'Lock'"
            if self.postgresql
            # not by innodb_trx, which MySQL refreshes only when nobody has read it for 0.1 s; a
            # commit, too, is "waiting for", of its handler, but for no lock
            else "SELECT p.id FROM information_schema.processlist p WHERE p.user = %s AND "
            "(p.state LIKE 'Waiting for %%lock' OR p.state LIKE 'User lock' OR p.id IN (SELECT "
            "t.processlist_id FROM performance_schema.threads t JOIN "
            "performance_schema.data_lock_waits w ON w.requesting_thread_id = t.thread_id))"
        )
        return [int(number) for (number,) in self.ask(query, self.runner)]

    def cut(self, number: int) -> None:
        if self.postgresql:
            self.ask("SELECT pg_terminate_backend(%s)", number)
        else:
            with self.session() as cursor:
                cursor.execute(f"KILL {number}")

    def restart(self) -> None:
        """Restart the server at once, whatever it is doing."""
        if self.postgresql:
            data = Path(self.team.environment["DJ_HOST"])
            number = int((data / "postmaster.pid").read_text().splitlines()[0])
            os.kill(number, signal.SIGQUIT)
            soon(lambda: not psutil.pid_exists(number))
            program = "from bossflow import database; database.start_embedded()"
            own = self.team.environment | {"BOSSFLOW_HOME": str(data.parent)}
            rules = (data / "pg_hba.conf").read_text()
            done = Team(own, self.team.directory).python(program, schema=self.schema)
            assert done.returncode == 0, done.stderr
            (data / "pg_hba.conf").write_text(rules)  # bossflow's own know one user only
            self.ask("SELECT pg_reload_conf()")
            return
        port = self.team.environment["DJ_PORT"]
        found = subprocess.run(
            ["docker", "ps", "-q", "--filter", f"publish={port}"],
            check=True,
            capture_output=True,
            text=True,
        )
        subprocess.run(["docker", "restart", "-t", "0", found.stdout.strip()], check=True)


def soon(what: Callable[[], Any], seconds: float = 180) -> Any:
    """Return what is true at last."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return found
