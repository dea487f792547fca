"""A team's server, on which tests are administrator and run-time user."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import warm
from conftest import ROOT
from engines import need

NUMBERS = count()


def password_file(path: Path, text: str | bytes) -> Path:
    """Write a password into a file that only its owner reads."""
    path.touch(0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


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
        settings = self.settings(schema, user)
        return warm.run("-c", program, *arguments, cwd=self.directory, env=settings, given=given)

    def bossflow(
        self, *arguments: str, schema: str, user: str | None = None, given: str = ""
    ) -> tuple[int, str]:
        """Run `bossflow` as a user of a schema; return its exit code and all that it said."""
        program = "from bossflow.command.main import main; main()"
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
        file = password_file(self.directory / "password", PASSWORD + "\n")
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

    def load(self, text: str, schema: str) -> None:
        """Execute a dump: with PostgreSQL's own client, which the embedded server comes with."""
        if self.environment.get("DJ_BACKEND") != "mysql":
            from bossflow.database.backup import postgresql_tool

            host = self.environment.get("DJ_HOST") or self.query(
                "SELECT current_setting('data_directory')", schema=schema
            )[0].strip('"[]')
            command = [postgresql_tool("psql"), "-qXU", "postgres", "-h", host, "-v"]
            done = subprocess.run(
                [*command, "ON_ERROR_STOP=1"], input=text, capture_output=True, text=True
            )
        else:
            program = (
                "import sys; from bossflow import database; conn = database.connection()\n"
                "quoted = conn.adapter.quote_identifier(database.schema_name())\n"
                "cursor = conn._conn.cursor()\n"
                "cursor.execute(f'CREATE DATABASE {quoted} COLLATE utf8mb4_bin')\n"
                "cursor.execute(f'USE {quoted}')\n"
                "for statement in sys.stdin.read().split(';\\n'):\n"
                "    if statement.strip(): cursor.execute(statement)"
            )
            done = self.python(program, schema=schema, given=text)
        assert done.returncode == 0, done.stderr

    def load_first(self, schema: str, store: Path) -> None:
        """Load what the first version recorded; its bundles were not kept."""
        file = f"first_schema.{self.environment['DJ_BACKEND']}.sql"
        self.load_older((ROOT / "tests" / "data" / file).read_text(), schema, store)

    def load_older(self, text: str, schema: str, store: Path) -> None:
        """Load a dump of schema bossflow, with the store that it calls /lab/store."""
        # the schema's name is in DataJoint's lineage too; a module's name stays
        text = re.sub(r"\bbossflow\.(?!workflows)", f"{schema}.", text)
        text = text.replace("CREATE SCHEMA bossflow;", f"CREATE SCHEMA {schema};")
        self.load(text.replace("/lab/store", str(store)), schema)

    def rows(self, schema: str) -> dict[str, list[str]]:
        """Return every table's rows as sorted JSON, DataJoint's own tables included."""
        program = (
            "import json; from bossflow import database; conn = database.connection()\n"
            "name, quote = database.schema_name(), conn.adapter.quote_identifier\n"
            "query = conn.adapter.list_tables_sql(name)\n"
            "tables = [row[0] for row in conn.query(query, None).fetchall()]\n"
            "if conn.adapter.backend == 'mysql': tables.append('~lineage')\n"
            "def rows(table):\n"
            "    found = conn.query(f'SELECT * FROM {quote(name)}.{quote(table)}', None)\n"
            "    names = [column[0] for column in found.description]\n"
            "    rows = (dict(zip(names, row)) for row in found.fetchall())\n"
            "    return sorted(json.dumps(row, default=str, sort_keys=True) for row in rows)\n"
            "print(json.dumps({table: rows(table) for table in set(tables)}))"
        )
        done = self.python(program, schema=schema)
        assert done.returncode == 0, done.stderr
        found: dict[str, list[str]] = json.loads(done.stdout)
        return found


@contextmanager
def a_schema(team: Team) -> Iterator[str]:
    """Yield the name of a schema that is dropped in the end."""
    name = f"bossflow_team_{os.getpid()}_{next(NUMBERS)}"
    yield name
    team.drop(name)


@contextmanager
def deployed(team: Team, user: str) -> Iterator[str]:
    """Yield the name of a deployed schema, whose run-time user is `user`."""
    with a_schema(team) as name:
        team.grant(user, name)
        yield name
        team.drop_user(user, name)


