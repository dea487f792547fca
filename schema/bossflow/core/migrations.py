"""The deployed tables: made where they are missing, of a version, brought up when they are older.

The first version carried none. Its tables are version 1.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import datajoint as dj
from datajoint.lineage import get_schema_lineages

from .. import __version__, database
from ..database import rights
from . import registry, score_tables, sweep_tables  # noqa: F401  # which are deployed with all
from .tables import Execution, Reading, Request, SchemaVersion, Store, schema


def _carry_a_version(conn: Any) -> None:
    _declare(conn, [SchemaVersion])


def _tell_places(conn: Any) -> None:
    """Add what tells where bundles are, and what was read; the next runs fill it."""
    _declare(conn, [Store, Execution, Reading])


def _name_and_drop(conn: Any) -> None:
    """Add names of requests, and what marks files that were dropped."""
    _declare(conn, [Request, Execution])


def _keep_given(conn: Any) -> None:
    """Add what requests were given; their workflows tell it then (`installed.fill`)."""
    _declare(conn, [Request])


def _made_apart(conn: Any) -> None:
    """Take from channels what never held anything: what is made has rows of its own.

    These are made at the end, with all tables; workflows tell them then (`installed.fill`).
    """
    quote, name = conn.adapter.quote_identifier, database.schema_name()
    channel, column = f"{quote(name)}.{quote('channel')}", "written_by"
    columns = (
        "SELECT 1 FROM information_schema.columns "
        "WHERE table_schema = %s AND table_name = 'channel' AND column_name = %s"
    )
    if conn.query(columns, (name, column)).fetchone():
        keys = (
            "SELECT constraint_name FROM information_schema.key_column_usage "
            "WHERE table_schema = %s AND table_name = 'channel' AND column_name = %s"
        )
        for (key,) in conn.query(keys, (name, column)).fetchall():
            kind = "CONSTRAINT" if conn.adapter.backend == "postgresql" else "FOREIGN KEY"
            conn.query(f"ALTER TABLE {channel} DROP {kind} {quote(key)}")
        conn.query(f"ALTER TABLE {channel} DROP COLUMN {quote(column)}")
    conn.query(
        f"DELETE FROM {quote(name)}.{quote('~lineage')} "
        "WHERE table_name = 'channel' AND attribute_name = %s",
        (column,),
    )


def _name_images(conn: Any) -> None:
    """Change nothing: the table of images that users name is made at the end, with all tables."""


def _cite_channels(conn: Any) -> None:
    """Change nothing: the table of how channels are cited is made at the end, with all tables."""


def _sweep_and_score(conn: Any) -> None:
    """Change nothing: the tables of sweeps and scores are made at the end, with all tables."""


STEPS: list[tuple[int, Callable[[Any], None]]] = [
    (2, _carry_a_version),
    (3, _tell_places),
    (4, _name_and_drop),
    (5, _keep_given),
    (6, _made_apart),
    (7, _name_images),
    (8, _cite_channels),
    (9, _sweep_and_score),
]
"""Version, and what makes it from the one before; oldest first.

