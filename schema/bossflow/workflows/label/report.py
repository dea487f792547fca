"""How requests and their results are told."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import datajoint as dj

from ...core import work
from ...kit.texts import many
from ...volumes import located, told
from ...volumes.zeros import only_zeros
from .tables import BlockLabels, Segmentation

NUMBERS = {
    "voxel_count": "voxels",
    **{f"centroid_{axis}_nm": f"centroid {axis} (nm)" for axis in "xyz"},
}
"""Numbers of components, and what a viewer calls them."""


def layers(request: work.Request) -> dict[str, dict[str, Any]]:
    """Return what a viewer is told of components; their label is their segment in the source."""
    table = {"table": "components", "segment": "component_id", "numbers": NUMBERS}
    return {"volume": table | {"label": "segment_id"}}


def points(request: work.Request) -> work.Points:
    """Return the centroids of all components."""
    columns = "centroid_z", "centroid_y", "centroid_x"
    return located.centroids(request, Segmentation, "Component", "component_id", columns)


def describe(
    requests: list[work.Request], counts: list[dict[str, tuple[int, int]]]
) -> list[dict[str, Any]]:
    """Return channel, source, box, method, parameters and result of each request."""
    asked = [{"request_id": request.request_id} for request in requests]
    made = {row["request_id"]: row for row in (Segmentation() & asked).to_dicts()}
    results = [made.get(request.request_id, {}) for request in requests]
    whole = [request for request in requests if request.request_id in made]
    empty = [request for request in whole if made[request.request_id]["n_components"] == 0]
    notes = _of_nothing(empty) | _zeros(whole)
    known = told.sources(requests)
    return [
        told.of_cutout(request, number["LABEL_BLOCK"], known)
        | _result(result, notes.get(request.request_id))
        for request, number, result in zip(requests, counts, results, strict=True)
    ]


def _result(result: dict[str, Any], note: str | None) -> dict[str, Any]:
    return {
        "n_components": result.get("n_components"),
        "n_component_rows": result.get("n_component_rows"),
        "volume": result.get("volume"),
        "components": result.get("components"),
        "note": "; ".join(filter(None, [rest(result), note])) or None,
    }


def rest(segmentation: dict[str, Any]) -> str | None:
    """Say where the components are that are not rows of the database; None if all are."""
    rows, all_of_them = (segmentation.get(name, 0) for name in ("n_component_rows", "n_components"))
    if rows == all_of_them:
        return None
    return (
        f"the database lists the first {rows} components, the other {all_of_them - rows} are in "
        f"{segmentation['components']}"
    )


def _zeros(requests: list[work.Request]) -> dict[str, str]:
    """Say of requests, by id, which blocks were pulled as nothing but zeros, if any were."""
    by_dtype: dict[str, list[dict[str, str]]] = defaultdict(list)
    for request in requests:
        by_dtype[request.given["channel"]["dtype"]].append({"request_id": request.request_id})
    return {
        name: f"{len(empty)} of {pulled} pulled blocks hold only zeros (first: {empty[0]}): if the "
        "archive has data there, was it downsampled to this resolution? `bossflow invalidate "
        f"--block {empty[0]}` has it pulled again"
        for dtype, some in by_dtype.items()
        for name, (empty, pulled) in only_zeros(Segmentation.Source() & some, dtype).items()
    }


def _of_nothing(requests: list[work.Request]) -> dict[str, str]:
    """Say of requests without components, by id, why there are none."""
    some = [{"request_id": request.request_id} for request in requests]
    labels = Segmentation.Source * BlockLabels.proj("n_labels") & some
    local = dj.U("request_id").aggr(labels, n="sum(n_labels)").to_dicts() if some else []
    sums = {row["request_id"]: int(row["n"]) for row in local}
    reasons = {}
    for request in requests:
        asked = request.paramset.parameters
        above = asked.get("foreground_above", 0)
        if sums.get(request.request_id):
            why = f"all of its components have fewer than {asked['min_voxels']} voxels"
        elif above:
            why = f"none of its voxels is above {above}"
        else:
            why = "all of its voxels are zero: are they so in the source, or is it not whole?"
        reasons[request.request_id] = why
    return reasons


def outcome(described: dict[str, Any]) -> str:
    """Return the number of a request's components."""
    number = described["n_components"]
    return many(number, "component")


def in_words(counts: Mapping[str, int]) -> str:
    """Return numbers of units as a user would say them: `1 segmentation, 64 blocks`."""
    return told.in_words(counts, {"STITCH": "segmentation", "LABEL_BLOCK": "block"})
