"""Exact blockwise labelling of a cutout: connected components, their table, their volume."""

from .report import describe, in_words
from .requests import VERSION, expand, recall
from .tables import TABLES, BlockLabels, BlockLinks, LabelRequest, Segmentation, SegmentationBlock
from .units import pulled_bytes, seconds, units

__all__ = [
    "TABLES",
    "VERSION",
    "BlockLabels",
    "BlockLinks",
    "LabelRequest",
    "Segmentation",
    "SegmentationBlock",
    "describe",
    "expand",
    "in_words",
    "pulled_bytes",
    "recall",
    "seconds",
    "units",
]
