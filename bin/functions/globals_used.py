"""A function's source, and which global names it uses."""

import __future__

import ast
import inspect
import symtable
import textwrap
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import NamedTuple

from .signature import refuse_generic


class Used(NamedTuple):
    """What the source of a function takes from around it.

    Attributes
    ----------
    source : str
        The `def` with its decorators, without an end of line.
    names : frozenset of str
        Global names, also those of builtins.
    before : frozenset of str
        Those of them that `def` itself looks up: in decorators, defaults and annotations.
    paths : frozenset of tuple of str
        Names with the attributes that are looked up in them: `scipy.ndimage.label`.
    future : bool
        Whether annotations are not evaluated.
    decorators : int
        How many there are.
    """

    source: str
    names: frozenset[str]
    before: frozenset[str]
    paths: frozenset[tuple[str, ...]]
    future: bool
    decorators: int


def used(function: FunctionType) -> Used:
    """Return a function's source and what it uses.

    Raises
    ------
    ValueError
        If there is no source, it is not of this function, or it sets global names.
    """
    name, code = function.__name__, function.__code__
    try:
        source = textwrap.dedent(inspect.getsource(function)).rstrip()
        file = "".join(inspect.findsource(function)[0])
        flags = code.co_flags & __future__.annotations.compiler_flag
        node = ast.parse(source).body[0]
        # A cell's statements may have been compiled one by one, which Python does otherwise.
        made = [*_codes(source, flags, name), *_codes(file, flags, name)]
    except (OSError, TypeError):
        raise ValueError(
            f"the source of {name} can't be read: define it in a file, or in a cell of its own "
            "without magics"
        ) from None
    except (SyntaxError, IndexError) as error:
        raise ValueError(f"the source of {name} can't be read: {error}") from None
    if not isinstance(node, ast.FunctionDef):
        raise ValueError(f"{name} is no function that `def` makes: write one")
    refuse_generic(node, name)
    if not any(_is_same(one, code) for one in made):
        raise ValueError(f"the source of {name} is not what was defined: define it again")
    _check_defaults(function, node)
    head = f"from __future__ import annotations\n{source}" if flags else source
    names, before = _globals(symtable.symtable(head, name, "exec"), name)
    paths = frozenset(path for one in ast.walk(node) if (path := _path(one)))
    return Used(source, names, before, paths, bool(flags), len(node.decorator_list))


def _codes(source: str, flags: int, name: str) -> Iterator[CodeType]:
    """Yield the codes of functions of that name, at a source's top."""
    flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # which notebooks allow
    for one in compile(source, name, "exec", flags, dont_inherit=True).co_consts:
        if isinstance(one, CodeType) and one.co_name == name:
            yield one


def _check_defaults(function: FunctionType, node: ast.FunctionDef) -> None:
    """Refuse defaults that are no longer what their names stand for."""
    own = function.__kwdefaults__ or {}
    pairs = [*zip(node.args.defaults, function.__defaults__ or (), strict=False)]
    pairs += [
        (default, own.get(one.arg))
        for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default
    ]
    for default, value in pairs:
        now = (
            function.__globals__.get(default.id, value) if isinstance(default, ast.Name) else value
        )
        if now is not value:
            raise ValueError(
                f"a default of {function.__name__} is not what {ast.unparse(default)} is now: "
                "define it again"
            )


def _is_same(one: CodeType, other: CodeType) -> bool:
    """Say whether two codes do the same, wherever they were written."""
    if (one.co_code, one.co_names, one.co_varnames) != (
        *(other.co_code, other.co_names, other.co_varnames),
    ):
        return False
    if len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _is_same(a, b)
        if isinstance(a, CodeType) and isinstance(b, CodeType)
        else repr(a) == repr(b) or (isinstance(a, frozenset) and a == b)
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


def _globals(top: symtable.SymbolTable, name: str) -> tuple[frozenset[str], frozenset[str]]:
    before = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    names = set(before)
    tables = top.get_children()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if not symbol.is_global():
                continue
            if symbol.is_assigned() or symbol.is_imported():
                raise ValueError(
                    f"{name} sets the global {symbol.get_name()}, which no other call sees: "
                    "return it"
                )
            names.add(symbol.get_name())
    return frozenset(names), frozenset(before)


def _path(node: ast.AST) -> tuple[str, ...]:
    """Return the names of `a.b.c`; of other code none."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()
