"""Forget results that are wrong: bundles aside first, then rows and all that came of them."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datajoint as dj

from . import database, ledger, work
from .kit import bundles
from .tables import Execution


def dependents(executions: Iterable[str]) -> dict[str, str]:
    """Return every execution whose result depends on the given ones, these included.

    Follows the foreign keys from row to row, as a cascading delete does, and takes in the
    executions of the rows that would go, until there is nothing more.

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
        table().full_table_name: table
        for table in work.stage_tables(ledger.known_workflows()).values()
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
                reached |= set(rows.to_arrays(ledger.execution_attribute(table)))
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
        Boxes of pulled blocks (`x0-x1_y0-y1_z0-z1`), of `channel` where it is given.
    channel : str, optional
        A channel id; alone, all that was pulled from it.
    request : str, optional
        A request id: its result, not the blocks that it was made of.
    lost : bool
        Everything whose bundle is not in its store any more.

    Raises
    ------
    ValueError
        If a block, channel or request is not recorded.
    """
    chosen: set[str] = set()
    for process, table in work.stage_tables(ledger.known_workflows()).items():
        lineage = ledger.execution_attribute(table)
        key = set(table().primary_key)
        rows: list[Any] = []
        if channel and "channel_id" in key and not list(blocks):
            rows.append(table() & {"channel_id": channel})
        if request and "request_id" in key:
            rows.append(table() & {"request_id": request})
        if process == "PULL_BLOCK":
            for block in blocks:
                named = {"block": block} | ({"channel_id": channel} if channel else {})
                if not len(table() & named):
                    raise ValueError(
                        f"block {block} is not recorded{f' of channel {channel}' * bool(channel)}:"
                        " write it as x0-x1_y0-y1_z0-z1, as the table Block has it"
                    )
                rows.append(table() & named)
        for found in rows:
            chosen |= set(found.to_arrays(lineage))
    if (channel or request) and not chosen:
        raise ValueError(f"nothing is recorded of {request or channel}: see `bossflow status`")
    if lost:
        chosen |= {
            row["execution_id"]
            for row in Execution.proj("bundle_url").to_dicts()
            if not (bundles.local(row["bundle_url"]) / bundles.MANIFEST).exists()
        }
    return chosen


def preview(found: dict[str, str]) -> Counter[str]:
    """Return process to how many of its results would go."""
    return Counter(Path(bundles.local(url)).parents[1].name for url in found.values())


def invalidate(found: dict[str, str]) -> int:
    """Move the bundles aside, then delete their executions and every row made from them.

    A kill in between leaves rows whose bundles are gone: the next run refuses them and names
    `bossflow invalidate --lost`. The other order would leave bundles that could come back.

    Returns
    -------
    int
        How many bundles were moved into `.retired`.
    """
    by_store: dict[Path, list[Path]] = {}
    for url in found.values():
        directory = bundles.local(url)
        by_store.setdefault(directory.parents[2], []).append(directory)
    conn = database.connection()
    with database.lock(conn):
        moved = sum(len(bundles.retire(store, paths)) for store, paths in by_store.items())
        if found:
            gone = Execution() & [{"execution_id": name} for name in found]
            gone.delete(prompt=False, part_integrity="cascade")
    return moved
