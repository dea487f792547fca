"""Command lines of other people's tools, in images of the user's choice or without."""

from .requests import NAME, describe, expand, in_words, pulled_bytes, recall, seconds, units
from .tables import CommandRequest, CommandResult

TABLES = (CommandResult,)

__all__ = [
    "NAME",
    "TABLES",
    "CommandRequest",
    "CommandResult",
    "describe",
    "expand",
    "in_words",
    "pulled_bytes",
    "recall",
    "seconds",
    "units",
]
