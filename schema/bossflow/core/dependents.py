"""What depends on results: along the foreign keys, and by the places that were read."""

from collections.abc import Iterable
from typing import Any

import datajoint as dj

from .. import database
from . import cascade, installed, ledger, migrations, registry
from .cascade import Cascade
from .made_for import requests_with
from .tables import Execution


def dependents(executions: Iterable[str]) -> dict[str, str]:
    """Return every execution whose result depends on the given ones, these included.

    Follows the foreign keys from row to row, as a cascading delete does, and takes in the
    executions of the rows that would go, until there is nothing more. A part's row takes its
    master with it.

    Parameters
    ----------
    executions : iterable of str
        Execution ids.

    Returns
    -------
    dict
        Execution id to its bundle's URL.

    Raises
    ------
    NotInstalled
        If rows depend on them that no workflow here knows.
    """
    return bundles_of(going_with(executions)[1])


def going_with(executions: Iterable[str]) -> tuple[Cascade, cascade.Rows]:
    """Return the rows that go with executions, and what deletes them."""
    return reached({Execution.full_table_name: {(name,) for name in executions}})


def reached(start: cascade.Rows) -> tuple[Cascade, cascade.Rows]:
    """Return the rows that go with some, these included, and what deletes them.

    Raises
    ------
    NotInstalled
        If rows depend on them that no workflow here knows.
    """
    conn = database.connection()
    tables = _filled()
    made_by = {table.full_table_name: ledger.execution_attribute(table) for table in tables}
    going = Cascade(conn, made_by)
    rows: cascade.Rows = {}
    for table, keys in start.items():
        for name, some in going.reached(table, keys).items():
            rows[name] = rows.get(name, set()) | some
    known = {part.full_table_name for table in tables for part in migrations.parts(table)}
    for name in sorted(rows.keys() - known):
        installed.refuse_unknown(dj.FreeTable(conn, name))
    return going, rows


def bundles_of(rows: cascade.Rows) -> dict[str, str]:
    """Return the executions among rows, and their bundles' URLs."""
    names = (name for (name,) in rows.get(Execution.full_table_name, ()))
    bundles = ledger.among(Execution.proj("bundle_url"), "execution_id", names)
    return {row["execution_id"]: row["bundle_url"] for row in bundles}


def with_pulled(chosen: set[str]) -> set[str]:
    """Return executions with what was made of the places from which they pulled.

    It must be made again with what is pulled, of which no foreign key tells: others may read the
    same in place.
    """
    made, conn = set(chosen), database.connection()
    for table in registry.stage_tables(installed.known_workflows()).values():
        if not getattr(table, "pulled", False):
            continue
        (place,) = table().parents(primary=True)
        made_by = ledger.execution_attribute(table)
        for some in database.pieces(chosen):
            again = table() & [{made_by: name} for name in some]
            made |= made_of(dj.FreeTable(conn, place) & again.proj())
    return made


def made_of(places: Any) -> set[str]:
    """Return the executions that made something straight from rows of a table, such as blocks.

    By the keys of what they made, or by its parts: of a block also what saw a plane of it.

    Raises
    ------
    NotInstalled
        If something was that no workflow here knows.
    """
    chosen: set[str] = set()
    for name in places.children():
        installed.refuse_unknown(dj.FreeTable(places.connection, name) & places.proj())
    for table in _filled():
        made_by = ledger.execution_attribute(table)
        if places.full_table_name in table().parents():
            chosen |= set((table() & places.proj()).to_arrays(made_by))
        for part in migrations.parts(table)[1:]:
            for name, link in part().parents(foreign_key_info=True):
                if name == places.full_table_name:
                    named = {own: of for own, of in link["attr_map"].items() if own != of}
                    rows = part() & places.proj(**named)
                    chosen |= set((table() & rows.proj()).to_arrays(made_by))
    return chosen


def _filled() -> list[Any]:
    """Return the tables whose rows executions fill: stage tables, and what is made beside these."""
    workflows = installed.known_workflows()
    beside = dict.fromkeys(registry.made_by_process(workflows).values())
    return [*registry.stage_tables(workflows).values(), *beside]


def stages_of(place: Any) -> list[Any]:
    """Return the stage tables whose rows are made straight from those of a table."""
    tables = registry.stage_tables(installed.known_workflows()).values()
    return [table for table in tables if place.full_table_name in table().parents()]


def requests_of(executions: Iterable[str]) -> list[str]:
    """Return ids of the requests whose own results these executions made."""
    chosen = list(executions)
    ids = requests_with(chosen)
    for table in registry.stage_tables(installed.known_workflows()).values():
        if "request_id" in table().primary_key:
            made_by = ledger.execution_attribute(table)
            rows = ledger.among(table.proj(made_by), made_by, chosen)
            ids |= {row["request_id"] for row in rows}
    return sorted(ids)
