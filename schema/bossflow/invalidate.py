"""Forget results that are wrong: bundles aside first, then rows and all that came of them."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datajoint as dj

from . import database, ledger, migrations, work
from .channels import Block, Channel, PulledBlock, meets
from .kit import bundles
from .tables import Execution
from .voxels.boxes import Box


def dependents(executions: Iterable[str]) -> dict[str, str]:
    """Return every execution whose result depends on the given ones, these included.

    Follows the foreign keys from row to row, as a cascading delete does, and takes in the
    executions of the rows that would go, until there is nothing more. A part's row takes its
    master with it: DataJoint misses masters whose parts it reaches by several foreign keys.

    Parameters
    ----------
    executions : iterable of str
        Execution ids.

    Returns
    -------
    dict
        Execution id to its bundle's URL.
    """
    tables = {
        part.full_table_name: table
        for table in work.stage_tables(ledger.known_workflows()).values()
        for part in migrations.parts(table)
    }
    seen: set[str] = set()
    todo = set(executions)
    while todo:
        seen |= todo
        reached: set[str] = set()
        start = Execution() & [{"execution_id": name} for name in todo]
        for rows in dj.Diagram.cascade(start, part_integrity="cascade"):
            table = tables.get(rows.full_table_name)
            if table is not None:
                reached |= set((table() & rows.proj()).to_arrays(ledger.execution_attribute(table)))
        todo = reached - seen
    found = Execution() & [{"execution_id": name} for name in seen]
    return {row["execution_id"]: row["bundle_url"] for row in found.to_dicts()} if seen else {}


def select(
    blocks: Iterable[str] = (),
    channel: str | None = None,
    request: str | None = None,
    lost: bool = False,
) -> set[str]:
    """Return ids of the executions that made what is named.

    Parameters
    ----------
    blocks : iterable of str
        Boxes (`x0-x1_y0-y1_z0-z1`): every block that meets one, whatever grid it is of.
    channel : str, optional
        The channel's id, needed where several have such blocks; alone, all that is made of it.
    request : str, optional
        A request id: its result, not the blocks that it was made of.
    lost : bool
        Everything whose bundle is not in its store any more. A store that can't be reached from
        here is not lost.

    Raises
    ------
    ValueError
        If a box is none, or blocks of several channels meet it and none is named.
    """
    chosen: set[str] = set()
    there = Block() & ({"channel_id": channel} if channel else {})
    for block in blocks:
        met = there & meets("block", Box.parse(block))
        channels = sorted(set(met.to_arrays("channel_id")))
        if len(channels) > 1:
            raise ValueError(
                f"blocks of {len(channels)} channels meet {block}: name one with --channel "
                f"({', '.join(channels)})"
            )
        chosen |= _made_of(met)
    if channel and not list(blocks):
        chosen |= _made_of(there)
    if request:
        for table in work.stage_tables(ledger.known_workflows()).values():
            if "request_id" in table().primary_key:
                found = table() & {"request_id": request}
                chosen |= set(found.to_arrays(ledger.execution_attribute(table)))
    if lost:
        rows = Execution.proj("bundle_url").to_dicts()
        away = set(ledger.stores_away(row["bundle_url"] for row in rows))
        lost_urls = ledger.lost(
            row["bundle_url"]
            for row in rows
            if bundles.local(row["bundle_url"]).parents[2] not in away
        )
        chosen |= with_pulled(
            {row["execution_id"] for row in rows if row["bundle_url"] in lost_urls}
        )
    return chosen


def with_pulled(chosen: set[str]) -> set[str]:
    """Return executions with what was made of the blocks that they pulled.

    It must be made again with the voxels, of which no foreign key tells: those of a volume are
    read in place.
    """
    again = PulledBlock() & [{"pulled_by": name} for name in chosen]
    return chosen | _made_of(Block() & again.proj()) if chosen else chosen


def _made_of(blocks: Any) -> set[str]:
    """Return the executions that made something of blocks and of nothing else before."""
    chosen: set[str] = set()
    for table in _first_stages():
        made = table() & blocks.proj()
        chosen |= set(made.to_arrays(ledger.execution_attribute(table)))
    return chosen


def _first_stages() -> list[Any]:
    """Return the stage tables whose rows are made straight from blocks."""
    tables = work.stage_tables(ledger.known_workflows()).values()
    return [table for table in tables if Block.full_table_name in table().parents()]


def strays(blocks: Iterable[str], channel: str | None) -> list[Path]:
    """Return blocks' bundles that a run left in a store and that are not recorded (yet).

    They would be taken over by the next run. Looked for in the default store and in every store
    of recorded bundles.
    """
    recorded = {bundles.local(str(url)) for url in Execution.to_arrays("bundle_url")}
    stores = {directory.parents[2] for directory in recorded} | {database.default_store()}
    boxes = [Box.parse(block) for block in blocks]
    found = []
    for store in stores:
        unknown = [path for path in bundles.every(store, "*_BLOCK") if path not in recorded]
        texts = bundles.each(bundles.manifest_text, unknown, store)
        for directory, text in zip(unknown, texts, strict=True):
            key = json.loads(text)["key"]
            if "block" not in key or (channel and key["channel_id"] != channel):
                continue
            box = Box.parse(key["block"])
            if not boxes or any(map(box.meets, boxes)):
                found.append(directory)
    return found


def named(executions: Iterable[str], most: int = 10) -> list[str]:
    """Return which blocks of which channels these executions pulled or read, a line each."""
    blocks: set[tuple[str, str]] = set()
    for table in _first_stages():
        made_by = ledger.execution_attribute(table)
        chosen = [{made_by: name} for name in executions]
        rows = (table.proj(made_by) * Channel.proj("uri") & chosen).to_dicts() if chosen else []
        blocks |= {(row["uri"], row["block"]) for row in rows}
    lines = [f"{uri} {block}" for uri, block in sorted(blocks)[:most]]
    return lines + ([f"... and {len(blocks) - most} more blocks"] if len(blocks) > most else [])


def requests(executions: Iterable[str]) -> list[str]:
    """Return ids of the requests whose own results these executions made."""
    chosen = list(executions)
    found: set[str] = set()
    for table in work.stage_tables(ledger.known_workflows()).values():
        if "request_id" in table().primary_key and chosen:
            made_by = ledger.execution_attribute(table)
            rows = table & [{made_by: name} for name in chosen]
            found |= set((dj.U("request_id") & rows).to_arrays("request_id"))
    return sorted(found)


def preview(found: dict[str, str]) -> Counter[str]:
    """Return process to how many of its results would go, as the data flow."""
    processes = [Path(bundles.local(url)).parents[1].name for url in found.values()]
    stages = work.stage_tables(ledger.known_workflows())  # rows come in no order
    known = {name: number for number, name in enumerate(stages)}
    return Counter(sorted(processes, key=lambda name: (known.get(name, len(known)), name)))


def invalidate(chosen: set[str], strays: Iterable[Path] = ()) -> tuple[int, int]:
    """Move bundles aside, then delete their executions and every row made from them.

    A kill in between leaves rows whose bundles are gone: the next run refuses them and names
    `bossflow invalidate --lost`. The other order would leave bundles that could come back.

    Parameters
    ----------
    chosen : set of str
        Execution ids; what depends on them is found under the lock, so that nothing that is
        recorded meanwhile is missed.
    strays : iterable of Path
        Bundles that are not recorded.

    Returns
    -------
    tuple of int
        How many executions were forgotten, and how many bundles moved into `.retired`.
    """
    conn = database.connection()
    by_store: dict[Path, list[Path]] = defaultdict(list)
    with database.lock(conn):
        found = dependents(chosen)
        for directory in [*map(bundles.local, found.values()), *strays]:
            by_store[directory.parents[2]].append(directory)
        moved = sum(len(bundles.retire(store, paths)) for store, paths in by_store.items())
        if found:
            gone = Execution() & [{"execution_id": name} for name in found]
            gone.delete(prompt=False, part_integrity="cascade")
    return len(found), moved
