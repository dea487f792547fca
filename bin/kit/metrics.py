"""Numbers that a program gives of what it made: their names, and which numbers they may be."""

import math
import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


def checked(given: Mapping[Any, Any]) -> dict[str, float]:
    """Return metrics as they are recorded, in the order of their names.

    Raises
    ------
    ValueError
        If a name can't be recorded, or a value is no finite number.
    """
    return {check_name(name): _number(name, given[name]) for name in sorted(given, key=str)}


def check_name(name: Any) -> str:
    """Return the name of a metric.

    Raises
    ------
    ValueError
        If it can't be recorded.
    """
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        raise ValueError(
            f"a metric is called {str(name)[:80]!r}: give it 1 to 64 letters, digits, _, . and -, "
            "a letter or _ first"
        )
    return name


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, (bool, str)):
        raise ValueError(f"metric {name} is {str(value)[:80]!r}, which is no finite number")
    return number
