"""`bossflow verify`: is every recorded bundle in its store, and what was recorded.

What is not is named with all that was made of it, so that it can be set aside and made again.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from operator import itemgetter
from pathlib import Path
from typing import Any

import datajoint as dj

from .. import database
from ..core import holdings, installed, ledger, registry, removal, states, stores
from ..core.dependents import dependents, requests_of, with_pulled
from ..core.made_for import made_for as made_for
from ..core.removal import Copy
from ..core.tables import Execution, Request
from ..kit import bundles, locations, store_ids, verification
from . import invalidate, status
from .elsewhere import Away, Elsewhere

PAGE = 1000
"""Bundles that are held at a time."""

AT_ONCE = max(16, os.cpu_count() or 1)
"""Bundles that are read at a time: hashing takes all cores, and a bucket answers after a while."""


def asked(
    request: str | None, channel: str | None = None, store: str | None = None
) -> tuple[list[str] | None, int, int]:
    """Return what is to be verified: executions (None: all), how many they are, and their bytes.

    Parameters
    ----------
    request : str, optional
        A request's id, or the start of it: its own results and the blocks that it was made of.
    channel : str, optional
        A channel's id, or the start of it: all that was made of it.
    store : str, optional
        A store's id: what is recorded there.
    """
    only: set[str] | None = None
    if request is not None:
        only = made_for(ledger.named(Request, request))
    if channel is not None:
        executions = set(dependents(invalidate.select(channel=channel)))
        only = executions if only is None else only & executions
    if store is not None:
        executions = {row["execution_id"] for row in invalidate.copies(only, store)}
        only = executions
    if only is None:
        total = dj.U().aggr(Execution, n="count(*)", size="sum(bundle_bytes)").fetch1()
        return None, int(total["n"]), int(total["size"] or 0)
    listed = sorted(only)
    return listed, len(listed), sum(row["bundle_bytes"] for page in _pages(listed) for row in page)


Problems = dict[Copy, str]
"""What is wrong with bundles, by execution and store."""


def damaged(
    only: list[str] | None,
    read: bool = False,
    checked: Callable[[int], None] = lambda size: None,
    store: str | None = None,
    away: Counter[str] | None = None,
    dropped: set[str] | None = None,
    unread: Counter[str] | None = None,
) -> Problems:
    """Return what is wrong with recorded bundles, by execution and store.

    Parameters
    ----------
    only : list of str, optional
        Executions whose bundles are verified; by default all.
    read : bool
        Read objects in a bucket also where their ETag says that they were not written since.
    checked : callable
        Is told the bytes of each execution of which a bundle here was verified.
    store : str, optional
        The store that is looked at; by default all that are here.
    away : Counter, optional
        Is told in which stores that are away, in words, bundles are, and how many.
    dropped : set of str, optional
        Is told the executions whose bundles were deleted to save space, and are in no other store.
    unread : Counter, optional
        Is told why what was written outside of the stores can't be read, and of how many bundles:
        that is no damage.

    Raises
    ------
    ValueError
        If a store goes meanwhile, or something in it can't be read: that is no damage.
    """
    here, problems = stores.Here(), Problems()
    away = Counter() if away is None else away
    elsewhere = Elsewhere()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for page in _pages(only):
            todo: list[tuple[Copy, Path, str]] = []
            beyond: set[str] = set()
            gone = holdings.dropped(
                bundle["execution_id"] for bundle in page if not bundle["copies"]
            )
            if dropped is not None:
                dropped |= gone
            for bundle in page:
                if bundle["execution_id"] not in gone:
                    todo += _places(bundle, here, store, away)
            outcomes = pool.map(lambda place: _problem(place[1], place[2], read, elsewhere), todo)
            for (copy, path, _), problem in zip(todo, outcomes, strict=True):
                if isinstance(problem, Away):
                    beyond.add(copy[0])
                    if unread is not None:
                        unread[str(problem)] += 1
                elif problem:
                    problems[copy] = problem
                    _refuse_gone(path.parents[2], copy[1])
            sizes = {bundle["execution_id"]: bundle["bundle_bytes"] for bundle in page}
            for name in dict.fromkeys(name for (name, _), _, _ in todo if name not in beyond):
                checked(sizes[name])
    if problems:
        # what was invalidated meanwhile is no damage
        with database.lock(database.connection()):
            names = sorted({name for name, _ in problems})
            recorded = {row["execution_id"] for page in _pages(names) for row in page}
    return {copy: problem for copy, problem in problems.items() if copy[0] in recorded}


def _pages(only: list[str] | None) -> Iterator[list[dict[str, Any]]]:
    """Yield executions, with their copies as `copies`."""
    rows = Execution.proj("bundle_url", "bundle_bytes", "manifest_sha256")

    def with_copies(page: list[dict[str, Any]]) -> list[dict[str, Any]]:
        own: dict[str, list[dict[str, str]]] = {row["execution_id"]: [] for row in page}
        for copy in holdings.copies(own):
            own[copy["execution_id"]].append(copy)
        return [row | {"copies": own[row["execution_id"]]} for row in page]

    if only is not None:
        for some in database.pieces(only, PAGE):
            yield with_copies(ledger.among(rows, "execution_id", some))
        return
    last = ""
    while page := (rows & f"execution_id > '{last}'").to_dicts(order_by="execution_id", limit=PAGE):
        yield with_copies(page)
        last = page[-1]["execution_id"]


def _places(
    row: dict[str, Any], here: stores.Here, store: str | None, away: Counter[str]
) -> list[tuple[Copy, Path, str]]:
    """Return where an execution's bundles are here, with the digest that each should have."""
    name, places = row["execution_id"], []
    for copy in row["copies"]:
        if store in (None, copy["store_id"]):
            path = here.path(copy["store_id"])
            if path is None:
                away[here.where(copy["store_id"])] += 1
            else:
                place = path / copy["copy_path"]
                places.append(((name, copy["store_id"]), place, copy["copy_sha256"]))
    if not row["copies"] and store is None:
        place = locations.local(row["bundle_url"])
        if here.is_as_recorded(place, row["manifest_sha256"]):
            places.append(((name, None), place, row["manifest_sha256"]))
        else:
            away[locations.shown(place.parents[2])] += 1
    return places


