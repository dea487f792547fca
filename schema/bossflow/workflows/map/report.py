"""How mapped functions are told."""

from collections.abc import Mapping
from typing import Any

from ...core.work import Request
from ...kit.texts import many


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


def outcome(described: dict[str, Any]) -> str:
    """Return how many calls returned something."""
    return many(described["n_returned"], "call")


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many calls."""
    return many(counts.get("CALL_FUNCTION", 0), "call")
