"""Supervoxels of affinities, alike whatever the blocks, their table, their volume."""

from ...core.work import Workflow
from ..label.outputs import VOLUMES
from .report import describe, in_words, layers, outcome
from .requests import NAME, again, expand
from .tables import (
    TABLES,
    BasinLinks,
    BlockBasins,
    SupervoxelBlock,
    Supervoxels,
    WatershedRequest,
)
from .units import pulled_bytes, seconds, units

__all__ = [
    "BasinLinks",
    "BlockBasins",
    "SupervoxelBlock",
    "Supervoxels",
    "WatershedRequest",
    "workflow",
]

workflow = Workflow(
    NAME,
    TABLES,
    expand,
    units,
    seconds=seconds,
    pulled_bytes=pulled_bytes,
    in_words=in_words,
    describe=describe,
    outcome=outcome,
    results=("volume", "supervoxels"),
    layers=layers,
    makes=VOLUMES,
    again=again,
)
