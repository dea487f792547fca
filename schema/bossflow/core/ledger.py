"""What is recorded: which units of which requests, and where their bundles are."""

import functools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from .. import database
from ..kit import buckets, bundles, locations
from . import given, work
from .tables import Execution, Reading, Request
from .work import UnitPlan

UNITS_AT_ONCE = 20_000  # of requests that are looked at together

Planned = dict[str, tuple[work.Request, list[UnitPlan]]]
"""By id, requests with their units, for whoever has them already."""


class Recorded(NamedTuple):
    """A recorded unit: the digest of its content, and the execution that made it.

    `copies` tell which stores have its bundle, and where in them; none has, if it was recorded
    before stores had ids and none has claimed it since. `reading_version` and `files_seen` are
    those of `Reading`, if it has one. `dropped` says that its bundle was deleted from a store to
    save space: it is made again when something is to be made of it, and not before.
    """

    content_sha256: str
    bundle_url: str
    run_id: str
    execution_id: str
    manifest_sha256: str
    environment_id: str
    execution_seconds: float
    bundle_bytes: int
    reading_version: str | None = None
    files_seen: str | None = None
    copies: tuple[tuple[str, str], ...] = ()
    dropped: bool = False


OF_EXECUTION = Recorded._fields[:8]
"""Columns of `Execution` among these."""


@functools.cache
def execution_attribute(table: Any) -> str:
    """Return the column of a stage table that refers to the Execution which filled it."""
    for again in (False, True):
        if again:  # another process may have made the table since they were loaded
            table().connection.dependencies.load(force=True)
        for name, link in table().parents(foreign_key_info=True):
            if name == Execution.full_table_name:
                (attribute,) = link["attr_map"]
                return str(attribute)
    raise ValueError(f"{table.__name__} does not refer to Execution: a stage table must")


LISTED = {
    "request": "`bossflow status`",
    "channel": "`bossflow channels`",
    "store": "`bossflow stores`",
}
"""Where users find the ids of a table."""


def named(table: Any, start: str) -> str:
    """Return the one id of a table (`Request`, `Channel`, `Store`) that starts so.

    A request may also be given by its name; where an id of another one starts so, neither is
    guessed. A whole id is that one, whatever is called so.

    Raises
    ------
    ValueError
        If none or several do.
    """
    name, (attribute,) = table.table_name, table().primary_key
    ids: list[Any] = []
    if re.fullmatch("[0-9a-f]+", start):  # nothing that LIKE or a quote would mean otherwise
        ids = (table() & f"{attribute} LIKE '{start}%'").to_arrays(attribute).tolist()
    if table is Request and start.isprintable() and ids != [start]:
        query = f"SELECT request_id FROM {Request.Name.full_table_name} WHERE request_name = %s"
        called = {row[0] for row in table().connection.query(query, (start,)).fetchall()}
        ids = sorted({*ids, *called})
        if called and len(ids) > 1:
            raise ValueError(
                f"{len(ids):,} requests are called {start!r}, or have ids that start so: give "
                f"more of the id ({', '.join(ids[:3])}{' …' * (len(ids) > 3)})"
            )
    if len(ids) != 1:
        those = f"{len(ids):,} {name}s have ids" if ids else f"no {name} has an id"
        or_name = ", or that name" * (table is Request)
        raise ValueError(f"{those} starting with {start!r}{or_name}: see {LISTED[name]}")
    return str(ids[0])


def lost(directories: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return those directories of bundles that hold none, and those that can't be looked into.

    Their stores must be here. What is closed to this user, who knows what it holds?
    """
    gone, closed, in_buckets = set(), set(), []
    for directory in directories:
        if buckets.holds(directory):
            in_buckets.append(directory)
            continue
        try:
            os.stat(f"{directory}/{locations.MANIFEST}")
        except (FileNotFoundError, NotADirectoryError):
            gone.add(directory)
        except OSError:
            closed.add(directory)
    exist = buckets.at_once(bundles.there, map(Path, in_buckets))
    gone |= {path for path, is_there in zip(in_buckets, exist, strict=True) if not is_there}
    return gone, closed


def values_of(names: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the values of some columns, by name or number, out of a row, as a tuple."""
    only = names[0]
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[only],)


