"""How requests and their results are told."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ...core import ledger, work
from ...kit.texts import many
from ...volumes import told
from .tables import Agglomeration


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channels, source, box, method, parameters and result of each request."""
    names = [request.request_id for request in requests]
    made = {row["request_id"]: row for row in ledger.among(Agglomeration(), "request_id", names)}
    levels = defaultdict(list)
    for row in ledger.among(Agglomeration.Level(), "request_id", names):
        levels[row["request_id"]].append(row)
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["REGION_BLOCK"], known)
        | _affinities(request)
        | _result(made.get(request.request_id, {}), levels[request.request_id])
        for request, number in zip(requests, counts, strict=True)
    ]


def _affinities(request: work.Request) -> dict[str, Any]:
    """Return which channels, of which volumes, are the affinities along z, y and x."""
    every = request.given["affinities"]
    return {
        "affinity_channels": [one["chosen"].get("channel") for one in every],
        "affinity_sources": [one["channel"]["uri"] for one in every],
    }


def _result(result: dict[str, Any], levels: list[dict[str, Any]]) -> dict[str, Any]:
    total, rows = (result.get(name, 0) for name in ("n_merges", "n_merge_rows"))
    merges, note = result.get("agglomerated_merges"), None
    if result and result["n_region_pairs"] == 0:
        note = "no two regions touch: is source a segmentation of more than one, with no 0 between?"
    elif result and total == 0:
        note = "no two regions reach a threshold: are the thresholds in the affinities' unit?"
    elif total != rows:
        note = (
            f"the database lists the first {rows} merges, the other {total - rows} are in {merges}"
        )
    counts = ("n_regions", "n_region_pairs", "n_merges", "n_merge_rows")
    n_segments = {
        row["level_threshold"]: row["n_level_segments"]
        for row in sorted(levels, key=lambda row: Decimal(row["level_threshold"]))
    }
    return {
        **{name: result.get(name) for name in counts},
        "n_segments": n_segments or None,
        **{
            name: result.get(f"agglomerated_{name}")
            for name in ("segments", "merges", "graph", "regions")
        },
        "note": note,
    }


def outcome(described: dict[str, Any]) -> str:
    """Return how many regions there are, and what they become at each threshold."""
    levels = ", ".join(f"{number:,} at {at}" for at, number in described["n_segments"].items())
    return f"{many(described['n_regions'], 'region')}, merged to {levels}"


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return how many segments there are at each threshold of a request, for its page."""
    (row,) = (Agglomeration() & {"request_id": request}).to_dicts()
    levels = (Agglomeration.Level() & {"request_id": request}).to_dicts()
    levels.sort(key=lambda one: Decimal(one["level_threshold"]))
    return [
        {
            "caption": f"Segments of {row['n_regions']:,} regions, of which "
            f"{row['n_region_pairs']:,} pairs touch, by threshold",
            "columns": ["threshold", "merges", "segments"],
            "rows": [
                [one["level_threshold"], one["n_level_merges"], one["n_level_segments"]]
                for one in levels
            ],
        }
    ]


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 agglomeration, 64 blocks`."""
    return told.in_words(counts, {"MERGE_REGIONS": "agglomeration", "REGION_BLOCK": "block"})
