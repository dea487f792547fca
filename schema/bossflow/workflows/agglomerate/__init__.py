"""The regions of a segmentation merged by the affinities between them, at several thresholds."""

from ...core.work import Workflow
from .recorded import ids
from .report import describe, in_words, outcome, tables_of
from .requests import NAME, again, expand
from .tables import TABLES, AgglomerateRequest, Agglomeration, RegionBlock
from .units import pulled_bytes, seconds, units

__all__ = ["AgglomerateRequest", "Agglomeration", "RegionBlock", "workflow"]

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
    results=("segments", "merges", "graph", "regions"),
    tables_of=tables_of,
    ids=ids,
    again=again,
)
