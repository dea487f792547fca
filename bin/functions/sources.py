"""A project's sources: which file Python would import, and what that imports in turn."""

import ast
import os
import warnings
from collections.abc import Iterator, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Literal, NamedTuple

from .texts import one_line

_ELSEWHERE = ("sys.version_info", "sys.platform", "os.name")
"""Conditions of another Python or system, where other modules are installed."""

_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Found(NamedTuple):
    """What a module's name stands for in a project: a file, or for a namespace a folder."""

    kind: Literal["module", "package", "namespace"]
    path: str


class Project:
    """The sources below a directory, which Python would have in its path.

    Parameters
    ----------
    root : Path
    texts : mapping of str to str, optional
        Files that count as there, by path: modules that were made of a notebook's functions.
    """

    def __init__(self, root: Path, texts: Mapping[str, str] | None = None) -> None:
        if not root.is_dir():
            raise ValueError(f"there is no directory {one_line(str(root))}: give the project's")
        self._root = root.resolve()
        self._texts = dict(texts or {})
        self._listed: dict[str, frozenset[str]] = {}

    def find(self, module: tuple[str, ...]) -> Found | None:
        """Return what a module's name stands for; none of what is not in the project.

        Raises
        ------
        ValueError
            If it is compiled.
        """
        found: Found | None = Found("namespace", "")
        for name in module:
            if found is None or found.kind == "module":
                return None
            folder = found.path.removesuffix("__init__.py").rstrip("/")
            found = self._child(folder, name)
        return found

    def source(self, path: str) -> bytes:
        """Return what a file holds.

        Raises
        ------
        ValueError
            If it lies outside of the project, or can't be read.
        """
        if path in self._texts:
            return self._texts[path].encode()
        file = self._root / path
        if not file.resolve().is_relative_to(self._root):
            raise ValueError(
                f"{one_line(path)} is a link that leads out of the project: put the file there"
            )
        try:
            return file.read_bytes()
        except OSError as error:
            raise ValueError(f"{one_line(path)} can't be read: {error.strerror}") from None

    def _child(self, folder: str, name: str) -> Found | None:
        path = f"{folder}/{name}" if folder else name
        there = self._names(folder)
        if name in there and "__init__.py" in self._names(path):
            return Found("package", f"{path}/__init__.py")
        for suffix in EXTENSION_SUFFIXES:
            if name + suffix in there:
                raise ValueError(
                    f"{one_line(path)}{suffix} is compiled, which says nothing of its source: "
                    "install it as a distribution"
                )
        if f"{name}.py" in there:
            return Found("module", f"{path}.py")
        is_folder = name in there and (self._root / path).is_dir()
        return Found("namespace", path) if is_folder else None

    def _names(self, folder: str) -> frozenset[str]:
        """Return what is in a folder: of its very name, also where the system takes others."""
        if folder not in self._listed:
            try:
                names = os.listdir(self._root / folder)
            except OSError:
                names = []
            given = [text for text in self._texts if text.rpartition("/")[0] == folder]
            self._listed[folder] = frozenset([*names, *(text.rpartition("/")[2] for text in given)])
        return self._listed[folder]


class Import(NamedTuple):
    """A module that is imported on a line, with the names that are taken from it.

    `names` is none of `import module`; `optional` what may fail, as it is caught.
    """

    module: tuple[str, ...]
    names: tuple[str, ...] | None
    line: int
    optional: bool


def parsed(source: bytes, path: str) -> ast.Module:
    """Return a source's syntax tree.

    Raises
    ------
    ValueError
        If it is no Python of the running version.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes: Python tells when it imports
            return ast.parse(source)
    except SyntaxError as error:
        where = f"{one_line(path)}:{error.lineno or 1}"
        raise ValueError(f"{where} is no Python: {one_line(error.msg)}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{one_line(path)} is no Python: {one_line(str(error))}") from None


def imports(tree: ast.Module, path: str) -> Iterator[Import]:
    """Yield what a file imports, also within functions; not what runs only for type checkers.

    Raises
    ------
    ValueError
        If a name is computed, or a relative import leaves the project.
    """
    package = tuple(path.split("/")[:-1])
    stack: list[tuple[ast.AST, bool]] = [(tree, False)]
    while stack:
        node, optional = stack.pop()
        if isinstance(node, ast.Import):
            for one in node.names:
                yield Import(tuple(one.name.split(".")), None, node.lineno, optional)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(one.name for one in node.names)
            module = _absolute(node, package, path)
            yield Import(module, names, node.lineno, optional)
        elif isinstance(node, ast.Call) and _imports_by_text(node):
            yield Import(_text(node, path), None, node.lineno, optional)
        stack += reversed(list(_inside(node, optional)))


def _inside(node: ast.AST, optional: bool) -> Iterator[tuple[ast.AST, bool]]:
    never = node.body if isinstance(node, ast.If) and _never_runs(node.test) else []
    tried: list[ast.stmt] = []
    if isinstance(node, ast.If) and any(word in ast.unparse(node.test) for word in _ELSEWHERE):
        tried = [*node.body, *node.orelse]
    if isinstance(node, ast.Try) and any(_catches(handler.type) for handler in node.handlers):
        tried = node.body
    if isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items):
        tried = node.body
    for child in ast.iter_child_nodes(node):
        if child not in never:
            yield child, optional or child in tried


def _never_runs(test: ast.expr) -> bool:
    """Say whether a condition is of type checkers, or of a program that is started."""
    return ast.unparse(test) in {
        *("TYPE_CHECKING", "typing.TYPE_CHECKING"),
        *("__name__ == '__main__'", "'__main__' == __name__"),
    }


def _catches(caught: ast.expr | None) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_catches(one) for one in caught.elts)
    return caught is None or ast.unparse(caught).rpartition(".")[2] in _CAUGHT


def _suppresses(manager: ast.expr) -> bool:
    return (
        isinstance(manager, ast.Call)
        and ast.unparse(manager.func).rpartition(".")[2] == "suppress"
        and any(_catches(one) for one in manager.args)
    )


def _imports_by_text(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else None
    name = function.id if isinstance(function, ast.Name) else name
    return name in ("__import__", "import_module")


def _text(call: ast.Call, path: str) -> tuple[str, ...]:
    given = call.args[0] if len(call.args) == 1 and not call.keywords else None
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        names = given.value.split(".")
        if all(name.isidentifier() for name in names):
            return tuple(names)
    raise ValueError(
        f"{one_line(path)}:{call.lineno} imports by a name that is computed, so what it imports "
        "is not known: write `import` and the name"
    )


def _absolute(node: ast.ImportFrom, package: tuple[str, ...], path: str) -> tuple[str, ...]:
    rest = tuple(node.module.split(".")) if node.module else ()
    if not node.level:
        return rest
    start = package[: len(package) - node.level + 1]
    if not package or node.level > len(package):
        raise ValueError(
            f"{one_line(path)}:{node.lineno} imports from above the project: give the directory "
            "that holds its outermost package as the project"
        )
    return start + rest
