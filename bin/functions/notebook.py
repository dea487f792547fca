"""Functions of a notebook, as a module that holds one with all that it needs."""

import builtins
import functools
import hashlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from .globals_used import Used, used
from .names import constant, imported, is_module, modules
from .texts import one_line


def module_of(function: Callable[..., Any], project: Path) -> tuple[str, str]:
    """Return where a function can be imported from, with the module's text if it has to be made.

    A function of a file below `project` is imported from there, but of the program that runs: that
    one, as a notebook, has what calls the function. Of others a module is made: the function's own
    source, those of functions beside it that it uses, and as what else they use stands now:
    constants, and imports. The same sources and constants make the same module in any notebook.

    Parameters
    ----------
    function : callable
        Made by `def` at the top of a module or notebook; decorators are kept.
    project : Path

    Returns
    -------
    spec : str
        `module:name`; of a module that is made, `knot_` and 12 hex digits of its text's sha256.
    text : str
        What the module's file is to hold; empty of one in the project.

    Raises
    ------
    ValueError
        If it is no such function, or uses what no module's text can say.
    """
    plain = _plain(function)
    name, module = plain.__name__, plain.__module__
    file = getattr(sys.modules.get(module), "__file__", None)
    if module != "__main__" and file:
        place = Path(os.path.realpath(file))
        root = Path(os.path.realpath(project))
        if place.is_relative_to(root) and "site-packages" not in place.relative_to(root).parts:
            if getattr(sys.modules[module], name, None) is not function:
                raise ValueError(f"{name} is not what {module} has by that name: pass that one")
            return _in_project(module, name, place.relative_to(root)), ""
        if is_installed(module):
            raise ValueError(
                f"{name} is of the module {module}, which is installed: write a function that "
                "calls it"
            )
    text = _text(plain, function)
    return f"knot_{hashlib.sha256(text.encode()).hexdigest()[:12]}:{name}", text


def is_installed(module: str) -> bool:
    """Say whether a module is Python's own or lies among the installed distributions."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or ""
    return bool({"site-packages", "dist-packages"}.intersection(Path(file).parts))


def _plain(function: Any) -> FunctionType:
    """Return what `def` made of a function, below its decorators."""
    said = one_line(str(getattr(function, "__qualname__", None) or repr(function)))[:80]
    if isinstance(function, functools.partial):
        raise ValueError("a partial has no source: write a function that calls with all arguments")
    if isinstance(function, MethodType):
        raise ValueError(f"{said} is a method: write a function that makes the object and calls it")
    plain = inspect.unwrap(function) if callable(function) else function
    if isinstance(plain, type) or not isinstance(plain, FunctionType):
        what = "a class" if isinstance(plain, type) else f"no function of a `def`: {type(plain)}"
        what = "a builtin" if inspect.isbuiltin(plain) else what
        raise ValueError(f"{said} is {what}: write a function that calls it")
    if plain.__name__ == "<lambda>" or plain.__qualname__.endswith("<lambda>"):
        raise ValueError("a lambda has no name: write a function with `def`")
    if plain.__closure__:
        names = ", ".join(plain.__code__.co_freevars)
        raise ValueError(f"{said} is a closure, over {names}: pass as arguments what it uses")
    if plain.__qualname__ != plain.__name__:
        raise ValueError(f"{said} is within a function or class: put it at the module's top")
    return plain


def _in_project(module: str, name: str, path: Path) -> str:
    parts = path.with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    if ".".join(parts) != module:
        raise ValueError(
            f"{name} is of the module {module}, which lies at {path.as_posix()} in the project: "
            "give as the project the directory that Python imports it from"
        )
    return f"{module}:{name}"


def _text(root: FunctionType, given: Callable[..., Any]) -> str:
    """Return the module of a function and all that it uses."""
    home = root.__globals__
    taken: dict[str, Used] = {}
    stands: dict[str, str] = {}
    waiting = [root.__name__]
    objects = {root.__name__: root}
    while waiting:
        name = waiting.pop()
        taken[name] = own = used(objects[name])
        value = given if name == root.__name__ else home[name]
        if _layers(value) > own.decorators or (own.decorators and home.get(name) is not value):
            raise ValueError(
                f"{name} is not what its `def` made with its decorators: write them above it, and "
                "pass it by its name"
            )
        for free in sorted(own.names):
            where = f"{name} uses {free}"
            if free in objects or free in stands:
                continue
            if _is_builtin(free, home):
                continue
            if free not in home:
                raise ValueError(f"{where}, which is not defined: define it before")
            if free in ("In", "Out") or re.fullmatch(r"__\w+__|_{1,3}|_i+\d*|_\d+|_[iod]h", free):
                raise ValueError(f"{where}, which is not the same elsewhere: leave it out")
            value = home[free]
            if found := _beside(value, home, free, where):
                objects[free] = found
                waiting.append(free)
            elif not is_module(value):
                stands[free] = _line(free, value, where)
        if root.__name__ in own.names and _unwrapped(home.get(root.__name__)) is not root:
            raise ValueError(f"{name} uses {root.__name__}, which now is another: run its cell")
    lines = modules(home, taken, {*objects, *stands})
    if any(own.future for own in taken.values()):
        lines.insert(0, "from __future__ import annotations")
    lines += sorted(stands.values(), key=lambda line: (not line.startswith("from "), line))
    top = "\n".join(lines)
    return "\n\n\n".join(filter(None, [top, *_ordered(taken)])) + "\n"


def _layers(function: Any) -> int:
    """Return how many times a function was wrapped."""
    count = 0
    while (function := getattr(function, "__wrapped__", None)) is not None:
        count += 1
    return count


def _line(name: str, value: Any, where: str) -> str:
    """Return the statement that gives a name its value."""
    return imported(name, value) or f"{name} = {constant(value, where)}"


def _is_builtin(name: str, home: dict[str, Any]) -> bool:
    """Say whether Python has a name everywhere; a notebook has more, and an `open` of its own."""
    value = getattr(builtins, name, None)
    if name in home and _unwrapped(home[name]) is not value:
        return False
    module = getattr(value, "__module__", None) or type(value).__module__
    return hasattr(builtins, name) and module in ("builtins", "io", "_io", "_sitebuiltins")


def _unwrapped(value: Any) -> Any:
    return inspect.unwrap(value) if callable(value) else value


def _beside(value: Any, home: dict[str, Any], name: str, where: str) -> FunctionType | None:
    """Return the function that a name stands for, if it was defined beside the first."""
    if not callable(value) or isinstance(value, type):
        return None
    plain = _unwrapped(value)
    if not isinstance(plain, FunctionType) or plain.__globals__ is not home:
        return None
    try:
        found = _plain(value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if found.__name__ != name:
        raise ValueError(f"{where}, which is the function {found.__name__}: call it by this name")
    return found


def _ordered(taken: dict[str, Used]) -> list[str]:
    """Return the functions' sources: by name, but what a `def` runs before that."""
    found: list[str] = []
    rest = dict(sorted(taken.items()))
    while rest:
        free = [name for name, own in rest.items() if not own.before & rest.keys() - {name}]
        if not free:
            raise ValueError(f"decorators and defaults of {', '.join(rest)} use each other")
        found.append(rest.pop(free[0]).source)
    return found
