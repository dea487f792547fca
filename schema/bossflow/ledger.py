"""What is recorded: which units of which requests, and where their bundles are."""

import functools
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import datajoint as dj

from . import database, migrations, work
from .kit import buckets, bundles
from .tables import Execution, Reading, Request, schema
from .work import UnitPlan

KEYS_PER_QUERY = 1000


class Recorded(NamedTuple):
    """A recorded unit: the digest of its content, and the execution that made it.

    `copies` tell which stores have its bundle, and where in them; none has, if it was recorded
    before stores had ids and none has claimed it since. `reading_version` and `files_seen` are
    those of `Reading`, if it has one.
    """

    content_sha256: str
    bundle_url: str
    run_id: str
    execution_id: str
    manifest_sha256: str
    reading_version: str | None = None
    files_seen: str | None = None
    copies: tuple[tuple[str, str], ...] = ()


OF_EXECUTION = Recorded._fields[:5]
"""Columns of `Execution` among these."""

_bound: set[Any] = set()  # table classes that are known to be in the database


def open_schema(workflows: Iterable[work.Workflow]) -> None:
    """Connect and bind the core's tables and these workflows'; deploy what the embedded one lacks.

    Raises
    ------
    DatabaseError
        If the database can't be reached, or a team's has tables of another version.
    NotDeployed
        If a team's database lacks some of them; others that it lacks hold nobody up.
    """
    conn = database.connection()
    names = [workflow.__name__ for workflow in workflows]
    of = {cls: _workflow_of(cls, names) for cls, _ in schema.tables}
    needed = {cls: name for cls, name in of.items() if name is not None}
    if needed.keys() <= _bound:
        return
    embedded = database.server().embedded
    version = migrations.deployed(conn)
    if version is not None and version < migrations.VERSION and embedded:
        migrations.migrate()
        print(
            f"note: the embedded database is now of version {migrations.VERSION}", file=sys.stderr
        )
    elif version is not None:
        migrations.check(version)
    if version is not None:
        _bind(conn)
    lacking = {name for cls, name in needed.items() if cls not in _bound}
    if lacking and not embedded:
        raise migrations.not_deployed(names if "" in lacking else sorted(lacking), "" in lacking)
    if lacking:
        migrations.deploy()
        _bind(conn)


def _workflow_of(cls: Any, names: list[str]) -> str | None:
    """Return which of these workflows a table is of; "" for the core's, None for any other's."""
    module = cls.__module__
    if module.rpartition(".")[0] == __package__:
        return ""
    return next((name for name in names if f"{module}.".startswith(f"{name}.")), None)


def _bind(conn: Any) -> None:
    """Bind the table classes to a schema that is there, and note those whose tables are whole."""
    if not schema.is_activated():
        schema.activate(database.schema_name(), connection=conn)
    present = migrations.whole(conn)
    for cls, _ in schema.tables:
        if {table.table_name for table in migrations.parts(cls)} <= present:
            _bound.add(cls)


def opened(name: str) -> work.Workflow:
    """Import a workflow's module, and bind its tables.

    Raises
    ------
    NotInstalled, NotDeployed
        If it can't be used here.
    """
    workflow = work.load(name)
    open_schema([workflow])
    return workflow


def known_workflows() -> list[work.Workflow]:
    """Return the package's workflows and all others with recorded requests, but `left_out`."""
    names = {*work.names(), *_asked()}
    left = left_out(names)
    return [work.load(name) for name in sorted(names - left.keys())]


def _asked() -> set[str]:
    """Return the workflows that have requests here."""
    return set(map(str, (dj.U("workflow") & Request()).to_arrays("workflow")))


def left_out(names: Iterable[str]) -> dict[str, str]:
    """Return those of the workflows that can't be used here, and why (`not installed`, ...)."""
    left = {}
    for name in sorted(names):
        try:
            opened(name)
        except (work.NotInstalled, migrations.NotDeployed) as error:
            left[name] = error.why
    return left


def refuse_unknown(table: Any) -> None:
    """Refuse rows, if there are any, of a table of the schema that no workflow here knows.

    Raises
    ------
    NotInstalled
        If there are any.
    """
    left = left_out(_asked())
    known = {
        part.full_table_name
        for cls, _ in schema.tables
        if _workflow_of(cls, [*left]) in (None, "")
        for part in migrations.parts(cls)
    }
    place = schema.database, table.table_name
    if table.full_table_name in known or (table.database, table.table_name) != place or not table:
        return
    named = ", ".join(f"{name} is {why} here" for name, why in left.items())
    raise work.NotInstalled(
        f"rows of table {table.table_name} depend on what would go, and no workflow that can be "
        f"used here knows them{named and f' ({named})'}: put its module on PYTHONPATH, or run "
        "`bossflow db deploy --workflow MODULE`"
    )


@functools.cache
def execution_attribute(table: Any) -> str:
    """Return the column of a stage table that refers to the Execution which filled it."""
    for name, link in table().parents(foreign_key_info=True):
        if name == Execution.full_table_name:
            (attribute,) = link["attr_map"]
            return str(attribute)
    raise ValueError(f"{table.__name__} does not refer to Execution: a stage table must")


