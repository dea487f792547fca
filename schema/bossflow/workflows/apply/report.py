"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import ledger, work
from ...core.tables import ParamSet, Request
from ...kit.texts import many
from ...volumes import told
from .tables import Applied, AppliedRows


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, function, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    begun = {row["request_id"]: row for row in (Applied() & asked).to_dicts()}
    rows = {row["request_id"]: row for row in (AppliedRows() & asked).to_dicts()}
    known = told.sources(requests)
    described = []
    for request, number in zip(requests, counts, strict=True):
        function, name = request.given["function"], request.request_id
        table = rows.get(name, {})
        described.append(
            told.of_cutout(request, number["APPLY_BLOCK"], known)
            | {
                "function": f"{function['module']}:{function['name']}",
                "arguments": request.given["arguments"],
                "volume": begun.get(name, {}).get("applied_volume"),
                "n_rows": table.get("n_applied_rows"),
                "rows": table.get("applied_rows"),
            }
        )
    return described


def traced(process: str, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of what is applied to a cutout the arguments, and of blocks nothing more."""
    if process != Applied.process:
        return [{} for _ in keys]
    names = [key["request_id"] for key in keys]
    rows = ledger.among(Request() * ParamSet(), "request_id", names)
    parameters = {row["request_id"]: row["parameters"] for row in rows}
    return [{"arguments": parameters[name]["arguments"]} for name in names]


def outcome(described: dict[str, Any]) -> str:
    """Return what a function made."""
    number = described["n_rows"]
    made = described["parameters"]["volume"]["dtype"] if number is None else many(number, "row")
    return f"{described['function']}: {made}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 volume, 64 blocks`."""
    return told.in_words(counts, {"APPLY_BLOCK": "block"})
