"""numba, set up for programs that start often and run where little can be written.

Compiled loops are cached beside their files where that can be written, else where numba keeps such
things; by whoever can write in neither (a container with a read-only home), in the task's own
directory.
"""

import os

if not os.access(os.path.dirname(__file__), os.W_OK) and not os.access(
    os.path.expanduser("~"), os.W_OK
):
    os.environ.setdefault("NUMBA_CACHE_DIR", os.path.join(os.getcwd(), ".numba"))

import numba.np.linalg
from numba import njit

__all__ = ["njit"]


def _no_blas() -> None:
    raise ImportError("no linear algebra here")


# numba looks for scipy's BLAS when it is first used, which takes as long as importing numba. Only
# in the programs: who imports the package may want it.
if not __name__.startswith("bossflow."):
    numba.np.linalg.ensure_blas = _no_blas
