"""How requests and their results are told."""

import shlex
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
    """Return channel, source, box, function or command, parameters and result request."""
    asked = [{"request_id": request.request_id} for request in requests]
    begun = {row["request_id"]: row for row in (Applied() & asked).to_dicts()}
    rows = {row["request_id"]: row for row in (AppliedRows() & asked).to_dicts()}
    known = told.sources(requests)
    described = []
    for request, number in zip(requests, counts, strict=True):
        given, name = request.given, request.request_id
        command = request.paramset.parameters.get("command")
        table = rows.get(name, {})
        described.append(
            told.of_cutout(request, number["APPLY_BLOCK"], known)
            | {
                **(_command(command, given["image"]) if command else _function(given)),
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
    told = ({"arguments", "command"} & parameters[name].keys() for name in names)
    return [
        {one: parameters[name][one] for one in some} for name, some in zip(names, told, strict=True)
    ]


def _function(given: dict[str, Any]) -> dict[str, Any]:
    name = "{module}:{name}".format_map(given["function"])
    return {"applied": name, "function": name, "arguments": given["arguments"]}


def _command(words: list[str], image: str) -> dict[str, Any]:
    command = shlex.join(words)
    return {"applied": command, "command": command, "image": image or None}


def outcome(described: dict[str, Any]) -> str:
    """Return what a function or a command made."""
    number = described["n_rows"]
    made = described["parameters"]["volume"]["dtype"] if number is None else many(number, "row")
    return f"{described['applied']}: {made}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 volume, 64 blocks`."""
    return told.in_words(counts, {"APPLY_BLOCK": "block"})
