"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...kit.texts import many
from ...volumes import told
from .tables import Pyramid


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Pyramid() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["DOWNSAMPLE_BLOCK"], known)
        | {
            "n_levels": made.get(request.request_id, {}).get("n_levels"),
            "pyramid": made.get(request.request_id, {}).get("pyramid"),
        }
        for request, number in zip(requests, counts, strict=True)
    ]


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's levels."""
    number = described["n_levels"]
    return many(number, "level")


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 pyramid, 64 blocks`."""
    return told.in_words(counts, {"CREATE_PYRAMID": "pyramid", "DOWNSAMPLE_BLOCK": "block"})
