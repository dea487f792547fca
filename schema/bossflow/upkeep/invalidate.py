"""Forget results that are wrong: bundles aside first, then rows and all that came of them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import datajoint as dj

from .. import database
from ..core import cascade, holdings, installed, ledger, registry, stores
from ..core.cascade import Cascade
from ..core.tables import Execution, ParamSet, Request, Store
from ..database import migrations
from ..database.insert import insert_absent
from ..kit import bundles, digests, locations, retiring
from ..volumes.channels import Block, Channel, PulledBlock, meets
from ..voxels.boxes import Box

Copy = tuple[str, str | None]
"""An execution and a store that has its bundle; None where no store has claimed it."""


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
    return bundles_of(_reached(executions)[1])


def _reached(executions: Iterable[str]) -> tuple[Cascade, cascade.Rows]:
    return reached({Execution.full_table_name: {(name,) for name in executions}})


def reached(start: cascade.Rows) -> tuple[Cascade, cascade.Rows]:
    """Return the rows that go with some, these included, and what deletes them.

    Raises
    ------
    NotInstalled
        If rows depend on them that no workflow here knows.
    """
    conn = database.connection()
    tables = list(registry.stage_tables(installed.known_workflows()).values())
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
    found = ledger.among(Execution.proj("bundle_url"), "execution_id", names)
    return {row["execution_id"]: row["bundle_url"] for row in found}


def select(
    blocks: Iterable[str] = (), channel: str | None = None, request: str | None = None
) -> set[str]:
    """Return ids of the executions that made what is named.

    Parameters
    ----------
    blocks : iterable of str
        Boxes (`x0-x1_y0-y1_z0-z1`): every block that meets one, whatever grid it is of.
    channel : str, optional
        The channel's id, or the start of it, needed where several have such blocks; alone, all
        that is made of it.
    request : str, optional
        A request's id, or the start of it: its result, not the blocks that it was made of.

    Raises
    ------
    ValueError
        If a box is none, or an id is not known, or blocks of several channels meet a box and none
        is named, or a workflow that can't be used here has made something of what is named.
    """
    chosen: set[str] = set()
    for met in _blocks(blocks, channel):
        chosen |= _made_of(met)
    if request is not None:
        request = ledger.named(Request, request)
        for asked in (Request() & {"request_id": request}).to_arrays("workflow"):
            installed.opened(asked)
        for table in registry.stage_tables(installed.known_workflows()).values():
            if "request_id" in table().primary_key:
                found = table() & {"request_id": request}
                chosen |= set(found.to_arrays(ledger.execution_attribute(table)))
    return chosen


def _blocks(blocks: Iterable[str], channel: str | None) -> list[Any]:
    """Return the rows of `Block` that are named: those that meet each box, or all of a channel."""
    only = {} if channel is None else {"channel_id": ledger.named(Channel, channel)}
    there, found = Block() & only, []
    for block in blocks:
        met = there & meets("block", Box.parse(block))
        channels = sorted(set(met.to_arrays("channel_id")))
        if len(channels) > 1:
            raise ValueError(
                f"blocks of {len(channels)} channels meet {block}: name one with --channel "
                f"({', '.join(channels)})"
            )
        found.append(met)
    return found or ([there] if only else [])


def lost(executions: Iterable[str] | None, store: str | None) -> set[Copy]:
    """Return bundles that are not in their store any more, which is here: no other can lose any.

    Parameters
    ----------
    executions : iterable of str, optional
        Whose bundles are looked for; default: all.
    store : str, optional
        The id of the store that is looked at; default: all that are here.
    """
    here = stores.Here()
    rows = copies(executions, store)
    there = {
        (row["execution_id"], row["store_id"]): path / row["copy_path"]
        for row in rows
        if (path := here.path(row["store_id"])) is not None
    }
    gone, _ = ledger.lost(there.values())
    return {copy for copy, path in there.items() if path in gone}


def copies(executions: Iterable[str] | None, store: str | None) -> list[dict[str, str]]:
    """Return the rows of `Execution.Copy` of some executions, or all, in a store, or all."""
    if executions is None:
        found: list[dict[str, str]]
        found = (Execution.Copy() & ({"store_id": store} if store else {})).to_dicts()
        return found
    return [row for row in holdings.copies(executions) if store in (None, row["store_id"])]


def nowhere_else(chosen: Iterable[Copy]) -> set[str]:
    """Return the executions of which no other bundle is left than these."""
    chosen = set(chosen)
    names = {name for name, _ in chosen}
    left = {row["execution_id"] for row in holdings.copies(names) if _copy(row) not in chosen}
    return names - left


def _copy(row: dict[str, str]) -> Copy:
    return row["execution_id"], row["store_id"]


def with_guests(chosen: Iterable[Copy]) -> set[Copy]:
    """Return bundles with those in the same store whose files lie within these.

    Such as chunks in STITCH's bundle, which RELABEL_BLOCK's list: they are set aside with it.
    """
    found = set(chosen)
    rows = [row for row in holdings.copies(name for name, _ in found) if _copy(row) in found]
    hosts = {(row["store_id"], Path(row["copy_path"]).name) for row in rows}
    going = {unit_id for _, unit_id in hosts}
    by_workflow: dict[str, list[str]] = defaultdict(list)
    asked = requests(name for name, _ in found)
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
            there = ledger.recorded_units(
                registry.stage_tables([workflow]), (unit for unit, _ in guests.values())
            )
            found |= {
                (one.execution_id, store)
                for unit_id, one in there.items()
                for store, _ in one.copies
                if (store, guests[unit_id][1]) in hosts
            }
    return found


def kept(chosen: Iterable[Copy], forgotten: Iterable[str]) -> tuple[int, list[str]]:
    """Return of how many of these bundles the rows stay, and the stores that have others of them.

    Parameters
    ----------
    chosen : iterable of (str, str)
        Bundles that would be set aside.
    forgotten : iterable of str
        Executions that would be forgotten.
    """
    here, chosen = stores.Here(), set(chosen)
    names = {name for name, _ in chosen}.difference(forgotten)
    others = {row["store_id"] for row in holdings.copies(names) if _copy(row) not in chosen}
    where = [here.where(one) + ", away" * (here.path(one) is None) for one in others]
    return len(names), sorted(where)


def with_pulled(chosen: set[str]) -> set[str]:
    """Return executions with what was made of the blocks that they pulled.

    It must be made again with the voxels, of which no foreign key tells: those of a volume are
    read in place.
    """
    made = set(chosen)
    for some in database.pieces(chosen):
        again = PulledBlock() & [{"pulled_by": name} for name in some]
        made |= _made_of(Block() & again.proj())
    return made


def _made_of(blocks: Any) -> set[str]:
    """Return the executions that made something of blocks and of nothing else before."""
    chosen: set[str] = set()
    for name in Block().children():
        installed.refuse_unknown(dj.FreeTable(blocks.connection, name) & blocks.proj())
    for table in first_stages():
        made = table() & blocks.proj()
        chosen |= set(made.to_arrays(ledger.execution_attribute(table)))
    return chosen


def first_stages() -> list[Any]:
    """Return the stage tables whose rows are made straight from blocks."""
    tables = registry.stage_tables(installed.known_workflows()).values()
    return [table for table in tables if Block.full_table_name in table().parents()]


def strays(blocks: Iterable[str], channel: str | None) -> list[Path]:
    """Return blocks' bundles that a run left in a store and that are not recorded (yet).

    They would be taken over by the next run. Of what is made straight from blocks, the places are
    known, and are looked at in every store that is here; what is made of that, later, names what
    it was made of.
    """
    here = stores.Here()
    known = [path for name in Store.to_arrays("store_id") if (path := here.path(str(name)))]
    places = {database.default_store(), *known}
    found = []
    for met in _blocks(blocks, channel):
        recorded = {
            path
            for row in holdings.copies(_made_of(met))
            if (store := here.path(row["store_id"])) is not None
            for path in [store / row["copy_path"]]
        }
        keys = met.proj().to_dicts()
        for store in places:
            candidates = [
                locations.place(store, table.process, digests.unit_id(table.process, key | own))
                for table in first_stages()
                for own in _own_keys(table)
                for key in keys
            ]
            unknown = [path for path in candidates if path not in recorded]
            there = locations.each(bundles.there, unknown, store)
            found += [path for path, is_there in zip(unknown, there, strict=True) if is_there]
    return found


def _own_keys(table: Any) -> list[dict[str, Any]]:
    """Return what a key of a first stage may have beside the block: nothing, or parameter sets."""
    own = set(table().primary_key) - set(Block().primary_key)
    if not own:
        return [{}]
    for parent, link in table().parents(foreign_key_info=True):
        if parent == ParamSet.full_table_name and set(link["attr_map"]) == own:
            (name,) = own
            return [{name: one} for one in ParamSet.to_arrays("paramset_id").tolist()]
    return []


def named(executions: Iterable[str], most: int = 10) -> list[str]:
    """Return which blocks of which channels these executions pulled or read, a line each."""
    blocks: set[tuple[str, str]] = set()
    for table in first_stages():
        made_by = ledger.execution_attribute(table)
        rows = ledger.among(table.proj(made_by) * Channel.proj("uri"), made_by, executions)
        blocks |= {(row["uri"], row["block"]) for row in rows}
    lines = [f"{uri} {block}" for uri, block in sorted(blocks)[:most]]
    return lines + ([f"... and {len(blocks) - most} more blocks"] if len(blocks) > most else [])


def requests(executions: Iterable[str]) -> list[str]:
    """Return ids of the requests whose own results these executions made."""
    chosen = list(executions)
    found: set[str] = set()
    for table in registry.stage_tables(installed.known_workflows()).values():
        if "request_id" in table().primary_key:
            made_by = ledger.execution_attribute(table)
            rows = ledger.among(table.proj(made_by), made_by, chosen)
            found |= {row["request_id"] for row in rows}
    return sorted(found)


def preview(found: dict[str, str]) -> Counter[str]:
    """Return process to how many of its results would go, as the data flow."""
    processes = [Path(locations.local(url)).parents[1].name for url in found.values()]
    stages = registry.stage_tables(installed.known_workflows())  # rows come in no order
    known = {name: number for number, name in enumerate(stages)}
    return Counter(sorted(processes, key=lambda name: (known.get(name, len(known)), name)))


def away(found: Iterable[str]) -> Counter[str]:
    """Return the stores, in words, that have bundles of executions but are away, and how many."""
    here, names = stores.Here(), set(found)
    rows = holdings.copies(names)
    told = Counter(
        here.where(row["store_id"]) for row in rows if here.path(row["store_id"]) is None
    )
    unclaimed = names - {row["execution_id"] for row in rows}
    for row in _unclaimed(unclaimed - holdings.dropped(unclaimed)):
        if not here.candidates(row):
            told[here.where_is(row)] += 1
    return told


def _unclaimed(executions: Iterable[str]) -> list[ledger.Recorded]:
    rows = ledger.among(Execution(), "execution_id", executions)
    return [ledger.Recorded(*(row[name] for name in ledger.OF_EXECUTION)) for row in rows]


def invalidate(
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
        going, gone = _reached(chosen | _recorded_at(strays) | with_pulled(alone))
        forgotten = set(bundles_of(gone))
        moved = set_aside(forgotten, strays, copies)
        with conn.transaction:
            kept = [copy for copy in copies if copy[0] not in forgotten]
            for some in database.pieces(kept):
                keys = [{"execution_id": name, "store_id": store} for name, store in some]
                (Execution.Copy() & keys).delete_quick()
            going.delete(gone)
    return len(forgotten), moved


def _recorded_at(directories: list[Path]) -> set[str]:
    """Return the executions whose bundles lie in these directories."""
    here, places = stores.Here(), set(directories)
    query = (
        f"SELECT execution_id, store_id, copy_path FROM {Execution.Copy.full_table_name} "
        "WHERE copy_path IN %s"  # which has no index: DataJoint would compare one by one
    )
    found = set()
    for some in database.pieces({"/".join(path.parts[-3:]) for path in places}):
        for name, store, path in database.connection().query(query, (tuple(some),)).fetchall():
            if (place := here.path(store)) and place / path in places:
                found.add(name)
    return found


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
    rows = [row for row in rows if row["execution_id"] in forgotten or _copy(row) in copies]
    unclaimed = set(forgotten) - {row["execution_id"] for row in rows}
    return _retire(rows, _unclaimed(unclaimed), strays)


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
    for path in [*strays, *(path for one in unclaimed for path in here.candidates(one))]:
        by_store[path.parents[2]].append(path)
    insert_absent(Store.Retired(), later)
    return sum(len(retiring.retire(store, paths)) for store, paths in by_store.items())


def forget_places(store: str) -> None:
    """Forget where a store is that is gone for good, so that another one may be there."""
    (Store.Place() & {"store_id": store}).delete_quick()
