"""What is asked for, written down before anything is made of it."""

import getpass
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from .. import __version__, database
from ..database.insert import ROWS, insert_absent, insert_all
from ..kit import locations
from . import changes, given, registry, stores, work
from .tables import ParamSet, Request, Run


def distinct(requests: Iterable[work.Request]) -> list[work.Request]:
    """Return requests, in their order, each once.

    Raises
    ------
    ValueError
        If the user asks for one in two places.
    """
    by_id: dict[str, work.Request] = {}
    for request in requests:
        earlier = by_id.get(request.request_id)
        if earlier and earlier.where and request.where:
            raise ValueError(f"{request.where} asks for the same as {earlier.where}: remove one")
        if not earlier or request.where:  # else one that a workflow needs for another
            by_id[request.request_id] = request
    return [*by_id.values()]


def register(
    asked: dict[str, Any],
    requests: list[work.Request],
    by_request: list[list[work.UnitPlan]],
    run_id: str,
    here: stores.Here,
    store: Path,
    looks: dict[str, str],
    versions: dict[str, str],
) -> None:
    """Register run and requests, and what looks at sources have found, in one transaction."""
    run = asked["run"]
    row = {
        "run_id": run_id,
        "run_name": run["name"],
        "run_started": datetime.fromisoformat(run["start"]).astimezone(UTC).replace(tzinfo=None),
        "run_user": run.get("user") or getpass.getuser(),
        "revision": " ".join(filter(None, [__version__, run.get("commit"), run.get("revision")]))[
            :100
        ],
        "nextflow_version": run["nextflow"],
        "profile": run.get("profile") or "standard",
        "run_parameters": asked["params"] | {"store": locations.shown(store)},
    }
    conn = database.connection()
    with database.lock(conn), conn.transaction:
        here.register()
        changes.remember(looks, versions)
        Run.insert1(row, skip_duplicates=True)  # another attempt, its commit not confirmed
        sets = [own for request in requests for own in request.every_paramset]
        rows = {own.paramset_id: own.row for own in sets}
        insert_all(ParamSet(), rows.values(), skip_duplicates=True)
        asked_for = [
            {
                "request_id": request.request_id,
                "workflow": request.workflow,
                "paramset_id": request.paramset.paramset_id,
                "first_run_id": run_id,
            }
            for request in requests
        ]
        insert_absent(Request(), asked_for)
        given.keep(requests)
        named = [
            {
                "request_id": request.request_id,
                "request_name": request.name,
                "naming_run_id": run_id,
            }
            for request in requests
            if request.name
        ]
        of_names = [{name: row[name] for name in Request.Name().primary_key} for row in named]
        for some in database.pieces(of_names):
            (Request.Name() & some).delete_quick()  # this run is now the last that said so
        insert_absent(Request.Name(), named)
        insert_rows(_rows(requests, by_request))


def _rows(requests: list[work.Request], by_request: list[list[work.UnitPlan]]) -> list[work.Rows]:
    """Return the rows that register each request, and what it makes, if that is not there."""
    names: dict[str, list[str]] = defaultdict(list)
    for request in requests:
        names[request.workflow].append(request.request_id)
    makes = {name: registry.load(name).makes for name in names}
    there = {name: one.registered(names[name]) if one else set() for name, one in makes.items()}
    found = []
    for request, units in zip(requests, by_request, strict=True):
        one, rows = makes[request.workflow], request.rows
        if one and request.request_id not in there[request.workflow]:
            rows += one.rows(request, units)
        found.append(rows)
    return found


def insert_rows(by_request: list[work.Rows]) -> None:
    """Register rows of requests, table by table; to be called in a transaction."""
    for table in dict.fromkeys(table for rows in by_request for table, _ in rows):
        _insert_rows(table, [some for rows in by_request for other, some in rows if other is table])


def _insert_rows(table: Any, by_request: list[list[dict[str, Any]]]) -> None:
    """Register rows of requests: where one has several, those that are there stay as they are.

    A single one that is there with other values is a channel that is not used yet.
    """
    key = itemgetter(*table().primary_key)
    several = {key(row): row for rows in by_request if len(rows) > 1 for row in rows}
    insert_absent(table(), list(several.values()))
    single = {key(row): row for rows in by_request if len(rows) == 1 for row in rows}
    for some in database.pieces(single.values(), ROWS):
        keys = [{name: row[name] for name in table().primary_key} for row in some]
        known = {key(row): row for row in (table() & keys).to_dicts()}
        table.insert([row for row in some if key(row) not in known])
        for row in some:
            earlier = known.get(key(row), row)
            if any(earlier[name] != value for name, value in row.items()):
                table.update1(row)
