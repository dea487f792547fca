"""`bossflow verify`: is every recorded bundle in its store, and what was recorded.

What is not is named with all that was made of it, so that it can be set aside and made again.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import datajoint as dj

from . import database, invalidate, ledger, status, work
from .kit import buckets, bundles
from .tables import Execution, Request

PAGE = 1000
"""Bundles that are held at a time."""

AT_ONCE = max(16, os.cpu_count() or 1)
"""Bundles that are read at a time: hashing takes all cores, and a bucket answers after a while."""


def asked(request: str | None) -> tuple[list[str] | None, int, int]:
    """Return what is to be verified: executions (None: all), how many they are, and their bytes.

    Parameters
    ----------
    request : str, optional
        A request's id, or the start of it: its own results and the blocks that it was made of.
    """
    only = None if request is None else _executions(status.request_id(request))
    if only is None:
        total = dj.U().aggr(Execution, n="count(*)", size="sum(bundle_bytes)").fetch1()
        return None, int(total["n"]), int(total["size"] or 0)
    return only, len(only), sum(row["bundle_bytes"] for page in _pages(only) for row in page)


def _executions(request_id: str) -> list[str]:
    row = (Request() & {"request_id": request_id}).fetch1()
    workflow = work.load(row["workflow"])
    ledger.open_schema([workflow])
    units = workflow.units(workflow.recall(request_id))
    found = ledger.recorded_units(work.stage_tables([workflow]), units)
    return [there.execution_id for there in found.values()]


def damaged(
    only: list[str] | None, read: bool = False, checked: Callable[[int], None] = lambda size: None
) -> dict[str, str]:
    """Return what is wrong with recorded bundles, by execution.

    Parameters
    ----------
    only : list of str, optional
        Executions whose bundles are verified; by default all.
    read : bool
        Read objects in a bucket also where their ETag says that they were not written since.
    checked : callable
        Is told the bytes of each bundle that was verified.

    Raises
    ------
    ValueError
        If a store, or something in it, can't be reached from here: that is no damage.
    """
    problems: dict[str, str] = {}
    stores: set[Path] = set()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for page in _pages(only):
            new = {_store(row) for row in page} - stores
            _refuse_away(new)
            stores |= new
            for row, problem in zip(
                page, pool.map(partial(_problem, read=read), page), strict=True
            ):
                checked(row["bundle_bytes"])
                if problem:
                    problems[row["execution_id"]] = problem
    if problems:
        _refuse_away(stores)  # one that went meanwhile
        # and what was invalidated meanwhile is no damage
        with database.lock(database.connection()):
            there = {row["execution_id"] for page in _pages(list(problems)) for row in page}
    return {name: problem for name, problem in problems.items() if name in there}


def _pages(only: list[str] | None) -> Iterator[list[dict[str, Any]]]:
    rows = Execution.proj("bundle_url", "bundle_bytes", "manifest_sha256")
    if only is not None:
        for start in range(0, len(only), PAGE):
            some = rows & [{"execution_id": name} for name in only[start : start + PAGE]]
            yield some.to_dicts()
        return
    last = ""
    while page := (rows & f"execution_id > '{last}'").to_dicts(order_by="execution_id", limit=PAGE):
        yield page
        last = page[-1]["execution_id"]


def _store(row: dict[str, Any]) -> Path:
    return bundles.local(row["bundle_url"]).parents[2]


def _refuse_away(stores: set[Path]) -> None:
    for store in sorted(stores):
        there = not ledger.stores_away([f"{bundles.url(store)}/a/b/c"])
        # an empty directory is where something was mounted
        if not there or not (buckets.holds(store) or any(store.iterdir())):
            raise ValueError(
                f"store {bundles.shown(store)}, where bundles are recorded, can't be reached from "
                "here, or is empty: mount it, or give credentials; if it is gone for good, make an "
                "empty one there and run `bossflow invalidate --lost`"
            )


def _problem(row: dict[str, Any], read: bool) -> str | None:
    directory = bundles.local(row["bundle_url"])
    manifest = bundles.shown(directory / bundles.MANIFEST)
    try:
        bundle = bundles.read(directory)
        if bundle.manifest_sha256 != row["manifest_sha256"]:
            return f"{manifest} is not the one that was recorded"
        bundles.verify(bundle, bundle.store, read)
    except (FileNotFoundError, NotADirectoryError):
        return f"{manifest} is missing"
    except OSError as error:
        raise ValueError(
            f"{bundles.shown(directory)} can't be verified: {error.strerror or error}"
        ) from None
    except ValueError as error:
        return str(error)
    return None


def report(problems: dict[str, str]) -> dict[str, Any]:
    """Return what is damaged, and all that was made of it.

    Returns
    -------
    dict
        `damaged` (list of execution, process, key and problem), `with_dependents` (process to
        number), `blocks` (those of which something would have to be made again, as text) and
        `requests` (id and `what`).
    """
    tables = work.stage_tables(ledger.known_workflows())
    found = invalidate.dependents(invalidate.with_pulled(set(problems)))
    listed = []
    for process, table in tables.items():
        made_by = ledger.execution_attribute(table)
        rows = table & [{made_by: name} for name in problems]
        for row in rows.proj(made_by).to_dicts(order_by=table().primary_key) if problems else []:
            name = row.pop(made_by)
            listed.append(
                {"execution": name, "process": process, "key": row, "problem": problems[name]}
            )
    names = invalidate.requests(found)
    return {
        "damaged": listed,
        "with_dependents": dict(invalidate.preview(found)),
        "blocks": invalidate.named(found, most=len(found)),
        "requests": [
            {"request": one["request"], "what": status.what(one)}
            for one in (status.requests(names) if names else [])
        ],
    }


def retire(problems: dict[str, str]) -> tuple[int, int]:
    """Set damaged bundles and all that was made of them aside, and forget their rows.

    A chunk of a volume that is damaged lies in STITCH's bundle, but is listed by the one of its
    RELABEL_BLOCK: that one goes, and the next run writes the chunk anew.

    Returns
    -------
    tuple of int
        How many executions were forgotten, and how many bundles moved into `.retired`.
    """
    return invalidate.invalidate(invalidate.with_pulled(set(problems)))
