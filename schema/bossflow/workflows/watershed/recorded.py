"""What is recorded that bears on how a request is made."""

from math import ceil

import datajoint as dj

from ... import database
from ...core import work
from ...volumes.tables import Block
from ...volumes.zeros import VOLUME
from ...voxels.boxes import Box
from ..label.recorded import Stitched
from .tables import BlockBasins, Supervoxels, WatershedRequest

FLOODED = Stitched(WatershedRequest, Supervoxels, "n_supervoxels", "n_supervoxel_rows")

LABELS_PER_VOXEL = 1 / 10
"""More than most have, where none are recorded: supervoxels, and voxels at blocks' borders."""


def n_labels(requests: list[work.Request]) -> list[int]:
    """Return how many labels requests may have: as dense as in what is recorded of the channel."""
    names = [
        (request.given["channel"]["channel_id"], stage.paramset_id)
        for request in requests
        for stage in request.stage_paramsets
    ]
    density: dict[tuple[str, str], float] = {}
    for some in database.pieces({*names}):
        keys = [dict(zip(_KEY, name, strict=True)) for name in some]
        blocks = BlockBasins.proj("n_basins") * Block & keys
        sums = dj.U(*_KEY).aggr(blocks, labels="sum(n_basins)", voxels=f"sum({VOLUME})")
        for row in sums.to_dicts():
            density[row["channel_id"], row[_KEY[1]]] = int(row["labels"]) / int(row["voxels"])
    return [
        ceil(density.get(name, LABELS_PER_VOXEL) * Box.parse(one.given["cutout"]).voxel_count)
        for name, one in zip(names, requests, strict=True)
    ]


_KEY = ("channel_id", "basin_paramset_id")
