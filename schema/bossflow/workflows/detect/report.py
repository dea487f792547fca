"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...kit.texts import many
from ...volumes import located, told
from .tables import Detections

LISTED = 8


def layers(request: work.Request) -> dict[str, dict[str, Any]]:
    """Return what a viewer shows beside the image: the detections, as points."""
    points = {
        "points": "detections",
        "place": ["detection_x_nm", "detection_y_nm", "detection_z_nm"],
        "name": "detection_id",
        "score": "detection_score",
        "radius": "detection_radius_nm",
    }
    return {"detections": points | {"process": Detections.process}}


def points(request: work.Request) -> work.Points:
    """Return all detections."""
    z, y, x = (f"detection_{axis}" for axis in "zyx")
    return located.centroids(request, Detections, "Detection", "detection_id", (z, y, x))


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the best detections of a request, for its page."""
    key = {"request_id": request}
    made = (Detections() & key).fetch1()
    left = made["n_detections"] - made["n_detection_rows"]
    rows = (Detections.Detection() & key).to_dicts(order_by="detection_id", limit=LISTED)
    return [
        {
            "caption": "The best detections; places in voxels of the channel"
            + (f"; of all but {left:,}, which are no rows" if left else ""),
            "columns": [*_COLUMNS.values()],
            "rows": [[_told(name, row[name]) for name in _COLUMNS] for row in rows],
        }
    ]


def _told(name: str, value: Any) -> Any:
    return f"{value:.4g}" if name == "detection_score" else value  # scores differ little


_COLUMNS = {
    "detection_id": "detection",
    "detection_score": "score",
    "detection_x": "x",
    "detection_y": "y",
    "detection_z": "z",
    "detection_radius_nm": "radius (nm)",
}


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Detections() & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["DETECT_BLOCK"], known)
        | _result(made.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _result(result: dict[str, Any]) -> dict[str, Any]:
    names = ("n_detections", "n_detection_rows", "detections")
    total, rows = result.get("n_detections", 0), result.get("n_detection_rows", 0)
    note = (
        f"the database lists the first {rows} detections, the other {total - rows} are in "
        f"{result['detections']}"
        if rows < total
        else None
    )
    return {name: result.get(name) for name in names} | {"note": note}


def outcome(described: dict[str, Any]) -> str:
    """Return how many objects were found, and how."""
    return f"{many(described['n_detections'], 'detection')}, {described['parameters']['method']}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 table, 64 blocks`."""
    return told.in_words(counts, {Detections.process: "table", "DETECT_BLOCK": "block"})
