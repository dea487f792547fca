"""Streamlines of seeds: dipy's, in the frame of the whole volume's voxels."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parts import Affine, Written, world
from .seeds import RANDOM_STATE
from .stepping import Rules, follow

POINTS = 2**19
"""Points of streamlines that a thread holds at most: 24 bytes each, and as many again."""

_PMF_THRESHOLD = 0.1
"""The share of the largest value of the fODF that a direction needs; dipy's default."""


class How(NamedTuple):
    """How to track.

    Attributes
    ----------
    algorithm : {"probabilistic", "deterministic"}
    fa_stop : float
        Where the fractional anisotropy is no more, a streamline ends.
    step_mm : float
        From point to point.
    max_angle : float
        Degrees by which a step may differ in direction from the one before.
    min_length_mm, max_length_mm : float
        Shorter and longer streamlines are left out: those of so many steps, rounded down.
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
        Streamlines with an end less than a step from where the volume ends. They end there, as
        dipy's do, and are kept.
    """

    n_seeds: int
    n_streamlines: int
    n_points: int
    n_left_volume: int


_Lines = tuple[NDArray[np.float64], NDArray[np.int64]]


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

    They are those of one call of dipy's `probabilistic_tracking` or `deterministic_tracking` for
    all seeds of the volume, bit for bit and in the order of the seeds (`stepping`), with an
    identity as affine and the voxels' size: so no product of matrices takes part, whose last bits
    could depend on how many seeds there are. From each seed goes one streamline, both ways along
    the largest peak there; seeds without a peak have none.

    Takes 48 bytes for each of `POINTS`, for each thread, and the pages of `sh` and `fa` that are
    read.

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
    for points, lengths in _lines(sh, fa, size, seeds, how, threads):
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
) -> Iterator[_Lines]:
    """Yield streamlines in voxels, some at a time: their points, and how many each has."""
    from dipy.data import default_sphere
    from dipy.direction.peaks import peaks_from_positions as untyped_peaks
    from dipy.direction.pmf import SHCoeffPmfGen
    from dipy.reconst.shm import order_from_ncoef, real_sh_descoteaux
    from dipy.tracking.utils import seeds_directions_pairs as untyped_pairs

    peaks_of: Any = untyped_peaks
    pairs_of: Any = untyped_pairs
    sh, fa = np.asarray(sh), np.asarray(fa)[..., None]
    fodf = SHCoeffPmfGen(sh, default_sphere, basis_type=None, legacy=True)
    angles = default_sphere.theta, default_sphere.phi
    basis, *_ = real_sh_descoteaux(order_from_ncoef(sh.shape[3]), *angles, legacy=True)
    sphere = np.ascontiguousarray(basis.T), np.ascontiguousarray(default_sphere.vertices.T)
    rules = _rules(how, size)

    def directed(start: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return seeds that have a peak, and it; by one thread, as `fodf` holds what it told."""
        own = np.ascontiguousarray(seeds[start : start + each])
        peaks = peaks_of(own, None, None, np.eye(4), pmf_gen=fodf, npeaks=1)
        own, directions = pairs_of(own, peaks)
        return own, directions

    def some(pair: tuple[NDArray[np.float64], NDArray[np.float64]]) -> _Lines:
        lengths = np.empty(len(pair[0]), np.int64)
        points = np.empty((len(lengths) * rules.most, 3))
        end = follow(*pair, sh, fa, *sphere, rules, points, lengths)
        return points[:end], lengths[lengths > 0]

    each = max(1, POINTS // rules.most)
    starts = range(0, len(seeds), each)
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(starts), threads):
            yield from pool.map(some, map(directed, starts[first : first + threads]))


def _rules(how: How, size: NDArray[np.float64]) -> Rules:
    """Return what dipy makes of how to track."""
    from dipy.tracking.tracker_parameters import generate_tracking_parameters

    whole = {"min_len": 0, "max_len": 0}  # dipy would take whole millimetres only
    made = generate_tracking_parameters(
        *("prob",),
        **{"voxel_size": size, "step_size": how.step_mm, "max_angle": how.max_angle} | whole,
        **{"pmf_threshold": _PMF_THRESHOLD, "random_seed": RANDOM_STATE},
    )
    least, most = (int(mm / how.step_mm) for mm in (how.min_length_mm, how.max_length_mm))
    if most < 2 or most < least:
        raise ValueError(
            f"no streamline of steps of {how.step_mm:g} mm is {how.min_length_mm:g} to "
            f"{how.max_length_mm:g} mm long: give another max_length_mm"
        )
    return Rules(
        deterministic=how.algorithm == "deterministic",
        fa_stop=float(how.fa_stop),
        inverse=np.array(made.inv_voxel_size),
        step_mm=float(how.step_mm),
        cosine=made.cos_similarity,
        threshold=_PMF_THRESHOLD,
        least=least,
        most=most,
        random_seed=RANDOM_STATE,
    )
