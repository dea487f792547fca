"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...kit.texts import many
from ...volumes import told
from .tables import RemappedSegments, RemappedVolume

COLUMNS = {
    "component_id": "segment_id",
    "voxel_count": "segment_voxel_count",
    **{f"bbox_{axis}{end}": f"segment_{axis}{end}" for axis in "xyz" for end in "01"},
    **{f"centroid_{axis}": f"segment_centroid_{axis}" for axis in "xyz"},
}
"""What columns are called that components have too."""

NUMBERS = {
    "segment_voxel_count": "voxels",
    **{f"segment_centroid_{axis}_nm": f"centroid {axis} (nm)" for axis in "xyz"},
}
"""Numbers of segments, and what a viewer calls them."""


def layers(request: work.Request) -> dict[str, dict[str, Any]]:
    """Return what a viewer and the page are told of the new segments."""
    table = {"table": "segments", "process": "SUM_REMAPPED", "segment": "segment_id"}
    return {"volume": table | {"numbers": NUMBERS, "one": "segment", "columns": COLUMNS}}


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (RemappedVolume() & asked).to_dicts()}
    sums = {row["request_id"]: row for row in (RemappedSegments() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["REMAP_BLOCK"], known)
        | _result(made.get(request.request_id, {}) | sums.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _result(result: dict[str, Any]) -> dict[str, Any]:
    names = "n_table_rows", "n_source_segments", "n_new_segments"
    return {name: result.get(name) for name in names} | {
        "volume": result.get("remapped_volume"),
        "segments": result.get("remapped_segments"),
    }


def outcome(described: dict[str, Any]) -> str:
    """Return how many segments became how many."""
    now = many(described["n_new_segments"], "segment")
    return f"{now} of {described['n_source_segments']:,}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 volume, 64 blocks`."""
    return told.in_words(counts, {"READ_TABLE": "table", "REMAP_BLOCK": "block"})
