"""Command lines of other people's tools, in images of the user's choice or without."""

from ...core.work import Workflow
from .report import describe, in_words, outcome
from .requests import NAME, again, expand
from .tables import CommandRequest, CommandResult
from .units import seconds, units

__all__ = ["CommandRequest", "CommandResult", "workflow"]

workflow = Workflow(
    NAME,
    (CommandResult,),
    expand,
    units,
    seconds=seconds,
    in_words=in_words,
    describe=describe,
    outcome=outcome,
    results=("outputs",),
    again=again,
)
