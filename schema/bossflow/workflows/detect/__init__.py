"""Objects of a cutout as points: blobs, or matched spheres, of images or probabilities."""

from ...core.work import Workflow
from ...volumes.reading import read_bytes
from .report import describe, in_words, layers, outcome, points, tables_of
from .requests import NAME, again, expand
from .tables import (
    TABLES,
    BlockDetections,
    BlockHistogram,
    Detections,
    DetectRequest,
    FittedMixture,
)
from .units import seconds, units

__all__ = [
    "BlockDetections",
    "BlockHistogram",
    "DetectRequest",
    "Detections",
    "FittedMixture",
    "workflow",
]

workflow = Workflow(
    NAME,
    TABLES,
    expand,
    units,
    seconds=seconds,
    pulled_bytes=read_bytes,
    in_words=in_words,
    describe=describe,
    outcome=outcome,
    results=("detections",),
    layers=layers,
    points=points,
    tables_of=tables_of,
    again=again,
)
