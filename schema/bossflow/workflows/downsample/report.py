"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from .tables import Pyramid


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Pyramid() & asked).to_dicts()}
    return [
        {
            "channel": request.given["channel"]["channel_id"],
            "source": request.given["channel"]["uri"],
            "archive": request.given["channel"]["archive"],
            "resolution": request.given["channel"]["resolution"],
            "chosen": request.given["chosen"] or None,
            "box": request.given["cutout"],
            "method": request.paramset.method,
            "parameters": request.paramset.parameters,
            "blocks_total": number["DOWNSAMPLE_BLOCK"][1],
            "blocks_recorded": number["DOWNSAMPLE_BLOCK"][0],
            "n_levels": made.get(request.request_id, {}).get("n_levels"),
            "pyramid": made.get(request.request_id, {}).get("pyramid"),
        }
        for request, number in zip(requests, counts, strict=True)
    ]


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's levels."""
    number = described["n_levels"]
    return f"{number:,} level{'s' * (number != 1)}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 pyramid, 64 blocks`."""
    names = {"CREATE_PYRAMID": "pyramid", "DOWNSAMPLE_BLOCK": "block"}
    return ", ".join(
        f"{counts.get(process, 0):,} {name}" + ("" if counts.get(process) == 1 else "s")
        for process, name in names.items()
    )
