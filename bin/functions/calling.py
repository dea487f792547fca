"""Functions in a snapshot of their project's sources, imported to be called."""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .texts import one_line

_HERE = Path(__file__).resolve().parents[1]
_entries: list[str] = []


def load(directory: Path, module: str, name: str) -> Callable[..., Any]:
    """Return a function of a snapshot; a second time the same, not imported again.

    Modules that the snapshot has are its own from here on: what was imported under these names
    goes, and so do, from Python's path, where the programs lie, the working directory, and folders
    of PYTHONPATH where nothing was installed. So programs import what they need before. Nothing is
    written into the snapshot.

    Parameters
    ----------
    directory : Path
        A folder with the files of an `identity.Function`, at their paths.
    module, name : str

    Raises
    ------
    ImportError
        If the snapshot lacks it.
    Exception
        Whatever the sources raise as they are imported.
    """
    root = Path(os.path.realpath(directory))
    known = sys.modules.get(module)
    if known is None or not _is_below(known, root) or _entries != [str(root)]:
        _make_way(root)
        known = importlib.import_module(module)
        if not _is_below(known, root):
            raise ImportError(f"{module} is not in {one_line(str(directory))}")
    function = getattr(known, name, None)
    if not callable(function):
        raise ImportError(f"{module} has no function {one_line(name)}")
    called: Callable[..., Any] = function
    return called


def _make_way(root: Path) -> None:
    """Have Python take the names that a directory has from there alone."""
    sys.dont_write_bytecode = True
    leave = {*_entries, "", str(_HERE), os.getcwd(), *filter(_has_no_distribution, _given())}
    sys.path[:] = [str(root), *(entry for entry in sys.path if entry not in leave)]
    names = {entry.partition(".")[0] for entry in os.listdir(root)} - {"__main__"}
    for known in list(sys.modules):
        module = sys.modules[known]
        if known.partition(".")[0] in names and not _is_below(module, root):
            del sys.modules[known]
    _entries[:] = [str(root)]
    importlib.invalidate_caches()


def _given() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def _has_no_distribution(entry: str) -> bool:
    """Say whether nothing was installed in a folder: so it may be the project's own."""
    return not any(Path(entry).glob("*.dist-info"))


def _is_below(module: Any, root: Path) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(os.path.realpath(file)).is_relative_to(root)