A step keeps every row and is safe to run again after a kill at any point, as MySQL commits each
statement that changes a table at once. It names columns itself: classes change, it does not.
"""


class NotDeployed(database.DatabaseError):
    """Tables that are not there, or not whole."""

    why = "not deployed"


VERSION = STEPS[-1][0]
"""Version of the tables that this program works with."""


def deployed(conn: Any) -> int | None:
    """Return the version of the deployed tables; None if there are none.

    Whether all of them are there is another question.
    """
    name = database.schema_name()
    rows = conn.query(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = %s AND table_name IN ('run', 'schema_version')",
        (name,),
    )
    tables = {row[0] for row in rows.fetchall()}
    if "schema_version" in tables:
        quote = conn.adapter.quote_identifier
        table = f"{quote(name)}.{quote('schema_version')}"
        version: int | None = conn.query(f"SELECT MAX(schema_version) FROM {table}").fetchone()[0]
        if version is not None:
            return version
    return 1 if "run" in tables else None


def check(version: int) -> None:
    """Refuse tables of another version than this program's.

    Raises
    ------
    DatabaseError
        If they are older or newer, with what to do.
    """
    if version == VERSION:
        return
    what = "run `bossflow db backup`, then `bossflow db migrate` with a user who may create tables"
    if version > VERSION:
        what = "update bossflow"
    raise database.DatabaseError(
        f"schema {database.schema_name()} in {database.server().told} is of version {version}, "
        f"but bossflow {__version__} works with version {VERSION}: {what}"
    )


def deploy() -> None:
    """Create the schema and every table that is not there; safe to run again.

    Raises
    ------
    DatabaseError
        If there are tables of another version.
    """
    conn = database.connection()
    with database.lock(conn):
        version = deployed(conn)
        if version is not None:
            check(version)
        if conn.adapter.backend == "mysql":  # keys must tell MouseA from mousea
            quoted = conn.adapter.quote_identifier(database.schema_name())
            conn.query(
                f"CREATE DATABASE IF NOT EXISTS {quoted} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            )
        if version is None:  # first: tables without it would be version 1
            _declare(conn, [SchemaVersion])
            _note(VERSION)
        _declare(conn, (cls for cls, _ in schema.tables))


def migrate() -> list[int]:
    """Bring older tables up, a version at a time; return the versions that were made.

    Raises
    ------
    DatabaseError
        If nothing is deployed, or what is deployed is newer.
    """
    conn = database.connection()
    with database.lock(conn):
        version = deployed(conn)
        if version is None:
            raise not_deployed()
        if version > VERSION:
            check(version)
        todo = [(number, step) for number, step in STEPS if number > version]
        _declare(conn, [])
        for number, step in todo:
            step(conn)
            _note(number)
        _declare(conn, (cls for cls, _ in schema.tables))
    return [number for number, _ in todo]


def contents(conn: Any) -> dict[str, Any]:
    """Return `version` of what is deployed, its `bytes` and the number of `rows` of each table."""
    name, quote = database.schema_name(), conn.adapter.quote_identifier
    if conn.adapter.backend == "postgresql":
        sizes = (
            "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relkind = 'r' ORDER BY 1"
        )
    else:
        sizes = (
            "SELECT table_name, data_length + index_length FROM information_schema.tables "
            "WHERE table_schema = %s ORDER BY 1"
        )
    rows = conn.query(sizes, (name,)).fetchall()
    counts = {
        table: conn.query(f"SELECT COUNT(*) FROM {quote(name)}.{quote(table)}").fetchone()[0]
        for table, _ in rows
        if not table.startswith("~")  # DataJoint's own
    }
    size = sum(int(size or 0) for _, size in rows)
    return {"version": deployed(conn), "bytes": size, "rows": counts}


def not_deployed(workflows: Iterable[str] = (), core: bool = True) -> NotDeployed:
    """Return the error that says so, of these workflows' tables or also of the `core`'s."""
    names = list(workflows)
    what = f"schema {database.schema_name()}"
    if not core:
        what = f"workflow {' and '.join(names)} in {what}"
    command = "bossflow db deploy"
    command += "".join(f" --workflow {name}" for name in names if name not in registry.names())
    return NotDeployed(
        f"{what} is not deployed in {database.server().told}, or not whole, or not for this "
        f"user: run `{command}` with a user who may create tables, for another with --grant"
    )


def _note(version: int) -> None:
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    row = {"schema_version": version, "deployed": now, "deployed_by": __version__}
    SchemaVersion.insert1(row, skip_duplicates=True)


def whole(conn: Any) -> set[str]:
    """Return the names of the tables that were made to the end.

    DataJoint notes the lineage of a table's attributes last: one that has none was being made when
    a deployment was killed.
    """
    noted = get_schema_lineages(conn, database.schema_name())
    return {name.rsplit(".", 2)[1] for name in noted}


def parts(cls: Any) -> list[Any]:
    """Return a table class and those of its parts."""
    members = vars(cls).values()
    return [
        cls,
        *(part for part in members if isinstance(part, type) and issubclass(part, dj.Part)),
    ]


def _declare(conn: Any, classes: Iterable[Any]) -> None:
    """Bind the schema, and create tables that are not there, or not whole."""
    contexts = dict(schema.tables)
    schema.create_schema = True
    try:
        if not schema.is_activated():
            schema.activate(database.schema_name(), connection=conn)
        schema.create_tables = True
        whole_tables = whole(conn)
        for cls in classes:
            missing = [table for table in parts(cls) if table.table_name not in whole_tables]
            for table in reversed(missing):
                if table().is_declared and not table():
                    conn.query(f"DROP TABLE {table.full_table_name}")
            if missing:
                schema._decorate_master(cls, contexts[cls])
    finally:
        schema.create_schema = schema.create_tables = False
    rights.extend(conn)
