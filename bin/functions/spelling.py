"""Values as JSON that every reader and database keeps, and back again, exactly.

What JSON lacks, or others change, is an object with one name that begins with `$`:

| | |
| --- | --- |
| `{"$float": "nan"}` | a float that is `nan`, `inf`, `-inf` or `-0.0` |
| `{"$int": "0x…"}` | an int that has more than 64 bits with its sign |
| `{"$str": "…"}` | a text with NUL or half a surrogate pair, as Python escapes it |
| `{"$dict": [[name, value], …]}` | a dict of which a name begins with `$`, or is such a text |
| `{"$file": "…"}` | the `Path` of a file, by what it is called where files are kept |
"""

import math
import re
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

MOST_DEEP = 100
"""Lists and dicts within another, which MySQL takes."""

_ODD = re.compile("[\x00\ud800-\udfff]")
_FILE = {"path", "sha256", "bytes"}


def spelled(value: Any, deep: int = 0, keep: Callable[[Path], str] | None = None) -> Any:
    """Return a value as plain JSON.

    Tuples become lists, and scalars of numpy Python's. `keep` is told each `Path`, and returns what
    its file is called; without it, paths are what JSON has not.

    Raises
    ------
    TypeError
        With what it is or holds that JSON has not, to stand behind its name.
    """
    if deep > MOST_DEEP:
        raise TypeError(f"is nested more than {MOST_DEEP} deep, or holds itself")
    numpy = sys.modules.get("numpy")  # where it was not imported, nothing is of it
    if numpy and isinstance(value, numpy.generic):
        value = _plain(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        raise TypeError(f"has {_name(value)}, of an enumeration: take its value")
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else {"$int": hex(value)}
    if isinstance(value, float):
        plain = math.isfinite(value) and (value or math.copysign(1, value) > 0)
        return float(value) if plain else {"$float": repr(float(value))}
    if isinstance(value, str):
        return {"$str": _escaped(value)} if _ODD.search(value) else str(value)
    if isinstance(value, (list, tuple)):
        return [spelled(one, deep + 1, keep) for one in value]
    if isinstance(value, Mapping):
        return _object(value, deep, keep)
    if keep and isinstance(value, Path):
        return {"$file": spelled(keep(value))}
    raise TypeError(f"has {_name(value)}, which JSON has not")


def unspelled(value: Any, kept: Callable[[str], Path] = Path) -> Any:
    """Return the value that `spelled` wrote; `kept` tells where the file of a name is."""
    if isinstance(value, list):
        return [unspelled(one, kept) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((sign, given),) = value.items()
        if sign == "$float":
            return float(given)
        if sign == "$int":
            return int(given, 16)
        if sign == "$str":
            return given.encode("ascii").decode("unicode_escape")
        if sign == "$dict":
            return {unspelled(name): unspelled(one, kept) for name, one in given}
        if sign == "$file":
            return kept(unspelled(given))
    return {name: unspelled(one, kept) for name, one in value.items()}


def _object(
    value: Mapping[Any, Any], deep: int, keep: Callable[[Path], str] | None
) -> dict[str, Any]:
    for name in value:
        if not isinstance(name, str) or isinstance(name, Enum):
            raise TypeError(f"has a dict with the name {name!r}, of {_name(name)}: give texts")
    if any(name.startswith("$") or _ODD.search(name) for name in value) or value.keys() == _FILE:
        pairs = [[spelled(name), spelled(value[name], deep + 1, keep)] for name in sorted(value)]
        return {"$dict": pairs}
    return {str(name): spelled(one, deep + 1, keep) for name, one in value.items()}


def _plain(value: Any) -> Any:
    """Return Python's own value of a scalar of numpy's that has one."""
    import numpy as np

    if isinstance(value, (np.bool_, np.integer, np.floating, np.str_)):
        plain = value.item()
        if isinstance(plain, (bool, int, float, str)):
            return plain
    raise TypeError(f"has {_name(value)}, which JSON has not")


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def _name(value: Any) -> str:
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"a {module}{kind.__qualname__}"
