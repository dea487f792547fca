"""What is recorded of a sweep: its points, by which scores they were chosen, and their requests."""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .. import database
from ..core import ledger
from ..core.sweep_tables import Sweep, SweepPoint, SweepRequest, SweepRound
from ..core.tables import Request, Run
from ..database.insert import insert_absent
from ..kit.digests import canonical
from .definition import Definition
from .space import Told, Value

Key = tuple[int, str, int]
"""A point, a step, and a row of it, from 0."""


class Point(NamedTuple):
    """A point that was asked for: its number from 1, its round from 1, and what it says."""

    number: int
    round: int
    values: dict[str, Value]


def register(definition: Definition) -> None:
    """Record a sweep, if it is not there."""
    row = {
        "sweep_id": definition.sweep_id,
        "sweep_name": definition.name,
        "sweep_definition": json.dumps(_text(definition.canonical)),
        "sweep_asked": datetime.now(UTC).replace(tzinfo=None, microsecond=0),
    }

    def insert() -> None:
        conn = database.connection()
        with database.lock(conn), conn.transaction:
            insert_absent(Sweep(), [row])

    database.again(insert)


def points(sweep_id: str) -> list[Point]:
    """Return the points of a sweep, in the order in which they were asked for."""
    rows = (SweepPoint() & {"sweep_id": sweep_id}).to_dicts()
    found = [
        Point(row["sweep_point"], row["sweep_round"], json.loads(row["point_values"]["canonical"]))
        for row in rows
    ]
    return sorted(found)


def ask(definition: Definition, number: int, told: list[Told]) -> list[Point]:
    """Return the points of a round: those recorded, else new ones, which are recorded now.

    Parameters
    ----------
    definition : Definition
    number : int
        Of the round, from 1.
    told : list of Told
        All points before it, in their order.
    """
    values = new(definition, told)

    def decide() -> list[Point]:
        conn = database.connection()
        key = {"sweep_id": definition.sweep_id, "sweep_round": number}
        with database.lock(conn), conn.transaction:
            if values and not (SweepRound() & key):
                scores = [one.score for one in told]
                row = key | {"told_scores": json.dumps(_text(canonical(scores)))}
                insert_absent(SweepRound(), [row])
                rows = [
                    key | {"sweep_point": at, "point_values": json.dumps(_text(canonical(one)))}
                    for at, one in enumerate(values, len(told) + 1)
                ]
                insert_absent(SweepPoint(), rows)
        return [one for one in points(definition.sweep_id) if one.round == number]

    return database.again(decide)


def new(definition: Definition, told: list[Told]) -> list[dict[str, Value]]:
    """Return the points that a next round would have; none when there are enough."""
    from . import search  # with optuna, where that is asked for

    how = definition.search
    number = min(how.round, how.points - len(told))
    if number < 1:
        return []
    return search.ask(definition.space, told, number, how, how.seed)


def linked(sweep_id: str) -> dict[Key, str]:
    """Return the requests of a sweep's points, as far as they are known."""
    rows = (SweepRequest() & {"sweep_id": sweep_id}).to_dicts()
    return {
        (row["sweep_point"], row["sweep_step"], row["sweep_row"] - 1): row["request_id"]
        for row in rows
    }


def link(sweep_id: str, found: Mapping[Key, str], later: Collection[str]) -> None:
    """Record the requests of points, in place of others that these had.

    Where one had another, `later` steps read what is no more: their links go along.
    """
    known = linked(sweep_id)
    changed = {key: request for key, request in found.items() if known.get(key) != request}
    if not changed:
        return
    rows = [_row(sweep_id, key) | {"request_id": name} for key, name in changed.items()]
    replaced = {key[0] for key in changed if key in known}
    of_later = {key for key in known if key[0] in replaced and key[1] in later}
    old = [_row(sweep_id, key) for key in known if key in changed or key in of_later]

    def write() -> None:
        conn = database.connection()
        with database.lock(conn), conn.transaction:
            for some in database.pieces(old):
                (SweepRequest() & some).delete_quick()
            insert_absent(SweepRequest(), rows)

    database.again(write)


def called(names: Iterable[str]) -> dict[str, str]:
    """Return by name the request that a run called so last."""
    rows = Request.Name() * Run.proj("run_started", naming_run_id="run_id")
    found = ledger.among(rows, "request_name", names)
    found.sort(key=lambda row: (row["run_started"], row["request_id"]))
    return {row["request_name"]: row["request_id"] for row in found}


def ended(run_name: str) -> bool | None:
    """Say whether a run came to its end; None where it did not begin."""
    rows = (Run.proj("run_name", "run_parameters") & {"run_name": run_name}).to_dicts()
    return any(row["run_parameters"].get("ended") for row in rows) if rows else None


def forget_names(names: Iterable[str]) -> None:
    """Take these names from requests that have others: a user's own is the last one then."""
    ours = set(names)
    of = {row["request_id"] for row in ledger.among(Request.Name(), "request_name", ours)}
    rows = ledger.among(Request.Name(), "request_id", of)
    others = {row["request_id"] for row in rows if row["request_name"] not in ours}
    gone = [
        {"request_id": row["request_id"], "request_name": row["request_name"]}
        for row in rows
        if row["request_name"] in ours and row["request_id"] in others
    ]
    for some in database.pieces(gone):
        (Request.Name() & some).delete_quick()


def named(start: str) -> str:
    """Return the id of the sweep that is called so, or whose id starts so.

    Of several of one name, the one that was asked for last.

    Raises
    ------
    ValueError
        If there is none, or ids of several start so.
    """
    rows = (Sweep.proj("sweep_name", "sweep_asked")).to_dicts()
    by_id = [row for row in rows if start and row["sweep_id"].startswith(start)]
    by_name = [row for row in rows if row["sweep_name"] == start]
    if by_name:
        by_name.sort(key=lambda row: (row["sweep_asked"], row["sweep_id"]))
        return str(by_name[-1]["sweep_id"])
    if len(by_id) != 1:
        what = f"{len(by_id)} sweeps have ids" if by_id else "no sweep has a name or an id"
        raise ValueError(f"{what} starting with {start!r}: `bossflow sweep show` lists them")
    return str(by_id[0]["sweep_id"])


def _row(sweep_id: str, key: Key) -> dict[str, Any]:
    point, step, row = key
    return {"sweep_id": sweep_id, "sweep_point": point, "sweep_step": step, "sweep_row": row + 1}


def _text(text: str) -> dict[str, str]:
    """Return a text within JSON: databases change numbers, and the order of keys."""
    return {"canonical": text}