def look_up(
    table: Any, keys: Iterable[dict[str, Any]], columns: Sequence[str] = (), joins: str = ""
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table that have these keys: linear in their number.

    Each is found by all of its key, through the primary key's index, whatever else is in the table,
    and what is joined by what was found.

    Parameters
    ----------
    table : table class
        `t` in the SQL of the others.
    keys : iterable of dict
        With a value for each column of its primary key.
    columns : sequence of str
        What is wanted beside the primary key, in the order of which its values come first.
    joins : str
        Tables that are joined.
    """
    conn, names = table().connection, table().primary_key
    quoted = [conn.adapter.quote_identifier(name) for name in names]
    chosen = ", ".join([*(f"t.{name}" for name in quoted), *columns])
    asked = dict.fromkeys(map(values_of(names), keys))
    postgresql = conn.adapter.backend == "postgresql"
    if postgresql:
        # a loop, by OFFSET: for many keys, PostgreSQL would rather read whole tables
        given = ", ".join(f"%s::{table().heading[name].type}[]" for name in names)
        same = " AND ".join(f"t.{name} = k.{name}" for name in quoted)
        query = (
            f"SELECT found.* FROM unnest({given}) AS k ({', '.join(quoted)}) CROSS JOIN LATERAL "
            f"(SELECT {chosen} FROM {table.full_table_name} t {joins} WHERE {same} OFFSET 0) found"
        )
    else:
        whole = ", ".join(f"t.{name}" for name in quoted)
        query = (
            f"SELECT {chosen} FROM {table.full_table_name} t FORCE INDEX (PRIMARY) {joins} "
            f"WHERE ({whole}) IN %s"
        )
    size = 4 * database.limits.PIECE if postgresql else None  # to plan a loop takes it 5 ms
    for some in database.pieces(asked, size):
        values = tuple(map(list, zip(*some, strict=True))) if postgresql else (tuple(some),)
        for row in conn.query(query, values).fetchall():
            if row[: len(names)] in asked:  # a longer text is cut to what its column holds
                yield row


def among(rows: Any, attribute: str, values: Iterable[Any]) -> list[dict[str, Any]]:
    """Return those rows of which an attribute is among values, however many these are."""
    matching: list[dict[str, Any]] = []
    for some in database.pieces(values):
        matching += (rows & [{attribute: value} for value in some]).to_dicts()
    return matching


def recorded(table: Any, keys: Iterable[dict[str, Any]]) -> dict[tuple[Any, ...], Recorded]:
    """Return those of the keys that a stage table holds; linear in the number of keys.

    Returns
    -------
    dict
        Key values, in the order of the table's primary key, to what is recorded.
    """
    quote = table().connection.adapter.quote_identifier
    columns = [f"e.{name}" for name in OF_EXECUTION]
    columns += ["r.reading_version", "r.files_seen"]
    columns.append(
        f"EXISTS (SELECT 1 FROM {Execution.Dropped.full_table_name} d "
        "WHERE d.execution_id = e.execution_id) AS is_dropped"
    )
    columns += ["c.store_id", "c.copy_path"]
    joins = (
        f"JOIN {Execution.full_table_name} e "
        f"ON e.execution_id = t.{quote(execution_attribute(table))} "
        f"LEFT JOIN {Reading.full_table_name} r ON r.execution_id = e.execution_id "
        f"LEFT JOIN {Execution.Copy.full_table_name} c ON c.execution_id = e.execution_id"
    )
    by_key: dict[tuple[Any, ...], Recorded] = {}
    number = len(table().primary_key)
    for row in look_up(table, keys, columns, joins):
        key, (*told, dropped, store, path) = row[:number], row[number:]
        before = by_key[key].copies if key in by_key else ()
        copies = ((str(store), str(path)),) if store else ()
        by_key[key] = Recorded._make([*told, before + copies, bool(dropped)])
    return by_key


def recorded_units(tables: dict[str, Any], units: Iterable[UnitPlan]) -> dict[str, Recorded]:
    """Return unit id to what is recorded of it, for those that are recorded."""
    by_process: dict[str, list[UnitPlan]] = defaultdict(list)
    for unit in units:
        by_process[unit.process].append(unit)
    by_unit = {}
    for process, group in by_process.items():
        table = tables[process]
        values = values_of(table().primary_key)
        by_key = recorded(table, [unit.key for unit in group])
        for unit in group:
            known = by_key.get(values(unit.key))
            if known:
                by_unit[unit.unit_id] = known
    return by_unit


def with_units(
    workflow: work.Workflow, request_ids: Iterable[str], planned: Planned | None = None
) -> Iterator[list[tuple[work.Request, list[UnitPlan]]]]:
    """Yield requests of a workflow with their units, in their order, as many as are held at once.

    Those that are `planned` are taken from there.
    """
    names, planned = list(request_ids), planned or {}
    others = given.recalled(workflow, [name for name in names if name not in planned])
    group: list[tuple[work.Request, list[UnitPlan]]] = []
    number = 0
    for name in names:
        if name in planned:
            group.append(planned[name])
        else:
            request = next(others)
            group.append((request, workflow.units(request)))
        number += len(group[-1][1])
        if len(group) == database.limits.PIECE or number > UNITS_AT_ONCE:
            yield group
            group, number = [], 0
    if group:
        yield group


def missing(
    units: dict[str, UnitPlan], bundles_here: Mapping[str, object], recorded: dict[str, Recorded]
) -> dict[str, UnitPlan]:
    """Return the units that tasks are made for: also those of which rows are to be added.

    Of those that were dropped, these that something missing is made of. What is recorded and made
    otherwise each time is not made again, wherever it is.
    """
    left = {
        name: unit
        for name, unit in units.items()
        if (unit.add_rows if name in bundles_here else unit.exact or name not in recorded)
    }
    dropped = {name for name in left if name in recorded and recorded[name].dropped}
    dropped -= bundles_here.keys()
    if dropped:
        needed: set[str] = set()
        through: dict[str, UnitPlan] = {}  # each once, however many units open what it is made from
        for name, unit in reversed(left.items()):  # what is made of others before these
            if name not in bundles_here and (name not in dropped or name in needed):
                needed.update(given.unit_id for given in unit.inputs)
                if unit.through:
                    for given in unit.inputs:
                        if given.unit_id not in through:
                            needed.update(opened.unit_id for opened in given.inputs)
                    through |= {given.unit_id: given for given in unit.inputs}
        left = {name: unit for name, unit in left.items() if name not in dropped - needed}
    return left


def progress(units: list[UnitPlan], recorded: dict[str, Recorded]) -> dict[str, tuple[int, int]]:
    """Return process to how many of its units are recorded, and how many there are."""
    counts: dict[str, tuple[int, int]] = {}
    for unit in units:
        done, total = counts.get(unit.process, (0, 0))
        counts[unit.process] = done + (unit.unit_id in recorded), total + 1
    return counts
