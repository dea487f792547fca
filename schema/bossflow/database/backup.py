"""Backup and restore of the schema, with the server's own tools.

No password is on a command line. A backup is the tool's SQL between a first line that says what
it is and a last one that says that it is whole.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import datajoint as dj
from datajoint.settings import find_config_file

from .. import __version__, database
from ..kit import disk
from . import access, embedded

FIRST = b"-- bossflow backup: "
LAST = b"-- end of bossflow backup\n"

# MySQL's tools read the password from an option file, here or in a container. It comes first on
# standard input (its length is $1), and is gone when the tool has ended.
WITH_OPTIONS = (
    "umask 077; options=$(mktemp) || exit; trap 'rm -f \"$options\"' EXIT; trap 'exit 1' TERM INT; "
    'dd bs=1 count="$1" of="$options" 2>/dev/null; tool=$2; shift 2; '
    '"$tool" --defaults-extra-file="$options" "$@"'
)


def backup(file: Path, version: int) -> int:
    """Write the whole schema, as it is at one moment, into a file; return its bytes.

    Parameters
    ----------
    file : Path
        Replaced when all is written.
    version : int
        Of its tables.

    Raises
    ------
    DatabaseError
        If a tool is missing, or it fails; the file is then as it was.
    """
    conn = database.connection()
    about = {
        "backend": conn.adapter.backend,
        "schema": database.schema_name(),
        "version": version,
        "bossflow": __version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    new = file.with_name(f"{file.name}.new-{os.getpid()}")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(FIRST + json.dumps(about).encode() + b"\n")
            stream.flush()
            _dump(conn, stream)
            stream.seek(0, os.SEEK_END)
            stream.write(b"\n" + LAST)
            stream.flush()
            os.fsync(stream.fileno())
        size = new.stat().st_size
        new.rename(file)
        disk.flush_names([file], file.parent)
    finally:
        new.unlink(missing_ok=True)
    return size


def read_about(file: Path, known: int) -> dict[str, Any]:
    """Return what a backup says of itself, if it is whole and can be restored here.

    Parameters
    ----------
    file : Path
    known : int
        The latest version of tables that this program works with.

    Raises
    ------
    ValueError
        If it is no backup, not whole, or another server's, schema's or a newer version's.
    """
    with file.open("rb") as stream:
        first = stream.readline(10_000)
        stream.seek(max(0, file.stat().st_size - len(LAST)))
        whole = stream.read() == LAST
    if not first.startswith(FIRST):
        raise ValueError(f"{file} is not a backup that `bossflow db backup` made")
    if not whole:
        raise ValueError(f"{file} is not whole: its end is missing")
    about: dict[str, Any] = json.loads(first.removeprefix(FIRST))
    backend = database.connection().adapter.backend
    if about["backend"] != backend:
        raise ValueError(f"{file} is a backup of {about['backend']}, but this server is {backend}")
    if about["schema"] != database.schema_name():  # which DataJoint's lineage names too
        raise ValueError(
            f"{file} is a backup of schema {about['schema']}: set BOSSFLOW_SCHEMA to that name"
        )
    if about["version"] > known:
        raise ValueError(
            f"{file} is of version {about['version']}, but bossflow {__version__} works with "
            f"version {known}: update bossflow"
        )
    return about


def in_the_way() -> int:
    """Return how many tables the schema has that a restore would replace."""
    conn = database.connection()
    query = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s"
    number: int = conn.query(query, (database.schema_name(),)).fetchone()[0]
    return number


def restore(file: Path) -> None:
    """Replace the schema by what is in a backup that `read_about` accepted.

    PostgreSQL does so at once or not at all. MySQL can't: after a failure, restore again.

    Raises
    ------
    DatabaseError
        If a tool is missing or fails.
    """
    conn = database.connection()
    schema = conn.adapter.quote_identifier(database.schema_name())
    if conn.adapter.backend == "postgresql":
        tool = postgresql_tool("psql")
        with database.lock(conn), file.open("rb") as stream, _postgresql(conn) as environment:
            drop = f"DROP SCHEMA IF EXISTS {schema} CASCADE"
            options = ["--no-psqlrc", "--quiet", "--single-transaction", "--output", os.devnull]
            _run(
                [tool, *options, "--set", "ON_ERROR_STOP=1", "--command", drop, "--file", "-"],
                "psql",
                stdin=stream,
                env=environment,
            )
        return
    command, options_file = _mysql(conn, "mysql")
    with database.lock(conn), file.open("rb") as stream, tempfile.TemporaryFile() as given:
        conn.query(f"DROP DATABASE IF EXISTS {schema}")
        conn.query(f"CREATE DATABASE {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        given.write(options_file)
        shutil.copyfileobj(stream, given)
        given.seek(0)
        _run([*command, database.schema_name()], "mysql", stdin=given)


def postgresql_tool(name: str) -> str:
    """Return PostgreSQL's program: the embedded server's, which also knows older servers.

    That one is built without TLS, and images have none: then it is the one on PATH.
    """
    with suppress(ImportError):
        versions = embedded.wheel().POSTGRES_VERSIONS
        if not access.tls_is_required():
            return str(versions[max(versions)] / name)
    path = shutil.which(name)
    if not path:
        raise database.DatabaseError(
            f"{name} is needed and not on PATH: install PostgreSQL's client (package "
            "postgresql-client)"
        )
    return path


def _dump(conn: Any, stream: IO[bytes]) -> None:
    name = database.schema_name()
    if conn.adapter.backend == "postgresql":
        pattern = conn.adapter.quote_identifier(name)  # in quotes, * is no wildcard
        options = ["--no-owner", "--no-privileges", "--schema", pattern]
        with _postgresql(conn) as environment:
            _run([postgresql_tool("pg_dump"), *options], "pg_dump", stdout=stream, env=environment)
        return
    command, options_file = _mysql(conn, "mysqldump")
    options = ["--single-transaction", "--no-tablespaces", "--set-gtid-purged=OFF", "--hex-blob"]
    with tempfile.TemporaryFile() as given:
        given.write(options_file)
        given.seek(0)
        _run([*command, *options, name], "mysqldump", stdin=given, stdout=stream)


@contextmanager
def _postgresql(conn: Any) -> Iterator[dict[str, str]]:
    """Yield the environment in which libpq finds server and password."""
    info = conn.conn_info
    with tempfile.TemporaryDirectory(prefix="bossflow-") as directory:
        password = Path(directory, "pgpass")
        escaped = str(info["passwd"]).replace("\\", "\\\\").replace(":", "\\:")
        with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(f"*:*:*:*:{escaped}\n")
        environment = {
            "PGHOST": info["host"],
            "PGPORT": str(info["port"]),
            "PGUSER": info["user"],
            "PGDATABASE": info["database_name"] or "postgres",
            "PGPASSFILE": str(password),
        }
        if access.tls_is_required():
            environment["PGSSLMODE"] = "require"
        elif dj.config.database.use_tls is False:
            environment["PGSSLMODE"] = "disable"
        yield os.environ | environment


def _mysql(conn: Any, tool: str) -> tuple[list[str], bytes]:
    """Return the command of a tool of MySQL, and what must come first on its standard input."""
    info = conn.conn_info
    host, port, prefix = info["host"], info["port"], []
    if not _is_mysqls(tool):
        prefix, host, port = _compose(info), "127.0.0.1", 3306
    if not shutil.which(tool) and not prefix:
        raise database.DatabaseError(
            f"MySQL's {tool} is needed and not on PATH: install MySQL's client (package "
            "mysql-client; MariaDB's is another)"
        )
    values = {"host": host, "port": port, "user": info["user"], "password": info["passwd"]}
    values |= {"protocol": "tcp", "default-character-set": "utf8mb4"}
    if access.tls_is_required():
        values["ssl-mode"] = "REQUIRED"
    if access.tls_authority():
        values |= {"ssl-mode": "VERIFY_IDENTITY", "ssl-ca": access.tls_authority()}
    lines = ["[client]"]
    for name, value in values.items():
        escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'{name}="{escaped}"')
    options = ("\n".join(lines) + "\n").encode()
    return [*prefix, "sh", "-c", WITH_OPTIONS, "sh", str(len(options)), tool], options


def _is_mysqls(tool: str) -> bool:
    """Say whether a tool is on PATH, and not MariaDB's, which reads and writes other dumps."""
    if not shutil.which(tool):
        return False
    done = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and "MariaDB" not in done.stdout


def _compose(info: dict[str, Any]) -> list[str]:
    """Return what runs a command beside docker compose's server, if it is that one."""
    settings = find_config_file()
    if settings is None or not shutil.which("docker"):
        return []
    file = settings.parent / "docker-compose.yml"
    compose = ["docker", "compose", "--project-directory", str(file.parent), "--file", str(file)]
    command = [*compose, "port", "database", "3306"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.stdout.strip() != f"{info['host']}:{info['port']}":
        return []
    return [*compose, "exec", "-T", "database"]


def _run(command: list[str], name: str, **how: Any) -> None:
    done = subprocess.run(command, stderr=subprocess.PIPE, check=False, **how)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise database.DatabaseError(f"{name} failed: {lines[-1]}")