def each_server(own: bool = False, mostly_one: bool = False) -> list[Any]:
    """Return what a fixture has as `params`: functions that yield a server.

    `own`: one that no other test uses, for a test that restarts it or changes its settings.
    `mostly_one`: MySQL only in a soak.
    """

    def on_postgresql(paths: pytest.TempPathFactory) -> Iterator[Team]:
        with postgresql(paths.mktemp("home"), paths.mktemp("team")) as team:
            yield team

    def on_mysql(paths: pytest.TempPathFactory) -> Iterator[Team]:
        yield mysql(paths.mktemp("team"))

    def on_own_mysql(paths: pytest.TempPathFactory) -> Iterator[Team]:
        with own_mysql(paths.mktemp("team")) as (team, _):
            yield team

    marks = [pytest.mark.docker if own else pytest.mark.mysql]
    marks += [pytest.mark.soak] if mostly_one else []
    return [
        pytest.param(on_postgresql, id="postgresql"),
        pytest.param(on_own_mysql if own else on_mysql, id="mysql", marks=marks),
    ]


def environment(**settings: str) -> dict[str, str]:
    """Return this environment with other DataJoint settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DJ_")}
    return own | {"PYTHONPATH": f"{ROOT / 'schema'}:{ROOT / 'tests/toy'}"} | settings


def mysql(directory: Path) -> Team:
    """Return the MySQL server that BOSSFLOW_TEST_MYSQL names, as its administrator."""
    need("mysql")
    named = Path(os.environ["BOSSFLOW_TEST_MYSQL"])
    database = json.loads((named / "datajoint.json").read_text())["database"]
    (root,) = re.findall(r"^MYSQL_ROOT_PASSWORD=(.+)$", (named / ".env").read_text(), re.M)
    # set up as a clone is
    shutil.copytree(named / ".secrets", directory / ".secrets")
    for name in ("datajoint.json", ".env"):
        shutil.copy(named / name, directory)
    shutil.copy(ROOT / "docker-compose.yml", directory)
    return Team(
        environment(
            DJ_BACKEND="mysql",
            DJ_HOST=database["host"],
            DJ_PORT=str(database["port"]),
            DJ_USER="root",
            DJ_PASS=root,
        ),
        directory,
    )


@contextmanager
def own_mysql(directory: Path) -> Iterator[tuple[Team, str]]:
    """Start a MySQL server in Docker; yield it, as its administrator, and its container."""
    need("docker")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    password = secrets.token_hex(20)
    own = {"COMPOSE_PROJECT_NAME": f"bossflow-tests-{os.getpid()}-{next(NUMBERS)}"}
    own |= {"MYSQL_ROOT_PASSWORD": password, "MYSQL_PORT": port}

    def compose(*command: str) -> str:
        whole = ["docker", "compose", "--file", str(ROOT / "docker-compose.yml"), *command]
        done = subprocess.run(whole, env=os.environ | own, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    where = {"DJ_BACKEND": "mysql", "DJ_HOST": "127.0.0.1", "DJ_PORT": port}
    team = Team(environment(**where, DJ_USER="root", DJ_PASS=password), directory)
    try:
        compose("up", "--detach", "--wait", "database")
        yield team, compose("ps", "--quiet", "database")
    finally:
        compose("down", "--volumes", "--timeout", "5")


@contextmanager
def postgresql(home: Path, directory: Path) -> Iterator[Team]:
    """Start a PostgreSQL that asks everyone but its administrator for a password."""
    from bossflow import database

    with _at_home(home):
        host = database.start_embedded()
        given = {"DJ_BACKEND": "postgresql", "DJ_HOST": host, "DJ_PORT": "5432"}
        team = Team(environment(**given, DJ_USER="postgres", DJ_PASS=""), directory)
    team.environment["DJ_USE_TLS"] = "false"
    try:
        rules = home / "database" / "pg_hba.conf"
        rules.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        team.query("SELECT pg_reload_conf()", schema="postgres")
        yield team
    finally:
        with _at_home(home):
            database.stop_embedded()


@contextmanager
def _at_home(home: Path) -> Iterator[None]:
    """Set BOSSFLOW_HOME for a while: another fixture may set it for the whole session."""
    before = os.environ.get("BOSSFLOW_HOME")
    os.environ["BOSSFLOW_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["BOSSFLOW_HOME"]
        else:
            os.environ["BOSSFLOW_HOME"] = before
