"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...kit.texts import many
from ...volumes import told
from .tables import Statistics


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Statistics() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["MEASURE_BLOCK"], known)
        | {"intensity_source": request.given.get("intensity", {}).get("channel", {}).get("uri")}
        | _result(made.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _result(result: dict[str, Any]) -> dict[str, Any]:
    names = ("n_segments", "n_segment_rows", "n_contacts", "n_contact_rows")
    urls = ("segments", "contacts", "histograms")
    notes = [
        f"the database lists the first {rows} {kind}s, the other {total - rows} are in "
        f"{result[f'{kind}s']}"
        for kind in ("segment", "contact")
        for total, rows in [(result.get(f"n_{kind}s", 0), result.get(f"n_{kind}_rows", 0))]
        if rows < total
    ]
    return {name: result.get(name) for name in (*names, *urls)} | {"note": "; ".join(notes) or None}


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's segments and contacts."""
    segments, contacts = described["n_segments"], described["n_contacts"]
    return f"{many(segments, 'segment')}, {many(contacts, 'contact')}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 table, 64 blocks`."""
    return told.in_words(counts, {"MERGE_SEGMENTS": "table", "MEASURE_BLOCK": "block"})
