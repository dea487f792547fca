"""What is asked for: a function, and the rows that it is called for."""

import dataclasses
import json
import os
from typing import Any

from ... import database
from ...core import work
from ...core.tasks import TASK_SECONDS
from ...kit.digests import canonical
from ...kit.texts import many
from .files import made_by
from .tables import FunctionCall, MappedFunction, MapRequest

NAME = "bossflow.workflows.map"  # is hashed into ids, wherever this module is
VERSION = "1"  # raised when the same function would be called otherwise

CALLS_MAX = 100_000
GIVEN_MAX = 16 * 2**20
"""Characters of all arguments of a request, which are one value in the database."""

TASKS_PER_CORE = 8
"""Where nothing is known of how long a call takes: a long one holds up few others."""

LEAST_SECONDS = 0.02
"""What a call takes at least, with its bundle."""

KNOWN_CALLS = 10
"""Of a function that is known: fewer were to try it."""

LONG_SECONDS = 2.0
"""What a call takes, at least, for which others of its task would wait."""

LONG_MAX = 1000
"""Calls whose time is remembered each by itself: the longest."""


def expand(
    params: dict[str, Any], described: dict[str, Any]
) -> tuple[list[work.Request], list[str]]:
    """Return the one request for a function and its rows."""
    (row,) = described["rows"]
    request = asked(row["function"], row["calls"])
    calls = row["calls"]
    settings = {name: row[name] for name in ("project", "requirements") if row[name]}
    settings["sources"] = made_by(path for call in calls for path in call["paths"].values())
    settings |= _seconds(row["function"], calls)
    again = row["n_rows"] - len(calls)
    said = f"{many(again, 'row')} of {row['n_rows']:,} ask for the same call as one before"
    return [
        dataclasses.replace(
            request,
            settings=settings,
            where=row["where"],
            notes=(f"{said}: it is made once",) if again else (),
        )
    ], []


def asked(function: dict[str, Any], calls: list[dict[str, Any]]) -> work.Request:
    """Return the request for calls of a function.

    Parameters
    ----------
    function : dict
        As `functions.asked.told` returns it.
    calls : list of dict
        As `functions.asked.calls` returns them.

    Raises
    ------
    ValueError
        If there are none, or more than a request may have.
    """
    if not calls:
        raise ValueError("rows has no rows: give at least one, with a value for each argument")
    given = [[call["call_id"], call["arguments"]] for call in calls]
    paths = {call["call_id"]: call["paths"] for call in calls if call["paths"]}
    if len(calls) > CALLS_MAX or len(canonical([given, paths])) > GIVEN_MAX:
        raise ValueError(
            f"rows asks for {many(len(calls), 'call')}, and a request has {CALLS_MAX:,} at most, "
            f"with arguments of {GIVEN_MAX:,} characters in all: cut it, or have large arguments "
            "in files and give their paths"
        )
    request = work.Request(
        workflow=NAME,
        paramset=work.ParamSet("map", VERSION, {"function": function["digest"]}),
        subject=[name for name, _ in given],
        given={"function": function, "calls": given, "paths": paths},
    )
    of_request = {"request_id": request.request_id, "n_calls": len(calls)}
    of_request["function_id"] = function_id(function)
    rows: work.Rows = (function_rows(function), (MapRequest, [of_request]))
    return dataclasses.replace(request, rows=rows)


def function_id(function: dict[str, Any]) -> str:
    """Return the id of a function (16 hex digits)."""
    return str(function["digest"])[:16]


def function_rows(function: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    """Return the row that says what a function is."""
    columns = {"module": "module", "name": "name", "sha256": "digest", "python": "python"}
    columns |= {"versions": "versions", "files": "files"}
    row = {f"function_{name}": function[own] for name, own in columns.items()}
    return MappedFunction, [{"function_id": function_id(function)} | row]


def _seconds(function: dict[str, Any], calls: list[dict[str, Any]]) -> dict[str, Any]:
    """Return about how long calls take, by what is recorded of the function, however changed.

    Where few are, or some took far longer than others, so long that each core has some tasks.

    Returns
    -------
    dict
        `seconds` of a call; `unknown`, whether these only cut tasks; and `long`: by call, those of
        the longest ones before whose arguments are asked for again, if there are any.
    """
    of_function = (
        f"FROM {FunctionCall.full_table_name} c "
        f"JOIN {MappedFunction.full_table_name} f ON f.function_id = c.function_id "
        "WHERE f.function_module = %s AND f.function_name = %s"
    )
    ask, name = database.connection().query, (function["module"], function["name"])
    totals = f"SELECT COUNT(*), AVG(c.call_seconds), MAX(c.call_seconds) {of_function}"
    ((number, mean, most),) = ask(totals, name).fetchall()
    cores = os.cpu_count() or 1
    apart = min(1, TASKS_PER_CORE * cores / len(calls)) * TASK_SECONDS
    if not number:
        return {"seconds": apart, "unknown": True}
    long = max(LONG_SECONDS, 2 * mean)
    if most <= long:
        few = number < KNOWN_CALLS
        seconds = max(apart if few else LEAST_SECONDS, mean)
        return {"seconds": seconds, "unknown": few and apart > mean}
    query = (
        f"SELECT c.call_arguments, c.call_seconds {of_function} AND c.call_seconds > %s "
        f"ORDER BY c.call_seconds DESC LIMIT {LONG_MAX}"
    )
    before = {
        canonical(json.loads(given) if isinstance(given, str) else given): float(took)
        for given, took in reversed(ask(query, (*name, long)).fetchall())
    }
    known = {call["call_id"]: before.get(canonical(call["arguments"])) for call in calls}
    return {
        "seconds": max(apart, mean),
        "unknown": apart > mean,
        "long": {call: took for call, took in known.items() if took is not None},
    }
