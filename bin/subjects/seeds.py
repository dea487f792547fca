"""Seeds of streamlines: where in its voxel each lies, and which group of seeds tracks it.

A seed is known by its voxel, by its number in there, and by the random seed. Its place follows from
these three alone, so more seeds a voxel contain those of before. Voxels are counted in C order of
the whole volume, and mixed: groups are ranges of mixed numbers, and seeds go in their order. So any
number of groups, one after the other, is the same order, and all groups take about as long.

dipy gives each streamline a random state, one number of its seed's voxel coordinates,
`int((2 x + 3 y + 5 z) * random_seed)`, and equal states draw equal numbers. Middles of voxels of a
volume of 60 x 70 x 60 have 619 states, whatever the random seed: whole numbers up to
2 * 59 + 3 * 69 + 5 * 59 = 620. Jittered by up to half a voxel, and with `RANDOM_STATE`, they are
spread over about 6.2e8: of 50,000 seeds about 50,000^2 / 2 / 6.2e8 = 2 pairs share one, of 400,000
about 130; sums near the middle are more frequent, which makes it up to twice as many. Two that
share one start elsewhere, and are no copies of each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

RANDOM_STATE = 1_000_003
"""`random_seed` of dipy's tracking: how many random states there are for each voxel length."""

_AT_ONCE = 2**14
"""Voxels of which random numbers are drawn at once: 32 bytes each."""


def voxels_of(mask: NDArray[Any]) -> NDArray[np.int64]:
    """Return the numbers of the voxels of a mask, in the order in which they are tracked.

    Parameters
    ----------
    mask : array, shape (X, Y, Z)
        What is not zero is in it.

    Returns
    -------
    int64 array, shape (n,)
        Numbers in C order of the whole volume, ordered by what `mixed` makes of them.
    """
    numbers = np.flatnonzero(mask)
    return numbers[np.argsort(mixed(numbers))]


def mixed(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Mix numbers, so that neighbours are far apart: a permutation of those of 64 bits.

    References
    ----------
    G. L. Steele, D. Lea and C. H. Flood (2014), Fast splittable pseudorandom number generators,
    OOPSLA, doi:10.1145/2660193.2660195 (SplitMix64, with the constants of D. Stafford).
    """
    hashed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    hashed = (hashed ^ (hashed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashed = (hashed ^ (hashed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return hashed ^ (hashed >> np.uint64(31))


def group_of(numbers: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Return the group, from 0 on, of each voxel: which of so many ranges of mixed numbers.

    Parameters
    ----------
    numbers : int64 array, shape (n,)
        Of voxels, as `voxels_of` counts them; in its order, groups ascend.
    groups : int
        How many there are; up to 2^32.
    """
    high = mixed(numbers) >> np.uint64(32)
    return ((high * np.uint64(groups)) >> np.uint64(32)).astype(np.int64)


def seeds_of(
    numbers: NDArray[np.int64],
    shape: tuple[int, int, int],
    which: Iterable[int],
    random_seed: int,
) -> NDArray[np.float64]:
    """Return the places of the seeds of voxels: first all of one seed number, then of the next.

    A seed is anywhere in its voxel, in steps of 2^-32 of its length, so its coordinates are exact.
    Random numbers are the block of Philox whose key is the random seed and the number of the seed,
    and whose counter is the number of the voxel.

    Parameters
    ----------
    numbers : int64 array, shape (n,)
        Of voxels, in C order of the whole volume.
    shape : tuple of 3 int
        Of the whole volume (X, Y, Z).
    which : iterable of int
        Seed numbers, from 0 on.
    random_seed : int
        From 0 on, below 2^64.

    Returns
    -------
    float64 array, shape (seed numbers * n, 3)
        XYZ in voxels; whole numbers are the middles of voxels.

    References
    ----------
    J. K. Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3, SC11,
    doi:10.1145/2063384.2063405 (Philox4x64-10, as numpy has it).
    """
    middles = np.stack(np.unravel_index(numbers, shape), axis=1).astype(np.float64)
    drawn = [middles + _jitter(numbers, number, random_seed) for number in which]
    return np.concatenate(drawn) if drawn else np.empty((0, 3))


def _jitter(numbers: NDArray[np.int64], number: int, random_seed: int) -> NDArray[np.float64]:
    """Return how far from the middle of its voxel each seed of a number is: from -1/2 to 1/2."""
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    jitter = np.empty((len(numbers), 3))
    key = np.array([random_seed, number], np.uint64)
    for piece in np.unique(ordered // _AT_ONCE).tolist():
        start = piece * _AT_ONCE
        some = slice(*np.searchsorted(ordered, (start, start + _AT_ONCE)).tolist())
        blocks = np.random.Philox(key=key, counter=start).random_raw(4 * _AT_ONCE).reshape(-1, 4)
        words = blocks[ordered[some] - start, :3] >> np.uint64(32)
        jitter[order[some]] = words / 2**32 - 0.5
    return jitter
