"""How subjects and their tractograms are told."""

from collections.abc import Mapping
from typing import Any

from ...core import ledger
from ...core.work import Request
from ...kit.texts import many
from .tables import DwiImage, Tractogram, WhiteMatter

LISTED = 8


def describe(
    requests: list[Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return of each subject its files, and what was made of them."""
    ids = [request.given["dwi_id"] for request in requests]
    images = {row["dwi_id"]: row for row in ledger.among(DwiImage(), "dwi_id", ids)}
    masks = {
        (row["dwi_id"], row["white_matter_id"]): row
        for row in ledger.among(WhiteMatter(), "dwi_id", ids)
    }
    names = [request.request_id for request in requests]
    made = {row["request_id"]: row for row in ledger.among(Tractogram(), "request_id", names)}
    described = []
    for request in requests:
        given = request.given
        image = images.get(given["dwi_id"], {})
        mask = masks.get((given["dwi_id"], given["white_matter_id"]), {})
        tracts = made.get(request.request_id, {})
        described.append(
            {
                "about": request.given["files"]["dwi"]["path"],
                "files": {name: one["path"] for name, one in given["files"].items()},
                "shape_xyz": given["shape_xyz"],
                "n_volumes": given["n_volumes"],
                "shells": image.get("shells"),
                "n_white_matter_voxels": mask.get("n_white_matter_voxels"),
                "n_streamlines": tracts.get("tract_n_streamlines"),
                "n_connections": tracts.get("n_connections"),
                "tractogram": tracts.get("tract_lines"),
                **{
                    name: tracts.get(f"tract_{name}") for name in ("connectome", "maps", "pictures")
                },
            }
        )
    return described


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a subject's streamlines."""
    return many(described["n_streamlines"], "streamline")


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the strongest connections of a subject, for its page."""
    order = ("n_connecting DESC", "label_a", "label_b")
    rows = (Tractogram.Connection() & {"request_id": request}).to_dicts(
        order_by=order, limit=LISTED
    )
    table = {
        "caption": "What most streamlines connect, by the labels of their ends",
        "columns": ["label", "label", "streamlines", "mean length (mm)", "mean FA"],
        "rows": [
            [
                str(row["label_a"]),
                str(row["label_b"]),
                row["n_connecting"],
                f"{row['mean_length_mm']:.4g}",
                f"{row['mean_tract_fa']:.3f}",
            ]
            for row in rows
        ],
    }
    return [table] if rows else []


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many subjects and blocks, as a user would say them."""
    words = {"PULL_DWI": "subject", "FIT_TENSOR": "block", "TRACK_GROUP": "group"}
    told = (many(counts[name], one) for name, one in words.items() if counts.get(name))
    return ", ".join(told) or "nothing"
