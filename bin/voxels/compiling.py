"""numba, set up for programs that start often and run where little can be written.

Compiled loops are cached beside their files where that can be written, else where numba keeps such
things; by whoever can write in neither (a container with a read-only home), in the task's own
directory.
"""

import os
from collections.abc import Callable
from typing import Any

if not os.access(os.path.dirname(__file__), os.W_OK) and not os.access(
    os.path.expanduser("~"), os.W_OK
):
    os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(os.getcwd(), ".numba"))

import numba
import numba.np.linalg


def njit(**options: Any) -> Callable[[Any], Any]:
    """Return numba's decorator of that name, by which package and programs share no cached code.

    Cached code names the module that it was compiled in, which the other one can't import.
    """

    def compiled(function: Any) -> Any:
        if function.__module__.startswith("bossflow."):
            function.__qualname__ = f"bossflow.{function.__qualname__}"  # names the cache's files
        return numba.njit(**options)(function)

    return compiled


def _no_blas() -> None:
    raise ImportError("no linear algebra here")


# numba looks for scipy's BLAS when it is first used, which takes as long as importing numba. Only
# in the programs: who imports the package may want it.
if not __name__.startswith("bossflow."):
    numba.np.linalg.ensure_blas = _no_blas
