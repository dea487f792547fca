"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...kit.texts import many
from ...volumes import told
from .tables import Supervoxels
from .units import channels

NUMBERS = {
    "supervoxel_voxel_count": "voxels",
    **{f"supervoxel_centroid_{axis}_nm": f"centroid {axis} (nm)" for axis in "xyz"},
}
"""Numbers of supervoxels, and what a viewer calls them."""


COLUMNS = {
    "component_id": "supervoxel_id",
    "voxel_count": "supervoxel_voxel_count",
    **{f"bbox_{axis}{end}": f"supervoxel_{axis}{end}" for axis in "xyz" for end in "01"},
    **{f"centroid_{axis}": f"supervoxel_centroid_{axis}" for axis in "xyz"},
}
"""What columns are called that components have too."""


def layers(request: work.Request) -> dict[str, dict[str, Any]]:
    """Return what a viewer and the page are told of supervoxels."""
    table = {"table": "supervoxels", "segment": "supervoxel_id", "numbers": NUMBERS}
    return {"volume": table | {"one": "supervoxel", "columns": COLUMNS}}


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channels, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Supervoxels() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["BASIN_BLOCK"], known)
        | _affinities(request)
        | _result(made.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _affinities(request: work.Request) -> dict[str, Any]:
    """Return which channels, of which volumes, are the affinities along z, y and x."""
    every = channels(request.given)
    return {
        "affinity_channels": [one["chosen"].get("channel") for one in every],
        "affinity_sources": [one["channel"]["uri"] for one in every],
    }


def _result(result: dict[str, Any]) -> dict[str, Any]:
    total, rows = (result.get(name, 0) for name in ("n_supervoxels", "n_supervoxel_rows"))
    table, note = result.get("supervoxels"), None
    if result and total == 0:
        note = "no edge joins enough voxels: are the thresholds in the affinities' unit?"
    elif total != rows:
        note = (
            f"the database lists the first {rows} supervoxels, the other {total - rows} are in "
            f"{table}"
        )
    counts = {name: result.get(name) for name in ("n_supervoxels", "n_supervoxel_rows")}
    return counts | {"volume": result.get("supervoxel_volume"), "supervoxels": table, "note": note}


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's supervoxels."""
    return many(described["n_supervoxels"], "supervoxel")


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 set of supervoxels, 64 blocks`."""
    return told.in_words(counts, {"MERGE_BASINS": "watershed", "BASIN_BLOCK": "block"})
