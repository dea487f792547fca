"""Forget results: bundles aside first, then rows, with all that was made of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

from .. import database
from ..database.insert import insert_absent
from ..kit import retiring
from . import holdings, installed, ledger, registry, stores
from .dependents import bundles_of, going_with, requests_of, with_pulled
from .tables import Execution, Request, Store

Copy = tuple[str, str | None]
"""An execution and a store that has its bundle; None where no store has claimed it."""


def forget(
    chosen: set[str], strays: Iterable[Path] = (), copies: Iterable[Copy] = ()
) -> tuple[int, int]:
    """Move bundles aside, then delete their executions and every row made from them.

    A kill in between leaves rows whose bundles are gone: the next run refuses them and names
    `bossflow invalidate --lost`. The other order would leave bundles that could come back. Those
    in a store that is away are set aside when it is met again.

    Parameters
    ----------
    chosen : set of str
        Execution ids; what depends on them is found under the lock, so that nothing that is
        recorded meanwhile is missed.
    strays : iterable of Path
        Bundles that are not recorded, or only since they were looked for.
    copies : iterable of (str, str)
        Bundles that are lost or damaged, which take along what lies within them: their executions
        stay while there are others of them.

    Returns
    -------
    tuple of int
        How many executions were forgotten, and how many bundles moved into `.retired`.
    """
    conn = database.connection()
    strays = list(strays)
    with database.lock(conn):
        copies = with_guests(copies)
        alone = nowhere_else(copies)
        going, gone = going_with(chosen | _recorded_at(strays) | with_pulled(alone))
        forgotten = set(bundles_of(gone))
        moved = set_aside(forgotten, strays, copies)
        with conn.transaction:
            kept = [copy for copy in copies if copy[0] not in forgotten]
            for some in database.pieces(kept):
                keys = [{"execution_id": name, "store_id": store} for name, store in some]
                (Execution.Copy() & keys).delete_quick()
            going.delete(gone)
    return len(forgotten), moved


def nowhere_else(chosen: Iterable[Copy]) -> set[str]:
    """Return the executions of which no other bundle is left than these."""
    chosen = set(chosen)
    names = {name for name, _ in chosen}
    left = {row["execution_id"] for row in holdings.copies(names) if copy_of(row) not in chosen}
    return names - left


def copy_of(row: dict[str, str]) -> Copy:
    """Return what a row of `Execution.Copy` is about."""
    return row["execution_id"], row["store_id"]


def with_guests(chosen: Iterable[Copy]) -> set[Copy]:
    """Return bundles with those in the same store whose files lie within these.

    Such as chunks of a volume, which the bundles of its blocks list: they are set aside with it.
    """
    together = set(chosen)
    rows = [
        row for row in holdings.copies(name for name, _ in together) if copy_of(row) in together
    ]
    hosts = {(row["store_id"], Path(row["copy_path"]).name) for row in rows}
    going = {unit_id for _, unit_id in hosts}
    by_workflow: dict[str, list[str]] = defaultdict(list)
    asked = requests_of(name for name, _ in together)
    for row in ledger.among(Request.proj("workflow"), "request_id", asked):
        by_workflow[row["workflow"]].append(row["request_id"])
    for name, own in by_workflow.items():
        workflow = installed.opened(name)
        for group in ledger.with_units(workflow, own):
            guests = {
                unit.unit_id: (unit, unit.within.unit_id)
                for _, units in group
                for unit in units
                if unit.within is not None and unit.within.unit_id in going
            }
            recorded = ledger.recorded_units(
                registry.stage_tables([workflow]), (unit for unit, _ in guests.values())
            )
            together |= {
                (bundle.execution_id, store)
                for unit_id, bundle in recorded.items()
                for store, _ in bundle.copies
                if (store, guests[unit_id][1]) in hosts
            }
    return together


def _recorded_at(directories: list[Path]) -> set[str]:
    """Return the executions whose bundles lie in these directories."""
    here, places = stores.Here(), set(directories)
    query = (
        f"SELECT execution_id, store_id, copy_path FROM {Execution.Copy.full_table_name} "
        "WHERE copy_path IN %s"  # which has no index: DataJoint would compare one by one
    )
    executions = set()
    for some in database.pieces({"/".join(path.parts[-3:]) for path in places}):
        for name, store, path in database.connection().query(query, (tuple(some),)).fetchall():
            if (place := here.path(store)) and place / path in places:
                executions.add(name)
    return executions


def set_aside(
    forgotten: Collection[str], strays: Iterable[Path] = (), copies: Collection[Copy] = ()
) -> int:
    """Set the bundles of executions aside, and single copies; to be called under the lock.

    Returns
    -------
    int
        How many bundles moved into `.retired`.
    """
    rows = holdings.copies({*forgotten, *(name for name, _ in copies)})
    rows = [row for row in rows if row["execution_id"] in forgotten or copy_of(row) in copies]
    unclaimed = set(forgotten) - {row["execution_id"] for row in rows}
    return _retire(rows, unclaimed_of(unclaimed), strays)


def _retire(
    rows: list[dict[str, str]], unclaimed: list[ledger.Recorded], strays: Iterable[Path]
) -> int:
    """Set bundles aside, or note those in stores that are away; return how many are."""
    here = stores.Here()
    by_store: dict[Path, list[Path]] = defaultdict(list)
    later = []
    for row in rows:
        store = here.path(row["store_id"])
        if store is not None:
            by_store[store].append(store / row["copy_path"])
        else:
            note = {"store_id": row["store_id"], "retired_path": row["copy_path"]}
            later.append(note | {"retired_sha256": row["copy_sha256"]})
    claimed = (Path(path) for bundle in unclaimed for path in here.candidates(bundle))
    for path in [*strays, *claimed]:
        by_store[path.parents[2]].append(path)
    insert_absent(Store.Retired(), later)
    return sum(len(retiring.retire(store, paths)) for store, paths in by_store.items())


def unclaimed_of(executions: Iterable[str]) -> list[ledger.Recorded]:
    """Return what is recorded of executions whose bundles no store has claimed."""
    rows = ledger.among(Execution(), "execution_id", executions)
    return [ledger.Recorded(*(row[name] for name in ledger.OF_EXECUTION)) for row in rows]
