"""Two results that are no volumes: which of their rows and files are the same.

A unit's content digest says of what, and for which request, it was made; rows and files don't.
"""

from collections.abc import Iterator
from typing import Any

from ..core import holdings, installed, ledger, migrations, registry
from ..core.tables import Request
from ..kit.texts import key_name

SHOWN = 10
"""Keys and paths that are named of those that differ, at most."""

_SAME = "({0} = {1} OR {0} IS NULL AND {1} IS NULL)"


def compared(a: str, b: str, files: bool) -> dict[str, Any] | None:
    """Compare what two complete requests of one workflow made, by rows and by files.

    Parameters
    ----------
    a, b : str
        Ids.
    files : bool
        Whether bundles are looked at: they name each file with its sha256. None is read.

    Returns
    -------
    dict or None
        JSON values: `rows`, by part (such as `Mesh`), of those that the database lists, and
        `files` (None if they are not looked at), each with the numbers `equal`, `differ`, `only_a`
        and `only_b`, and `named`: by the last three, the first `SHOWN`. None where the two are of
        different workflows.

    Raises
    ------
    ValueError
        If a bundle is not here.
    """
    rows = ledger.among(Request.proj("workflow"), "request_id", {a, b})
    names = {row["workflow"] for row in rows}
    if len(names) > 1:
        return None
    workflow = installed.opened(names.pop())
    tables = registry.stage_tables([workflow])
    found = {
        name: told
        for table in tables.values()
        if table().primary_key == ["request_id"]
        for name, told in _of_parts(table, a, b)
    }
    if not files:
        return {"rows": found, "files": None}
    both = [_files(workflow, tables, name) for name in (a, b)]
    return {"rows": found, "files": _counted(*both)}


def _of_parts(table: Any, a: str, b: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parts of a table that list what was made, and how their rows differ."""
    for part in migrations.parts(table)[1:]:
        if part().parents() == [table.full_table_name]:  # another refers to what it was made of
            yield part.__name__, _rows(part(), a, b)


def _rows(part: Any, a: str, b: str) -> dict[str, Any]:
    conn, columns = part.connection, [*part.primary_key, *part.heading.secondary_attributes]
    keys = [name for name in part.primary_key if name != "request_id"]
    quoted = {name: conn.adapter.quote_identifier(name) for name in columns}
    same_key = " AND ".join(f"a.{quoted[name]} = b.{quoted[name]}" for name in keys)
    values = [quoted[name] for name in columns if name not in part.primary_key]
    same = " AND ".join(_SAME.format(f"a.{name}", f"b.{name}") for name in values) or "1 = 1"
    table, chosen = part.full_table_name, ", ".join(f"a.{quoted[name]}" for name in keys)

    def ask(what: str, where: str, *given: str) -> Any:
        return conn.query(f"SELECT {what} FROM {table} a {where}", given).fetchall()

    both = f"JOIN {table} b ON {same_key} WHERE a.request_id = %s AND b.request_id = %s"
    alone = (
        f"WHERE a.request_id = %s AND NOT EXISTS (SELECT 1 FROM {table} b "
        f"WHERE {same_key} AND b.request_id = %s)"
    )
    asked = {
        "differ": (f"{both} AND NOT ({same})", a, b),
        "only_a": (alone, a, b),
        "only_b": (alone, b, a),
    }
    told = {"equal": int(ask("count(*)", f"{both} AND {same}", a, b)[0][0])}
    told |= {name: int(ask("count(*)", *given)[0][0]) for name, given in asked.items()}
    first = {
        name: ask(chosen, f"{given[0]} ORDER BY {chosen} LIMIT {SHOWN}", *given[1:])
        for name, given in asked.items()
    }
    named = {
        name: [key_name(dict(zip(keys, map(str, row), strict=True))) for row in rows]
        for name, rows in first.items()
    }
    return told | {"named": named}


def _files(workflow: Any, tables: dict[str, Any], request: str) -> dict[str, str]:
    """Return the sha256 of the files that are a request's results, by what users may call them."""
    ((_, units),) = next(ledger.with_units(workflow, [request]))
    own = [unit for unit in units if "request_id" in unit.key]
    recorded = ledger.recorded_units(tables, own)
    bundles = [(unit, holdings.bundle_here(recorded[unit.unit_id])) for unit in own]
    results = [
        bundle.directory.joinpath(path).relative_to(bundle.store).as_posix()
        for _, bundle in bundles
        for path in bundle.manifest["urls"].values()
    ]
    inside = tuple(f"{path}/" for path in results)
    found = {}
    for unit, bundle in bundles:
        for entry in bundle.manifest["files"]:
            if entry["path"] in results or entry["path"].startswith(inside):
                process, _, unit_id, path = entry["path"].split("/", 3)
                key = {name: one for name, one in unit.key.items() if not name.endswith("_id")}
                of = f" {key_name(key)}" if key and unit_id == unit.unit_id else ""
                found[f"{process}{of}/{path}"] = entry["sha256"]
    return found


def _counted(a: dict[str, str], b: dict[str, str]) -> dict[str, Any]:
    shared = a.keys() & b.keys()
    names = {
        "differ": [name for name in shared if a[name] != b[name]],
        "only_a": [*(a.keys() - shared)],
        "only_b": [*(b.keys() - shared)],
    }
    told = {name: len(some) for name, some in names.items()}
    named = {name: sorted(some)[:SHOWN] for name, some in names.items()}
    return {"equal": len(shared) - told["differ"], **told, "named": named}
