"""How subjects and their tractograms are told."""

from collections.abc import Mapping
from typing import Any

from ...core import ledger
from ...core.work import Request
from ...kit.texts import many
from .tables import DwiImage, WhiteMatter


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
    described = []
    for request in requests:
        given = request.given
        image = images.get(given["dwi_id"], {})
        mask = masks.get((given["dwi_id"], given["white_matter_id"]), {})
        described.append(
            {
                "about": request.given["files"]["dwi"]["path"],
                "files": {name: one["path"] for name, one in given["files"].items()},
                "shape_xyz": given["shape_xyz"],
                "n_volumes": given["n_volumes"],
                "shells": image.get("shells"),
                "n_white_matter_voxels": mask.get("n_white_matter_voxels"),
            }
        )
    return described


def in_words(counts: Mapping[str, int]) -> str:
    """Return how many subjects and blocks, as a user would say them."""
    words = {"PULL_DWI": "subject", "FIT_TENSOR": "block", "TRACK_GROUP": "group"}
    told = (many(counts[name], one) for name, one in words.items() if counts.get(name))
    return ", ".join(told) or "nothing"
