"""Statements that give a name what it stands for: imports and constants."""

import importlib.util
import math
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Any

from .globals_used import Used

MOST_LETTERS = 100_000
"""Of one constant, as it is written."""


def is_module(value: Any) -> bool:
    """Say whether a value is a module."""
    return isinstance(value, ModuleType)


def modules(
    home: Mapping[str, Any], functions: Mapping[str, Used], known: Collection[str]
) -> list[str]:
    """Return the statements that import the modules which functions use.

    Of `import a.b` the name is `a`: which modules within are imported is told by the attributes
    that are looked up, and by what there is to import, not by what happens to be loaded.
    """
    lines, inner = set(), set()
    for own in functions.values():
        for name in own.names - set(known):
            module = home.get(name)
            if not isinstance(module, ModuleType):
                continue
            whole = _module_name(module, f"{name}")
            lines.add(f"import {whole}" if whole == name else f"import {whole} as {name}")
            for path in own.paths:
                if path[0] == name:
                    inner |= {f"import {one}" for one in _within(module, whole, path[1:])}
    return [*sorted(inner - lines), *sorted(lines)]  # what was given a name has the last word


def imported(name: str, value: Any) -> str:
    """Return the statement that imports a value under a name; empty if none does.

    Of the packages on the way to where it was made the outermost is named that has it.
    """
    called = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(called, str) or not called.isidentifier():
        return ""
    for place in (getattr(value, "__module__", None), type(value).__module__):
        if not isinstance(place, str) or place in ("__main__", "builtins"):
            continue
        parts = place.split(".")
        for length in range(1, len(parts) + 1):
            module = ".".join(parts[:length])
            if getattr(sys.modules.get(module), called, None) is value:
                alias = "" if called == name else f" as {name}"
                return f"from {module} import {called}{alias}"
    return ""


def constant(value: Any, where: str) -> str:
    """Return a constant as Python writes it.

    Raises
    ------
    ValueError
        If it is none: its words begin with `where`.
    """
    try:
        text = _written(value, where, 0)
    except RecursionError:
        raise ValueError(f"{where}, which holds itself: pass it as an argument") from None
    if len(text) > MOST_LETTERS:
        raise ValueError(
            f"{where}, which has {len(text):,} letters: write it to a file, and pass its Path"
        )
    return text


def _written(value: Any, where: str, deep: int) -> str:
    if deep > 100:
        raise RecursionError
    kind = type(value)
    if kind is float and not math.isfinite(value):
        return f'float("{value}")'
    if value is None or kind in (bool, float, str, bytes):
        return repr(value)
    if kind is int:
        return repr(value) if abs(value) < 10**1000 else hex(value)
    if kind is list:
        return f"[{', '.join(_written(one, where, deep + 1) for one in value)}]"
    if kind is tuple:
        inside = ", ".join(_written(one, where, deep + 1) for one in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if kind is dict:
        pairs = (
            f"{_written(name, where, deep + 1)}: {_written(one, where, deep + 1)}"
            for name, one in value.items()
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, PurePath):
        raise ValueError(
            f"{where}, which is a path: pass it as an argument, as its content counts then"
        )
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    what = "a class of the notebook" if kind is type else f"a {module}{kind.__qualname__}"
    raise ValueError(
        f"{where}, which is {what}, and neither a constant, an import nor a function: make it "
        "within the function, pass it as an argument, or put it into a module of the project"
    )


def _module_name(module: ModuleType, name: str) -> str:
    whole = module.__name__
    if module is os.path:  # it is posixpath's, or another's
        return "os.path"
    if sys.modules.get(whole) is not module or whole == "__main__":
        raise ValueError(f"{name} is a module that can't be imported as {whole}: import it again")
    return whole


def _within(module: ModuleType, whole: str, attributes: tuple[str, ...]) -> list[str]:
    """Return the modules that are looked up as attributes of another."""
    found: list[str] = []
    for attribute in attributes:
        if not hasattr(module, "__path__"):
            break
        try:
            spec = importlib.util.find_spec(f"{whole}.{attribute}")
        except (ImportError, ValueError):
            spec = None
        inner = getattr(module, attribute, None)
        if spec is None or not (inner is None or isinstance(inner, ModuleType)):
            break
        whole = f"{whole}.{attribute}"
        found.append(whole)
        module = inner or importlib.import_module(whole)
    return found