def _refuse_gone(store: Path, identity: str | None) -> None:
    if identity is not None and store_ids.store_id(store) != identity:
        raise ValueError(
            f"store {locations.shown(store)} went while it was verified: mount it, or give "
            "credentials, and try again"
        )


def _problem(
    directory: Path, manifest_sha256: str, read: bool, elsewhere: Elsewhere
) -> str | Away | None:
    manifest = locations.shown(directory / locations.MANIFEST)
    try:
        bundle = bundles.read(directory)
        if bundle.manifest_sha256 != manifest_sha256:
            return f"{manifest} is not the one that was recorded"
        verification.verify(bundle, bundle.store, read)
        return elsewhere.problem(bundle.manifest)
    except Away as error:
        return error
    except (FileNotFoundError, NotADirectoryError):
        return f"{manifest} is missing"
    except OSError as error:
        raise ValueError(
            f"{locations.shown(directory)} can't be verified: {error.strerror or error}"
        ) from None
    except ValueError as error:
        return str(error)


def report(problems: Problems) -> dict[str, Any]:
    """Return what is damaged, and all that was made of it.

    Returns
    -------
    dict
        `damaged` (list of execution, store, process, key and problem), `with_dependents` (process
        to number), `blocks` (those of which something would have to be made again, as text),
        `requests` (id and `what`), and `untold`: why these three tell nothing, if they can't.
        `kept` counts the bundles that would be set aside while their rows stay, as the stores
        `elsewhere` have others of them.
    """
    tables = registry.stage_tables(installed.known_workflows())
    untold = None
    copies = removal.with_guests(problems)
    alone = removal.nowhere_else(copies)
    try:
        going = dependents(with_pulled(alone))
    except registry.NotInstalled as error:
        going, untold = {}, str(error)
    names = {name for name, _ in problems}
    keys: dict[str, dict[str, Any]] = {}
    for process, table in tables.items():
        made_by = ledger.execution_attribute(table)
        rows = ledger.among(table.proj(made_by), made_by, names)
        for row in sorted(rows, key=itemgetter(*table().primary_key)):
            name = row.pop(made_by)
            keys[name] = {"process": process, "key": row}
    left = names - keys.keys()  # of workflows left out
    for row in ledger.among(Execution.proj("process"), "execution_id", left):
        keys[row["execution_id"]] = {"process": row["process"], "key": {}}
    said: dict[str, list[dict[str, str | None]]] = {name: [] for name in names}
    for (name, store), problem in problems.items():
        said[name].append({"store": store, "problem": problem})
    listed = [
        {"execution": name, "store": where["store"], **about, "problem": where["problem"]}
        for name, about in keys.items()
        for where in said[name]
    ]
    requests = requests_of(going)
    kept, elsewhere = invalidate.kept(copies, alone | going.keys())
    return {
        "damaged": listed,
        "with_dependents": dict(invalidate.preview(going)),
        "blocks": invalidate.named(going, most=len(going)),
        "requests": [
            {"request": request["request"], "what": status.what(request)}
            for request in (states.requests(requests) if requests else [])
        ],
        "untold": untold,
        "kept": kept,
        "elsewhere": elsewhere,
    }


def retire(problems: Problems) -> tuple[int, int]:
    """Set damaged bundles aside, and forget the rows of what is left nowhere.

    A chunk of a volume that is damaged lies in the bundle of the whole, but is listed by that of
    its block: this one goes, and the next run writes the chunk anew.

    Returns
    -------
    tuple of int
        How many executions were forgotten, and how many bundles moved into `.retired`.
    """
    return removal.forget(set(), copies=problems)
