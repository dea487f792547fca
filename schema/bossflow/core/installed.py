"""Which workflows can be used here: their modules are found, and their tables are bound."""

import contextlib
import sys
from collections.abc import Iterable
from typing import Any

import datajoint as dj

from .. import database
from . import given, migrations, registry, work
from .tables import Request, schema

_bound: set[Any] = set()  # table classes that are known to be in the database
_whole: set[tuple[frozenset[str], int]] = set()
"""Workflows of which all tables are bound, when there were so many."""


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
    wanted = {workflow.module: workflow.name for workflow in registry.with_used(workflows)}
    asked = frozenset(wanted), len(schema.tables)
    if asked in _whole:
        return
    of = {cls: _workflow_of(cls, wanted) for cls, _ in schema.tables}
    needed = {cls: name for cls, name in of.items() if name is not None}
    if needed.keys() <= _bound:
        _whole.add(asked)
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
    older = version is not None and version < migrations.VERSION
    lacking = {name for cls, name in needed.items() if cls not in _bound}
    if lacking and not embedded:
        names = list(wanted.values())
        raise migrations.not_deployed(names if "" in lacking else sorted(lacking), "" in lacking)
    if lacking:
        migrations.deploy()
        _bind(conn)
    if older:
        fill()


def _workflow_of(cls: Any, workflows: dict[str, str]) -> str | None:
    """Return which of these workflows a table is of; "" for the core's, None for any other's.

    `workflows` are modules with their workflow's name.
    """
    module = f"{cls.__module__}."
    package = __name__.partition(".")[0]
    if module.startswith(f"{package}.") and not module.startswith(f"{registry.PACKAGE}."):
        return ""
    return next((name for own, name in workflows.items() if module.startswith(f"{own}.")), None)


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
    workflow = registry.load(name)
    open_schema([workflow])
    return workflow


def fill() -> None:
    """Have all workflows tell what older versions did not record of requests."""
    from . import beside  # with pyarrow, which nothing else here needs

    for workflow in known_workflows():
        given.fill(workflow)
        beside.fill(workflow)


def known_workflows() -> list[work.Workflow]:
    """Return all workflows that are installed, or have requests here, but those `left_out`."""
    names = {*registry.names(), *_asked()}
    left = left_out(names)
    return [*dict.fromkeys(registry.load(name) for name in sorted(names - left.keys()))]


def _asked() -> set[str]:
    """Return the workflows that have requests here."""
    return set(map(str, (dj.U("workflow") & Request()).to_arrays("workflow")))


def left_out(names: Iterable[str]) -> dict[str, str]:
    """Return those of the workflows that can't be used here, and why (`not installed`, ...)."""
    left = {}
    for name in sorted(names):
        try:
            opened(name)
        except (registry.NotInstalled, migrations.NotDeployed) as error:
            left[name] = error.why
    return left


def refuse_unknown(table: Any) -> None:
    """Refuse rows, if there are any, of a table of the schema that no workflow here knows.

    Raises
    ------
    NotInstalled
        If there are any.
    """
    left, modules = left_out(_asked()), {}
    for name in left:
        with contextlib.suppress(registry.NotInstalled):
            modules[registry.load(name).module] = name
    known = {
        part.full_table_name
        for cls, _ in schema.tables
        if _workflow_of(cls, modules) in (None, "")
        for part in migrations.parts(cls)
    }
    place = schema.database, table.table_name
    if table.full_table_name in known or (table.database, table.table_name) != place or not table:
        return
    named = ", ".join(f"{name} is {why} here" for name, why in left.items())
    raise registry.NotInstalled(
        f"rows of table {table.table_name} depend on what would go, and no workflow that can be "
        f"used here knows them{named and f' ({named})'}: put its module on PYTHONPATH, or run "
        "`bossflow db deploy --workflow MODULE`"
    )
