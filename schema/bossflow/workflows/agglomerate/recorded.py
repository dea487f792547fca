"""What is recorded that bears on how a request is made."""

from decimal import Decimal
from math import ceil

import datajoint as dj

from ... import database
from ...core import work
from ...volumes.tables import Block
from ...volumes.zeros import VOLUME
from ...voxels.boxes import Box
from ..label.recorded import Stitched
from .tables import AgglomerateRequest, Agglomeration, RegionBlock

MERGED = Stitched(AgglomerateRequest, Agglomeration, "n_merges", "n_merge_rows")

PAIRS_PER_VOXEL = 1 / 40
"""More than most have, where none are recorded."""


def n_pairs(requests: list[work.Request]) -> list[int]:
    """Return how many pairs of regions requests may have: as dense as in recorded blocks."""
    names = [
        (request.given["channel"]["channel_id"], stage.paramset_id)
        for request in requests
        for stage in request.stage_paramsets
    ]
    density: dict[tuple[str, str], float] = {}
    for some in database.pieces({*names}):
        keys = [dict(zip(_KEY, name, strict=True)) for name in some]
        blocks = RegionBlock.proj("n_block_pairs") * Block & keys
        sums = dj.U(*_KEY).aggr(blocks, pairs="sum(n_block_pairs)", voxels=f"sum({VOLUME})")
        for row in sums.to_dicts():
            density[row["channel_id"], row[_KEY[1]]] = int(row["pairs"]) / int(row["voxels"])
    return [
        ceil(density.get(name, PAIRS_PER_VOXEL) * Box.parse(one.given["cutout"]).voxel_count)
        for name, one in zip(names, requests, strict=True)
    ]


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


_KEY = ("channel_id", "region_paramset_id")
