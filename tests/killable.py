"""Database servers that are killed, and how tests reach them meanwhile."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from commands import said
from conftest import COUNTS
from team import environment, own_mysql


@dataclass(repr=False)  # it may hold a password
class Server:
    """A database server: how programs reach it, how the tests do, and its main process."""

    environment: dict[str, str]
    connect: Callable[[], Any]
    pid: Callable[[], int]

    def query(self, *statements: str) -> list[list[dict[str, Any]]]:
        """Execute statements in one transaction; return the rows of each."""
        answers = []
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
                names = [column[0] for column in cursor.description or ()]
                rows = cursor.fetchall() if names else []
                answers.append([dict(zip(names, row, strict=True)) for row in rows])
            connection.commit()
        return answers

    def kill(self, orphans: bool = False) -> None:
        """Kill it, with or without the processes that it has started."""
        process = psutil.Process(self.pid())
        with suppress(psutil.NoSuchProcess):
            victims = [process, *([] if orphans else process.children(recursive=True))]
            for one in victims:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.wait(10)
        COUNTS["kills"] += 1

    def wait(self) -> None:
        """Wait for a server that someone else starts again; the embedded one, programs start."""
        if "DJ_HOST" not in self.environment:
            return
        end = time.monotonic() + 90
        while True:
            try:
                self.query("SELECT 1")
                return
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


def embedded(home: Path) -> Server:
    """Return the embedded PostgreSQL of a home, which programs start."""
    import psycopg2

    file = home / "database" / "postmaster.pid"

    def connect() -> Any:
        return psycopg2.connect(
            host=str(file.parent),
            user="postgres",
            dbname="postgres",
            options="-c session_replication_role=replica",  # foreign keys are not looked at
        )

    return Server(
        environment(BOSSFLOW_HOME=str(home)),
        connect,
        lambda: int(file.read_text().splitlines()[0]),
    )


@contextmanager
def mysql(directory: Path) -> Iterator[Server]:
    """Start a MySQL server in Docker, which starts it again when it is dead."""
    import pymysql

    def connect() -> Any:
        return pymysql.connect(
            host=team.environment["DJ_HOST"],
            port=int(team.environment["DJ_PORT"]),
            user="root",
            password=team.environment["DJ_PASS"],
            init_command="SET foreign_key_checks = 0, sql_mode = 'ANSI_QUOTES'",
        )

    with own_mysql(directory) as (team, container):
        settings = team.environment | {"BOSSFLOW_HOME": str(directory / "home")}
        state = ("docker", "inspect", "--format", "{{.State.Pid}}", container)
        yield Server(settings, connect, lambda: int(said(*state)))
