"""Streamlines of seeds: dipy's tracking, in the frame of the whole volume's voxels."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parts import Affine, Written, world
from .seeds import RANDOM_STATE

_BUFFER = 2**25
"""Bytes that dipy holds for points of streamlines at once."""

_AT_ONCE = 256
"""Streamlines that are written together."""


class How(NamedTuple):
    """How to track.

    Attributes
    ----------
    algorithm : {"probabilistic", "deterministic"}
    fa_stop : float
        Where the fractional anisotropy is below, a streamline ends.
    step_mm : float
        From point to point.
    max_angle : float
        Degrees by which a step may differ in direction from the one before.
    min_length_mm, max_length_mm : float
        Shorter and longer streamlines are left out.
    """

    algorithm: str
    fa_stop: float
    step_mm: float
    max_angle: float
    min_length_mm: float
    max_length_mm: float


class Tracked(NamedTuple):
    """What became of seeds.

    Attributes
    ----------
    n_seeds, n_streamlines, n_points : int
    n_left_volume : int
        Streamlines with an end less than a step from where the volume ends. dipy ends them there;
        they are kept.
    """

    n_seeds: int
    n_streamlines: int
    n_points: int
    n_left_volume: int


def track(
    sh: NDArray[np.float64],
    fa: NDArray[np.float64],
    affine: Affine,
    seeds: NDArray[np.float64],
    how: How,
    directory: Path,
    threads: int = 1,
) -> Tracked:
    """Track from seeds, and leave the streamlines as a part in a directory.

    They are those of one call of dipy for all seeds of the volume, in the order of the seeds: dipy
    is asked in voxels (an identity as affine, with the voxels' size), where the random numbers of a
    streamline follow from its seed alone, and no product of matrices takes part, whose last bits
    could depend on how many seeds there are. From each seed goes one streamline, both ways along
    the largest peak there; seeds without a peak have none.

    Takes the memory of `_BUFFER` and a few MiB, and the pages of `sh` and `fa` that are read.

    Parameters
    ----------
    sh : float64 array, shape (X, Y, Z, coefficients)
        The fODF, in dipy's default basis; mapped into memory with mode "c", it is not copied.
    fa : float64 array, shape (X, Y, Z)
        Fractional anisotropy.
    affine : float64 array, shape (4, 4)
        From voxels to mm (RAS+).
    seeds : float64 array, shape (n, 3)
        XYZ in voxels (`seeds.seeds_of`).
    how : How
    directory : Path
        Is there, and empty.
    threads : int
        Changes nothing but the time.

    Returns
    -------
    Tracked
    """
    written, left = Written(directory), 0
    size = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    step, ends = how.step_mm / size, np.array(fa.shape) - 0.5
    for lines in _lines(sh, fa, size, seeds, how, threads):
        points = np.concatenate(lines)
        lengths = np.array([len(line) for line in lines])
        written.add(world(points, affine), lengths)
        last = np.cumsum(lengths) - 1
        near = (points < step - 0.5) | (points > ends - step)
        left += int((near[last] | near[last - lengths + 1]).any(axis=1).sum())
    return Tracked(len(seeds), written.close(), written.points, left)


def _lines(
    sh: NDArray[np.float64],
    fa: NDArray[np.float64],
    size: NDArray[np.float64],
    seeds: NDArray[np.float64],
    how: How,
    threads: int,
) -> Iterator[list[NDArray[np.float64]]]:
    """Yield a few streamlines at a time, in voxels."""
    from dipy.tracking import tracker
    from dipy.tracking.stopping_criterion import ThresholdStoppingCriterion

    options: dict[str, Any] = {
        **{"sh": sh, "voxel_size": size, "nbr_threads": threads, "random_seed": RANDOM_STATE},
        **{"step_size": how.step_mm, "max_angle": how.max_angle},
        **{"min_len": how.min_length_mm, "max_len": how.max_length_mm},
    }
    tracking = getattr(tracker, f"{how.algorithm}_tracking")
    stopping = ThresholdStoppingCriterion(fa, how.fa_stop)
    each = 2 * 3 * 8 * int(how.max_length_mm / how.step_mm + 1)
    some = max(1, _BUFFER // each)
    for start in range(0, len(seeds), some):
        lines = iter(tracking(seeds[start : start + some], stopping, np.eye(4), **options))
        while few := list(islice(lines, _AT_ONCE)):
            yield few
