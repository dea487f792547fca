"""How mapped functions are told."""

import json
from collections.abc import Mapping
from typing import Any

from ...core import ledger, tables
from ...core.work import Request
from ...kit.texts import cut, many
from .tables import FunctionCall, MappedFunction, StagedFunction

LISTED = 8
CELL_MAX = 120
"""Characters of arguments, and of a result, on a page."""


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the first calls of a request and what they returned, for its page."""
    (row,) = (tables.Request.Given() & {"request_id": request}).to_dicts()
    calls = json.loads(row["given"]["canonical"])["given"]["calls"]
    names = [name for name, _ in calls[:LISTED]]
    made = {one["call_id"]: one for one in ledger.among(FunctionCall(), "call_id", names)}
    first = f"The first {LISTED} of {many(len(calls), 'call')}" if calls[LISTED:] else "Calls"
    return [
        {
            "caption": first,
            "columns": ["arguments", "returned", "seconds"],
            "rows": [
                [
                    _short(one["call_arguments"]),
                    _returned(one),
                    f"{one['call_seconds']:.3g}",
                ]
                for one in (made[name] for name in names)
            ],
        }
    ]


def _returned(call: dict[str, Any]) -> str:
    text = call["result_json"]
    return _short(json.loads(text)) if text else str(call["result_kind"])


def _short(value: Any) -> str:
    return cut(json.dumps(value, ensure_ascii=False), CELL_MAX)


def describe(
    requests: list[Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return of each the function, and how many calls of it there are."""
    described = []
    for request, number in zip(requests, counts, strict=True):
        function, (returned, n_calls) = request.given["function"], number["CALL_FUNCTION"]
        name = f"{function['module']}:{function['name']}"
        described.append(
            {
                "about": f"{name}, {many(n_calls, 'call')}",
                "function": name,
                "n_calls": n_calls,
                "n_returned": returned,
            }
        )
    return described


def traced(process: str, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of sources which function they are of, and of calls with what they were called."""
    if process == StagedFunction.process:
        names = [key["function_id"] for key in keys]
        rows = ledger.among(MappedFunction(), "function_id", names)
        of = {row["function_id"]: row for row in rows}
        return [_function(of[name]) for name in names]
    names = [key["call_id"] for key in keys]
    rows = ledger.among(FunctionCall.proj("call_arguments"), "call_id", names)
    arguments = {row["call_id"]: row["call_arguments"] for row in rows}
    return [{"arguments": arguments[name]} for name in names]


def _function(row: dict[str, Any]) -> dict[str, Any]:
    own = ("python", "versions", "files")
    told = {"function": f"{row['function_module']}:{row['function_name']}"}
    return told | {name: row[f"function_{name}"] for name in own}


def outcome(described: dict[str, Any]) -> str:
    """Return how many calls returned something."""
    return many(described["n_returned"], "call")


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many calls."""
    return many(counts.get("CALL_FUNCTION", 0), "call")