LISTED = {
    "request": "`bossflow status`",
    "channel": "`bossflow.Channel()` in Python",
    "store": "`bossflow stores`",
}
"""Where users find the ids of a table."""


def named(table: Any, start: str) -> str:
    """Return the one id of a table (`Request`, `Channel`, `Store`) that starts so.

    Raises
    ------
    ValueError
        If none or several do.
    """
    name, (attribute,) = table.table_name, table().primary_key
    found = []
    if re.fullmatch("[0-9a-f]+", start):  # nothing that LIKE or a quote would mean otherwise
        found = (table() & f"{attribute} LIKE '{start}%'").to_arrays(attribute).tolist()
    if len(found) != 1:
        those = f"{len(found):,} {name}s have ids" if found else f"no {name} has an id"
        raise ValueError(f"{those} starting with {start!r}: see {LISTED[name]}")
    return str(found[0])


def lost(directories: Iterable[Path]) -> tuple[set[Path], set[Path]]:
    """Return those directories of bundles that hold none, and those that can't be looked into.

    Their stores must be here. What is closed to this user, who knows what it holds?
    """
    found, closed, in_buckets = set(), set(), []
    for directory in directories:
        if buckets.holds(directory):
            in_buckets.append(directory)
            continue
        try:
            os.stat(f"{directory}/{bundles.MANIFEST}")
        except (FileNotFoundError, NotADirectoryError):
            found.add(directory)
        except OSError:
            closed.add(directory)
    there = buckets.at_once(bundles.there, in_buckets)
    found |= {path for path, is_there in zip(in_buckets, there, strict=True) if not is_there}
    return found, closed


def recorded(table: Any, keys: list[dict[str, Any]]) -> dict[tuple[Any, ...], Recorded]:
    """Return those of the keys that a stage table holds; linear in the number of keys.

    Returns
    -------
    dict
        Key values, in the order of the table's primary key, to what is recorded.
    """
    conn, names = table().connection, list(table().primary_key)
    wanted = [tuple(key[name] for name in names) for key in keys]
    # What all keys share is compared once. Of the rest, the column that tells most keys apart is
    # looked up, which finds the index; whole keys, PostgreSQL would compare one by one.
    values = dict(zip(names, map(set, zip(*wanted, strict=True)), strict=False))
    same = {name: next(iter(some)) for name, some in values.items() if len(some) == 1}
    telling = max(values, key=lambda name: len(values[name]), default=None)
    quote = conn.adapter.quote_identifier
    columns = [f"t.{quote(name)}" for name in names]
    columns += [f"e.{name}" for name in OF_EXECUTION]
    columns += ["r.reading_version", "r.files_seen"]
    columns += ["c.store_id", "c.copy_path"]
    conditions = [f"t.{quote(name)} = %s" for name in same]
    listed: list[Any] = []
    if telling is not None and telling not in same:
        conditions.append(f"t.{quote(telling)} IN %s")
        listed = list(values[telling])
    query = (
        f"SELECT {', '.join(columns)} FROM {table.full_table_name} t "
        f"JOIN {Execution.full_table_name} e "
        f"ON e.execution_id = t.{quote(execution_attribute(table))} "
        f"LEFT JOIN {Reading.full_table_name} r ON r.execution_id = e.execution_id "
        f"LEFT JOIN {Execution.Copy.full_table_name} c ON c.execution_id = e.execution_id "
        f"WHERE {' AND '.join(conditions)}"
    )
    found: dict[tuple[Any, ...], Recorded] = {}
    asked = set(wanted)
    for start in range(0, len(listed) or len(asked), KEYS_PER_QUERY):
        some = tuple(listed[start : start + KEYS_PER_QUERY])
        given = (*same.values(), *([some] if some else []))
        for row in conn.query(query, given).fetchall():
            key, (*told, store, path) = row[: len(names)], row[len(names) :]
            if key in asked:
                before = found[key].copies if key in found else ()
                copies = ((str(store), str(path)),) if store else ()
                found[key] = Recorded._make([*told, before + copies])
    return found


def recorded_units(tables: dict[str, Any], units: Iterable[UnitPlan]) -> dict[str, Recorded]:
    """Return unit id to what is recorded of it, for those that are recorded."""
    by_process: dict[str, list[UnitPlan]] = defaultdict(list)
    for unit in units:
        by_process[unit.process].append(unit)
    found = {}
    for process, group in by_process.items():
        table = tables[process]
        names = table().primary_key
        there = recorded(table, [unit.key for unit in group])
        for unit in group:
            known = there.get(tuple(unit.key[name] for name in names))
            if known:
                found[unit.unit_id] = known
    return found


def progress(units: list[UnitPlan], found: dict[str, Recorded]) -> dict[str, tuple[int, int]]:
    """Return process to how many of its units are recorded, and how many there are."""
    counts: dict[str, tuple[int, int]] = {}
    for unit in units:
        done, total = counts.get(unit.process, (0, 0))
        counts[unit.process] = done + (unit.unit_id in found), total + 1
    return counts
