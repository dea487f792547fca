"""What is recorded that bears on how a request is made."""

from ...core import work
from ...volumes.collected import Collected
from ..label.recorded import by_density
from .tables import BlockBasins, Supervoxels, WatershedRequest

FLOODED = Collected(WatershedRequest, Supervoxels, "n_supervoxels", "n_supervoxel_rows")

LABELS_PER_VOXEL = 1 / 10
"""More than most have, where none are recorded: supervoxels, and voxels at blocks' borders."""


def n_labels(requests: list[work.Request]) -> list[int]:
    """Return how many labels requests may have: as dense as in what is recorded of the channel."""
    return by_density(requests, BlockBasins, "n_basins", LABELS_PER_VOXEL)
