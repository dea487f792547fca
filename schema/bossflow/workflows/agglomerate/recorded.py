"""What is recorded that bears on how a request is made."""

from decimal import Decimal

from ...core import work
from ...volumes.collected import Collected
from ..label.recorded import by_density
from .tables import AgglomerateRequest, Agglomeration, RegionBlock

MERGED = Collected(AgglomerateRequest, Agglomeration, "n_merges", "n_merge_rows")

PAIRS_PER_VOXEL = 1 / 40
"""More than most have, where none are recorded."""


def n_pairs(requests: list[work.Request]) -> list[int]:
    """Return how many pairs of regions requests may have: as dense as in recorded blocks."""
    return by_density(requests, RegionBlock, "n_block_pairs", PAIRS_PER_VOXEL)


def ids(request: work.Request, threshold: str | None) -> work.Ids:
    """Return which segment each region is in at a threshold, as a table by which remap rewrites.

    Raises
    ------
    ValueError
        If it has no such threshold, or has several of which none is given.
    """
    thresholds = request.paramset.parameters["thresholds"]
    listed = ", ".join(thresholds)
    if threshold is None and len(thresholds) > 1:
        raise ValueError(f"it has the thresholds {listed}: give one as threshold")
    wanted = Decimal(threshold or thresholds[0])
    found = next((one for one in thresholds if Decimal(one) == wanted), None)
    if found is None:
        raise ValueError(f"it has no threshold {threshold}: it has {listed}")
    rows = (Agglomeration() & {"request_id": request.request_id}).to_dicts()
    return work.Ids(
        "MERGE_REGIONS",
        "segments.parquet",
        ["supervoxel_id", "segment_id"],
        ["threshold", found],
        found,
        sum(int(row["n_regions"]) for row in rows),
    )
