"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...volumes import told
from .tables import TransferredVolume


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (TransferredVolume() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["TRANSFER_BLOCK"], known)
        | {
            "volume": made.get(request.request_id, {}).get("transferred"),
        }
        for request, number in zip(requests, counts, strict=True)
    ]


def outcome(described: dict[str, Any]) -> str:
    """Return what kind of volume a request made."""
    asked = described["parameters"]
    return f"{asked['format']}, {asked['dtype']}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 volume, 64 blocks`."""
    return told.in_words(counts, {"CREATE_VOLUME": "volume", "TRANSFER_BLOCK": "block"})
