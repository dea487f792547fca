"""Calls of a user's Python function, one for each row of a table."""

from ...core.work import Workflow
from .again import unpack
from .report import describe, in_words, outcome, tables_of, traced
from .requests import NAME, expand
from .tables import FunctionCall, MappedFunction, MapRequest, StagedFunction
from .units import seconds, units

__all__ = ["FunctionCall", "MapRequest", "MappedFunction", "StagedFunction", "workflow"]

workflow = Workflow(
    NAME,
    (StagedFunction, FunctionCall),
    expand,
    units,
    seconds=seconds,
    in_words=in_words,
    describe=describe,
    outcome=outcome,
    tables_of=tables_of,
    unpack=unpack,
    traced=traced,
)
