"""A function's source, and which global names it uses."""

import __future__

import ast
import inspect
import symtable
import textwrap
from types import CodeType, FunctionType
from typing import NamedTuple


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
    name = function.__name__
    try:
        source = textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):
        raise ValueError(
            f"the source of {name} can't be read: define it in a notebook or a file"
        ) from None
    flags = function.__code__.co_flags & __future__.annotations.compiler_flag
    try:
        tree = ast.parse(source)
        code = compile(source, function.__code__.co_filename, "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        raise ValueError(f"the source of {name} can't be read: {error.msg}") from None
    made = [one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name]
    if not made or not _is_same(made[-1], function.__code__):
        raise ValueError(f"the source of {name} is not what was defined: define it again")
    head = f"from __future__ import annotations\n{source}" if flags else source
    top = symtable.symtable(head, name, "exec")
    names, before = _globals(top, name)
    node = tree.body[0]
    decorators = len(node.decorator_list) if isinstance(node, ast.FunctionDef) else 0
    _check_defaults(function, node)
    paths = {path for node in ast.walk(tree) if (path := _path(node))}
    return Used(source, names, before, frozenset(paths), bool(flags), decorators)


def _check_defaults(function: FunctionType, node: ast.stmt) -> None:
    """Refuse defaults that are no longer what their names stand for."""
    if not isinstance(node, ast.FunctionDef):
        return
    own = function.__kwdefaults__ or {}
    defaults = [*zip(node.args.defaults, function.__defaults__ or (), strict=True)]
    defaults += [
        (default, own[one.arg])
        for one, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default
    ]
    for default, value in defaults:
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
