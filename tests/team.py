"""A team's server, on which tests are administrator and run-time user."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import ROOT

PASSWORD = "se\"cr'%t\\x #1"


@dataclass(repr=False)  # which holds a password
class Team:
    """A server with the environment of its administrator; schemas and users are the tests' own."""

    environment: dict[str, str]
    directory: Path

    def settings(self, schema: str, user: str | None = None) -> dict[str, str]:
        """Return the environment of a user (default: the administrator) of a schema."""
        own = {"DJ_USER": user, "DJ_PASS": PASSWORD} if user else {}
        return self.environment | {"BOSSFLOW_SCHEMA": schema} | own

    def python(
        self, program: str, *arguments: str, schema: str, user: str | None = None, given: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Run a Python program as a user of a schema."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, *arguments],
            cwd=self.directory,
            env=self.settings(schema, user),
            input=given,
            capture_output=True,
            text=True,
        )

    def bossflow(
        self, *arguments: str, schema: str, user: str | None = None, given: str = ""
    ) -> tuple[int, str]:
        """Run `bossflow` as a user of a schema; return its exit code and all that it said."""
        program = "from bossflow.cli import main; main()"
        done = self.python(program, *arguments, schema=schema, user=user, given=given)
        return done.returncode, done.stdout + done.stderr

    def query(self, *statements: str, schema: str, user: str | None = None) -> list[str]:
        """Execute statements; return what each gave: its rows as JSON, or the error's type."""
        program = (
            "import json, sys; from bossflow import database; conn = database.connection()\n"
            "for statement in sys.argv[1:]:\n"
            "    try:\n"
            "        cursor = conn.query(statement, None)\n"
            "        rows = cursor.fetchall() if cursor.description else []\n"
            "        print(json.dumps([list(row) for row in rows], default=str))\n"
            "    except Exception as error: print(type(error).__name__)"
        )
        done = self.python(program, *statements, schema=schema, user=user)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def grant(self, user: str, schema: str) -> None:
        """Deploy a schema, and let a user read and write its rows."""
        file = self.directory / "password"
        file.write_text(PASSWORD + "\n")
        grant = ["db", "deploy", "--grant", user, "--password-file", str(file)]
        code, text = self.bossflow(*grant, schema=schema)
        assert code == 0, text

    def drop(self, schema: str) -> None:
        """Drop a schema, if it is there."""
        cascade = " CASCADE" if self.environment["DJ_BACKEND"] == "postgresql" else ""
        assert self.query(f"DROP SCHEMA IF EXISTS {schema}{cascade}", schema=schema) == ["[]"]

    def drop_user(self, user: str, schema: str) -> None:
        """Drop a user and what it may do."""
        if self.environment["DJ_BACKEND"] == "postgresql":
            self.query(f"DROP OWNED BY {user}", schema=schema)
        assert self.query(f"DROP USER {user}", schema=schema) == ["[]"]


def environment(**settings: str) -> dict[str, str]:
    """Return this environment with other DataJoint settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}
    return own | {"PYTHONPATH": f"{ROOT / 'schema'}:{ROOT / 'tests/toy'}"} | settings


def mysql(directory: Path) -> Team:
    """Return the MySQL server that BOSSFLOW_TEST_MYSQL names, as its administrator."""
    named = Path(os.environ["BOSSFLOW_TEST_MYSQL"])
    database = json.loads((named / "datajoint.json").read_text())["database"]
    roots = [*named.glob(".secrets/*root*"), named / ".secrets" / "database.password"]
    return Team(
        environment(
            DJ_BACKEND="mysql",
            DJ_HOST=database["host"],
            DJ_PORT=str(database["port"]),
            DJ_USER="root",
            DJ_PASS=roots[0].read_text().strip(),
        ),
        directory,
    )


@contextmanager
def postgresql(home: Path, directory: Path) -> Iterator[Team]:
    """Start a PostgreSQL that asks everyone but its administrator for a password."""
    from bossflow import database

    with_home = os.environ.get("BOSSFLOW_HOME")
    os.environ["BOSSFLOW_HOME"] = str(home)
    try:
        host = database.start_embedded()
        rules = home / "database" / "pg_hba.conf"
        rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        given = {"DJ_BACKEND": "postgresql", "DJ_HOST": host, "DJ_PORT": "5432"}
        team = Team(environment(**given, DJ_USER="postgres", DJ_PASS=""), directory)
        team.environment["DJ_USE_TLS"] = "false"
        team.query("SELECT pg_reload_conf()", schema="postgres")
        yield team
    finally:
        database.stop_embedded()
        if with_home is None:
            del os.environ["BOSSFLOW_HOME"]
        else:
            os.environ["BOSSFLOW_HOME"] = with_home
