"""How command lines and what they left are told."""

import shlex
from collections.abc import Mapping
from typing import Any

from ...core.work import Request
from .tables import CommandResult


def describe(
    requests: list[Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return of each the command, its tool and inputs and, once made, where its files are."""
    asked_for = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (CommandResult() & asked_for).to_dicts()}
    described = []
    for request in requests:
        asked, row = request.paramset.parameters, made.get(request.request_id, {})
        described.append(
            {
                "command": shlex.join(asked["command"]),
                "tool": asked["tool"],
                "inputs": [one["path"] for one in request.given["inputs"]],
                "n_outputs": row.get("n_outputs"),
                "outputs": row.get("outputs"),
            }
        )
    return described


def outcome(described: dict[str, Any]) -> str:
    """Return how many files a command left."""
    number = described["n_outputs"]
    return f"{number:,} file{'s' * (number != 1)}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many command lines."""
    number = counts.get("COMMAND", 0)
    return f"{number:,} command line{'s' * (number != 1)}"
