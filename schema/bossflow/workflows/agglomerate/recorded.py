"""What is recorded that bears on how a request is made."""

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


_KEY = ("channel_id", "region_paramset_id")
