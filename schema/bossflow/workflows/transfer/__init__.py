"""A cutout written anew: in other chunks, another encoding, format or type of voxels."""

from ...core.work import Workflow
from ...volumes.made import Volumes
from ...volumes.reading import read_bytes
from .report import describe, in_words, outcome
from .requests import NAME, again, expand
from .tables import TABLES, TransferredBlock, TransferredVolume, TransferRequest
from .units import layers, outputs, seconds, units

__all__ = ["TransferRequest", "TransferredBlock", "TransferredVolume", "workflow"]

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
    results=("volume",),
    layers=layers,
    again=again,
    makes=Volumes(outputs),
)
