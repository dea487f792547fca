"""Exact blockwise labelling of a cutout: connected components, their table, their volume."""

from ...core.work import Workflow
from .outputs import VOLUMES
from .report import describe, in_words, layers, outcome, points
from .requests import NAME, VERSION, again, expand, recall
from .tables import TABLES, BlockLabels, BlockLinks, LabelRequest, Segmentation, SegmentationBlock
from .units import pulled_bytes, seconds, units

__all__ = [
    "VERSION",
    "BlockLabels",
    "BlockLinks",
    "LabelRequest",
    "Segmentation",
    "SegmentationBlock",
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
    results=("volume", "components"),
    layers=layers,
    points=points,
    makes=VOLUMES,
    again=again,
    recall=recall,
)
