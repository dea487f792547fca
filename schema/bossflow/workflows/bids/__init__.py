"""BIDS Apps, for each participant or session of a dataset, and for the group."""

from ...core.work import Workflow
from .report import describe, in_words, outcome, tables_of
from .requests import NAME, expand
from .tables import AppRun, BidsRequest, BidsView, DatasetFindings, Derivatives, GroupRun
from .units import seconds, units

__all__ = [
    "AppRun",
    "BidsRequest",
    "BidsView",
    "DatasetFindings",
    "Derivatives",
    "GroupRun",
    "workflow",
]

workflow = Workflow(
    NAME,
    (DatasetFindings, AppRun, GroupRun, Derivatives),
    expand,
    units,
    seconds=seconds,
    in_words=in_words,
    describe=describe,
    outcome=outcome,
    results=("derivatives",),
    tables_of=tables_of,
)
