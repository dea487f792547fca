"""Coarser levels of a cutout: means of an image, modes of a segmentation."""

from ...core.work import Workflow
from ...volumes.made import Volumes
from ...volumes.reading import read_bytes
from .report import describe, in_words, outcome
from .requests import NAME, again, expand
from .tables import TABLES, DownsampleRequest, Pyramid, PyramidBlock
from .units import outputs, seconds, units

__all__ = ["DownsampleRequest", "Pyramid", "PyramidBlock", "workflow"]

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
    results=("pyramid",),
    again=again,
    makes=Volumes(outputs),
)
