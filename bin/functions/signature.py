"""What a function takes and gives, as its source says."""

import ast
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

TYPES = ("int", "float", "str", "bool", "Path", "json")
"""What an argument can be; of the first five, a `?` behind says that None is one, too."""

HANDED = ("box", "voxel_size_nm", "halo")
"""What a function of blocks is given beside the block, by parameters of these names."""

_NAMES = {name: name for name in TYPES[:4]} | {
    name: "json"
    for name in ("Any", "object", "list", "dict", "List", "Dict", "Sequence", "Mapping")
}
_NAMES["Path"] = "Path"


_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Parameter(NamedTuple):
    """A parameter of a function.

    Attributes
    ----------
    name : str
    type : str
        One of `TYPES`; of a function of blocks also `block` and one of `HANDED`.
    required : bool
        Whether it has no default.
    default : any
        To be shown, not passed: the value, if JSON has it, else its source. None of no default.
    """

    name: str
    type: str
    required: bool
    default: Any


def defined(tree: ast.Module, module: str, name: str) -> ast.FunctionDef:
    """Return the function of that name.

    Raises
    ------
    ValueError
        If it is none that `def` makes at the module's top, or none that can be called with a row.
    """
    bound = [node for node in tree.body if name in _binds(node)]
    if not bound:
        known = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        there = f"it has {', '.join(known)}" if known else "it has no function at its top"
        raise ValueError(f"{module} has no function {name}: {there}")
    node, called = bound[-1], f"{module}:{name}"
    if isinstance(node, ast.ImportFrom):
        raise ValueError(
            f"{called} is imported from {'.' * node.level}{node.module or ''}: name that module"
        )
    if isinstance(node, ast.AsyncFunctionDef):
        raise ValueError(f"{called} is a coroutine function, of `async def`: give one of `def`")
    if not isinstance(node, ast.FunctionDef):
        what = "a class" if isinstance(node, ast.ClassDef) else "no function of a `def`"
        raise ValueError(f"{called} is {what} at the module's top: give a function that is")
    if any(isinstance(one, (ast.Yield, ast.YieldFrom)) for one in _own(node)):
        raise ValueError(f"{called} is a generator, of `yield`: have it return a list")
    refuse_generic(node, called)
    return node


def refuse_generic(node: ast.FunctionDef, called: str) -> None:
    """Refuse a function with type parameters, as Python has them from 3.12 on.

    Raises
    ------
    ValueError
        If it has some.
    """
    if given := getattr(node, "type_params", None):
        names = ", ".join(map(ast.unparse, given))
        raise ValueError(f"{called} has type parameters, [{names}]: write it without them")


def parameters(
    node: ast.FunctionDef, tree: ast.Module, called: str, of_block: bool = False
) -> tuple[Parameter, ...]:
    """Return a function's parameters, in their order.

    Parameters
    ----------
    node : FunctionDef
    tree : Module
        That it is of.
    called : str
        What errors call it.
    of_block : bool
        Whether the first one is given a block's voxels, and those that `HANDED` names what it says.

    Raises
    ------
    ValueError
        If one is not given by its name, or its annotation is none of a row's values.
    """
    given = node.args
    if given.posonlyargs:
        name = given.posonlyargs[0].arg
        raise ValueError(f"{called} takes {name} by its place alone: remove the / behind it")
    for star, many in (("*", given.vararg), ("**", given.kwarg)):
        if many:
            raise ValueError(f"{called} takes {star}{many.arg}: name each parameter")
    if of_block and not given.args:
        raise ValueError(f"{called} takes no block: have its first parameter be the block's array")
    if of_block and given.args[0].arg in HANDED:
        raise ValueError(
            f"{called} takes {given.args[0].arg} first: have its first parameter be the block's "
            "array, or name that otherwise"
        )
    handed = {name: name for name in HANDED} | {given.args[0].arg: "block"} if of_block else {}
    names = _aliases(tree)
    lacking = len(given.args) - len(given.defaults)
    pairs = [*zip(given.args, [*[None] * lacking, *given.defaults], strict=True)]
    pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return tuple(
        Parameter(
            one.arg,
            handed.get(one.arg) or _type(one, names, called),
            default is None,
            _shown(default),
        )
        for one, default in pairs
    )


def _binds(node: ast.AST) -> Iterator[str]:
    """Yield which names a statement at a module's top binds, or takes away."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
    elif isinstance(node, ast.Name):
        yield from [] if isinstance(node.ctx, ast.Load) else [node.id]
    elif not isinstance(node, _SCOPES):
        for one in ast.iter_child_nodes(node):
            yield from _binds(one)


def _own(node: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield what is in a function, but not in functions within it."""
    stack: list[ast.AST] = [*node.body]
    while stack:
        one = stack.pop()
        yield one
        if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            stack += ast.iter_child_nodes(one)


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Return by which names the module knows others' names, such as `P` of `Path`."""
    return {
        one.asname: one.name.rpartition(".")[2]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for one in node.names
        if one.asname
    }


def _type(one: ast.arg, names: dict[str, str], called: str) -> str:
    if one.annotation is None:
        return "json"
    try:
        return _read(one.annotation, names).replace("None", "json")
    except ValueError:
        raise ValueError(
            f"{called}: {one.arg} is annotated {ast.unparse(one.annotation)}: give int, float, "
            "str, bool, Path, or for JSON list, dict or Any; or one of these with `| None`"
        ) from None


def _read(node: ast.expr, names: dict[str, str]) -> str:
    """Return the type that an annotation stands for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return _read(ast.parse(node.value.strip(), mode="eval").body, names)
        except SyntaxError:
            raise ValueError from None
    if isinstance(node, ast.Constant) and node.value is None:
        return "None"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _either([_read(node.left, names), _read(node.right, names)])
    if isinstance(node, ast.Subscript):
        return _subscript(node, names)
    known = _NAMES.get(_last(node, names))
    if known is None:
        raise ValueError
    return known


def _subscript(node: ast.Subscript, names: dict[str, str]) -> str:
    name = _last(node.value, names)
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional":
        return _either([_read(node.slice, names), "None"])
    if name == "Union":
        return _either([_read(one, names) for one in inside])
    if name == "Annotated":
        return _read(inside[0], names)
    if _NAMES.get(name) != "json" or any("Path" in _read(one, names) for one in inside):
        raise ValueError
    return "json"


def _either(types: list[str]) -> str:
    rest = {one.removesuffix("?") for one in types if one != "None"}
    if rest <= {"int", "float", "str", "bool", "json"} and "json" in rest:
        return "json"
    if len(rest) != 1:
        raise ValueError
    (only,) = rest
    optional = "None" in types or any(one.endswith("?") for one in types)
    return f"{only}?" if optional and only != "json" else only


def _last(node: ast.expr, names: dict[str, str]) -> str:
    if not isinstance(node, (ast.Name, ast.Attribute)):
        raise ValueError
    last = ast.unparse(node).rpartition(".")[2]
    return names.get(last, last) if isinstance(node, ast.Name) else last


def _shown(default: ast.expr | None) -> Any:
    if default is None:
        return None
    try:
        value = ast.literal_eval(default)
        if json.loads(json.dumps(value, allow_nan=False)) == value:
            return value
    except (ValueError, TypeError, SyntaxError, RecursionError):
        pass
    return ast.unparse(default)
