"""Which sources and distributions a module takes, found without running any of them."""

import ast
import functools
import hashlib
import importlib.util
import json
import re
import sys
from collections import deque
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from .digests import digest, files_below
from .locks import INSTALLED, Outside
from .sources import Found, Import, Project, imports, parsed
from .texts import one_line


def followed(
    project: Project, module: tuple[str, ...], outside: Outside = INSTALLED
) -> tuple[dict[str, str], dict[str, str]]:
    """Return which files of a project a module takes, and which distributions.

    Returns
    -------
    files : dict of str to str
        The sha256 of each, by path, sorted; the packages' `__init__.py` on the way are among them.
    versions : dict of str to str
        By distribution, sorted; as `version_of` says. Of what an image holds, by module, empty; of
        what a lock file pins, that of the lock file.

    Raises
    ------
    ValueError
        If something is imported that is neither there nor installed, or can't be followed.
    """
    walk = _Walk(project, outside)
    walk.take(module)
    while walk.waiting:
        walk.read(walk.waiting.popleft())
    versions = outside.versions() | {
        name: "" if outside.image else version_of(name, tops)
        for name, tops in walk.distributions.items()
    }
    return dict(sorted(walk.files.items())), dict(sorted(versions.items()))


class _Walk:
    def __init__(self, project: Project, outside: Outside) -> None:
        self.project, self._outside = project, outside
        self._pinned = outside.lock.names() if outside.lock else set()
        self.files: dict[str, str] = {}
        self.distributions: dict[str, set[str]] = {}
        self.waiting: deque[str] = deque()
        self._all: dict[str, list[str]] = {}

    def take(self, module: tuple[str, ...]) -> Found | None:
        """Have a module of the project read, with the packages on the way; return the last."""
        found = None
        for length in range(1, len(module) + 1):
            found = self.project.find(module[:length])
            if found is None:
                return None
            if found.kind != "namespace" and found.path not in self.files:
                source = self.project.source(found.path)
                self.files[found.path] = hashlib.sha256(source).hexdigest()
                self.waiting.append(found.path)
        return found

    def read(self, path: str) -> None:
        """Take what a file imports."""
        tree = parsed(self.project.source(path), path)
        for one in imports(tree, path):
            self._import(one, f"{one_line(path)}:{one.line}")

    def _import(self, one: Import, where: str) -> None:
        top = one.module[0]
        if not self._is_ours(top, where):
            if top in sys.stdlib_module_names:
                return
            names = [top] if self._outside.image else _distributions().get(top)
            if names is None and not one.optional and not self._pinned:
                raise ValueError(
                    f"{where} imports {top}, which is neither in the project nor installed: "
                    "install its distribution, pin it in a lock file (requirements), or give the "
                    "directory that holds it as the project"
                )
            for name in {*(names or ())} - self._pinned:
                self.distributions.setdefault(name, set()).add(top)
            return
        found = self.take(one.module)
        if found is None:
            self._lacking(one, one.module, where)
            return
        if one.names is None or found.kind == "module":
            return
        for name in self._exported(found) if one.names == ("*",) else one.names:
            inside = self.take((*one.module, name))
            if inside is None and found.kind == "namespace":
                self._lacking(one, (*one.module, name), where)

    def _is_ours(self, top: str, where: str) -> bool:
        """Say whether Python would import a name from the project."""
        found = self.project.find((top,))
        known = top in sys.stdlib_module_names
        if found is None or found.kind == "namespace":  # a folder gives way to what is installed
            return found is not None and not known and top not in _distributions()
        if known:
            raise ValueError(
                f"{where} imports {top}, which Python has, too: rename {found.path} of the project"
            )
        return True

    def _lacking(self, one: Import, module: tuple[str, ...], where: str) -> None:
        if not one.optional:
            raise ValueError(f"{where} imports {'.'.join(module)}, which the project lacks: add it")

    def _exported(self, found: Found) -> list[str]:
        """Return what a package says that `*` stands for, if it does so plainly."""
        if found.kind != "package":
            return []
        names: list[str] = []
        for node in parsed(self.project.source(found.path), found.path).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                listed = node.value.elts if isinstance(node.value, (ast.List, ast.Tuple)) else []
                names = [
                    one.value
                    for one in listed
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
        return names


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    """Return the distributions of each module that is installed, under their normal names."""
    return {
        top: sorted({re.sub(r"[-_.]+", "-", name).lower() for name in names if name})
        for top, names in metadata.packages_distributions().items()
    }


def version_of(distribution: str, tops: set[str]) -> str:
    """Return the version of a distribution, of which these modules are imported.

    Of one that was installed from a folder, an address or a repository, a digest of its files is
    behind a space: its version may stay as it changes.
    """
    found = metadata.distribution(distribution)
    told = found.read_text("direct_url.json")
    if not told:
        return found.version
    editable = json.loads(told).get("dir_info", {}).get("editable")
    files = _linked(tops) if editable else _installed(found)
    return f"{found.version} {digest(files)}"


def _installed(found: metadata.Distribution) -> dict[str, str]:
    """Return the digests of a distribution's files, as they were when it was installed."""
    return {
        path.as_posix(): path.hash.value
        for path in found.files or ()
        if path.hash
        and path.suffix != ".pyc"
        and ".." not in path.parts  # programs, which name this machine's Python
        and not path.parts[0].endswith(".dist-info")
    }


def _linked(tops: set[str]) -> dict[str, str]:
    """Return the digests of the files of modules, where they are now."""
    files: dict[str, str] = {}
    for top in sorted(tops):
        spec = importlib.util.find_spec(top)
        folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
        sources = [(folder, file) for folder in folders for file in files_below(folder)]
        if spec and spec.origin and not folders:
            sources = [(Path(spec.origin).parent, Path(spec.origin))]
        for folder, file in sources:
            if file.suffix != ".pyc":
                name = f"{top}/{file.relative_to(folder).as_posix()}"
                files[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return files
