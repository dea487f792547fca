"""How requests and their results are told."""

from collections.abc import Mapping
from typing import Any

from ...core import work
from ...kit.texts import many
from ...volumes import told
from .tables import RunIndex, SkeletonSet

LISTED = 8


def tables_of(request: str) -> list[dict[str, Any]]:
    """Return the longest skeletons of a request, for its page."""
    key = {"request_id": request}
    told = (SkeletonSet() & key).fetch1()
    order = ("cable_length_nm DESC", "skeletonized_segment_id")
    rows = (SkeletonSet.Skeleton() & key).to_dicts(order_by=order, limit=LISTED)
    left = told["n_skeletons"] - told["n_skeleton_rows"]
    table = {
        "caption": "The longest skeletons"
        + (f"; of all but {left:,}, which are no rows" if left else ""),
        "columns": ["segment", "cable (µm)", "branches", "ends", "largest radius (nm)", "trees"],
        "rows": [
            [
                str(row["skeletonized_segment_id"]),
                f"{row['cable_length_nm'] / 1e3:.4g}",
                row["n_branches"],
                row["n_ends"],
                f"{row['max_radius_nm']:.4g}",
                row["n_trees"],
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
    made = {row["request_id"]: row for row in (RunIndex() * SkeletonSet & asked).to_dicts()}
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["RUNS_BLOCK"], known)
        | _result(made.get(request.request_id, {}))
        for request, number in zip(requests, counts, strict=True)
    ]


def _result(result: dict[str, Any]) -> dict[str, Any]:
    counts = ("n_skeletons", "n_skeleton_rows", "n_dust_segments")
    return {name: result.get(name) for name in counts} | {
        "skeletons": result.get("skeletons"),
        "table": result.get("skeleton_table"),
        "note": _note(result) if result else None,
    }


def _note(result: dict[str, Any]) -> str | None:
    """Say which segments have no skeleton, and where those are listed that are not rows."""
    rows, total, dust = (
        result[name] for name in ("n_skeleton_rows", "n_skeletons", "n_dust_segments")
    )
    if not total and not dust:
        return "there are no segments: all voxels are zero"
    notes = []
    if dust:
        notes.append(f"{many(dust, 'segment')} of too few voxels (min_voxels) without a skeleton")
    if total != rows:
        notes.append(
            f"the database lists the first {rows} skeletons, the other {total - rows} are in "
            f"{result['skeleton_table']}"
        )
    return "; ".join(notes) or None


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's skeletons."""
    return many(described["n_skeletons"], "skeleton")


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `64 blocks, 4 buckets`."""
    return told.in_words(counts, {"RUNS_BLOCK": "block", "SKELETON_BUCKET": "bucket"})
