"""Skeletons of the segments of a cutout, alike whatever its blocks, as Neuroglancer reads them."""

from ...core.work import Workflow
from ...volumes.reading import read_bytes
from .report import describe, in_words, outcome, tables_of
from .requests import NAME, again, expand
from .tables import TABLES, BlockRuns, RunIndex, SkeletonBucket, SkeletonRequest, SkeletonSet
from .units import seconds, units

__all__ = [
    "BlockRuns",
    "RunIndex",
    "SkeletonBucket",
    "SkeletonRequest",
    "SkeletonSet",
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
    results=("skeletons", "table"),
    layers=lambda request: {"segments": {"skeletons": "skeleton", "process": "INDEX_RUNS"}},
    tables_of=tables_of,
    again=again,
)
