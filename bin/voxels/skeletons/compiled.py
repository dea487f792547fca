"""Loops of skeletons, compiled before the first task needs them."""

import numpy as np

from . import sparse
from .teasar import Teasar, skeletonize


def compile_all() -> None:
    """Compile what a run needs, on a skeleton of three voxels."""
    for dtype in (np.uint8, np.uint16, np.uint32, np.uint64):
        runs = sparse.runs_of(np.ones((1, 1, 3), dtype), (0, 0, 0))[2]
    skeletonize(sparse.joined([runs]), (1.0, 1.0, 1.0), Teasar(const_nm=0.0, dust_threshold=1))
