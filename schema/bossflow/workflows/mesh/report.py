"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...volumes import told
from .tables import MeshIndex, MeshSet

LISTED = 8


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the largest meshes of a request, for its page."""
    key = {"request_id": request}
    told = (MeshSet() & key).fetch1()
    order = ("volume_nm3 DESC", "meshed_segment_id")
    rows = (MeshSet.Mesh() & key).to_dicts(order_by=order, limit=LISTED)
    left = told["n_meshes"] - told["n_mesh_rows"]
    caption = "The largest; volume and area are those of the surfaces before they were simplified"
    table = {
        "caption": caption + (f"; of all but {left:,}, which are no rows" if left else ""),
        "columns": ["segment", "volume (µm³)", "area (µm²)", "triangles", "simplified by (nm)"],
        "rows": [
            [
                str(row["meshed_segment_id"]),
                f"{row['volume_nm3'] / 1e9:.4g}",
                f"{row['area_nm2'] / 1e6:.4g}",
                row["n_faces"],
                row["simplified_nm"],
            ]
            for row in rows
        ],
    }
    return [table] if rows else []


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (MeshIndex() * MeshSet & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["SURFACE_BLOCK"], known)
        | _result(made.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _result(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "n_meshes": result.get("n_meshes"),
        "n_mesh_rows": result.get("n_mesh_rows"),
        "meshes": result.get("meshes"),
        "table": result.get("mesh_table"),
        "note": _rest(result),
    }


def _rest(result: dict[str, Any]) -> str | None:
    """Say where the meshes are listed that are not rows of the database; None if all are."""
    rows, total = result.get("n_mesh_rows", 0), result.get("n_meshes")
    if total is None or rows == total:
        return "there are no segments: all voxels are zero" if total == 0 else None
    return (
        f"the database lists the first {rows} meshes, the other {total - rows} are in "
        f"{result['mesh_table']}"
    )


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's meshes."""
    number = described["n_meshes"]
    return f"{number:,} mesh{'es' * (number != 1)}"


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `64 blocks, 4 buckets`."""
    return told.in_words(counts, {"SURFACE_BLOCK": "block", "MESH_BUCKET": "bucket"})
