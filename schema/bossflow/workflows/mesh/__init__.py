"""Meshes of the segments of a cutout, exact whatever its blocks, as Neuroglancer reads them."""

from ...core.work import Workflow
from ...volumes.reading import read_bytes
from .report import describe, in_words, outcome, tables_of
from .requests import NAME, again, expand
from .tables import TABLES, BlockSurface, MeshBucket, MeshIndex, MeshRequest, MeshSet
from .units import seconds, units

__all__ = [
    "BlockSurface",
    "MeshBucket",
    "MeshIndex",
    "MeshRequest",
    "MeshSet",
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
    results=("meshes", "table"),
    layers=lambda request: {"segments": {"meshes": "mesh", "process": "INDEX_SURFACES"}},
    tables_of=tables_of,
    again=again,
)
