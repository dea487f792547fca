"""How requests and their results are told."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ...core import results, work
from ...kit.texts import many
from ...volumes import located, told
from .tables import Statistics

LISTED = 8

NUMBERS = {
    "segment_voxel_count": "voxels",
    "mean_intensity": "mean intensity",
    "std_intensity": "standard deviation of intensities",
    "min_intensity": "lowest intensity",
    "max_intensity": "highest intensity",
    **{f"segment_centroid_{axis}_nm": f"centroid {axis} (nm)" for axis in "xyz"},
}
"""Numbers of segments, and what a viewer calls them."""


def layers(request: work.Request) -> dict[str, dict[str, Any]]:
    """Return what a viewer shows: the segments with what was measured, and the image."""
    table = {"table": "segments", "segment": "measured_segment", "numbers": NUMBERS}
    told: dict[str, dict[str, Any]] = {"segments": table | {"process": "MERGE_SEGMENTS"}}
    if image := request.given.get("intensity"):
        told["image"] = {"given": image}
    return told


def points(request: work.Request) -> work.Points:
    """Return the centroids of all segments."""
    z, y, x = (f"segment_centroid_{axis}" for axis in "zyx")
    return located.centroids(request, Statistics, "Segment", "measured_segment", (z, y, x))


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the largest segments and contacts of a request, for its page."""
    key = {"request_id": request}
    told = (Statistics() & key).fetch1()
    tables: list[tuple[str, Any, tuple[str, ...], dict[str, str], int]] = [
        (
            "The largest segments; places in voxels of the channel, intensities of the image",
            Statistics.Segment,
            ("segment_voxel_count DESC", "measured_segment"),
            _OF_SEGMENT,
            told["n_segments"] - told["n_segment_rows"],
        ),
        (
            "The largest contacts; 0 is no segment",
            Statistics.Contact,
            ("contact_area_nm2 DESC", "touching_segment", "touched_segment"),
            _OF_CONTACT,
            told["n_contacts"] - told["n_contact_rows"],
        ),
    ]
    return [
        {
            "caption": caption + (f"; of all but {left:,}, which are no rows" if left else ""),
            "columns": [*columns.values()],
            "rows": [
                [_shown(row[name]) for name in columns]
                for row in (part() & key).to_dicts(order_by=order, limit=LISTED)
            ],
        }
        for caption, part, order, columns, left in tables
    ]


_OF_SEGMENT = {
    "measured_segment": "segment",
    "segment_voxel_count": "voxels",
    "segment_centroid_x": "centroid x",
    "segment_centroid_y": "y",
    "segment_centroid_z": "z",
    "mean_intensity": "mean",
    "std_intensity": "deviation",
    "min_intensity": "least",
    "max_intensity": "most",
}
_OF_CONTACT = {
    "touching_segment": "segment",
    "touched_segment": "and segment",
    "contact_area_nm2": "area (nm2)",
}


def _shown(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Statistics() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["MEASURE_BLOCK"], known)
        | _image(request.given.get("intensity"))
        | _result(made.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _image(given: dict[str, Any] | None) -> dict[str, Any]:
    """Return which image was measured, of several channels or times which."""
    uri = given["channel"]["uri"] if given else None
    return {"intensity_source": uri, "intensity_chosen": results.chosen(given or {}) or None}


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
