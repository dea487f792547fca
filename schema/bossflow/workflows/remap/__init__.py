"""A segmentation whose ids are rewritten by a table, such as merges of supervoxels."""

from ...core.work import Workflow
from ...volumes.made import Volumes
from ...volumes.reading import read_bytes
from .again import unpack
from .report import describe, in_words, layers, outcome
from .requests import NAME, again, expand
from .tables import TABLES, RemappedBlock, RemappedSegments, RemappedVolume, RemapRequest
from .units import outputs, seconds, units

__all__ = ["RemapRequest", "RemappedBlock", "RemappedSegments", "RemappedVolume", "workflow"]

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
    results=("volume", "segments"),
    layers=layers,
    again=again,
    unpack=unpack,
    makes=Volumes(outputs, rewrites=True),
)
