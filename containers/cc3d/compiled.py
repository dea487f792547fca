"""Hands numba the loops over voxels that were compiled when the image was built.

Numba keeps compiled loops by the path of their file, which in a container is any host's. That the
file is the same, it finds out by its content; if it is not, it compiles.
"""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core.caching import InTreeCacheLocator

LOOPS = "/opt/loops"


@functools.cache
def own_copy() -> str:
    """Return a copy of the loops of this process's own: numba writes where it reads."""
    directory = tempfile.mkdtemp(prefix="bossflow-loops-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return str(shutil.copytree(LOOPS, Path(directory) / "loops"))


class Compiled(InTreeCacheLocator):  # type: ignore[misc]
    """Named by NUMBA_CACHE_LOCATOR_CLASSES in the image."""

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._cache_path = own_copy()
