"""Tractograms of subjects: masks, tensors, fODFs and streamlines, alike however they are cut."""

from ...core.work import Workflow
from .report import describe, in_words, outcome, tables_of
from .requests import NAME, again, expand
from .tables import (
    TABLES,
    DwiImage,
    FibreResponse,
    FodfBlock,
    FodfVolume,
    TensorBlock,
    Tractogram,
    TractogramPart,
    TractographyRequest,
    WhiteMatter,
)
from .units import pulled_bytes, seconds, units

__all__ = [
    "DwiImage",
    "FibreResponse",
    "FodfBlock",
    "FodfVolume",
    "TensorBlock",
    "Tractogram",
    "TractogramPart",
    "TractographyRequest",
    "WhiteMatter",
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
    results=("tractogram", "connectome", "maps", "pictures"),
    tables_of=tables_of,
    again=again,
)
