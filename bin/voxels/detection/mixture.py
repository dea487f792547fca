"""An unsupervised mixture of two Gaussians, fitted to the histogram of all values.

Histograms of blocks add up, so nothing is sampled and nothing depends on how a cutout is cut.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

ROUNDING = 1 / 12
"""Variance of what is rounded to whole numbers, below which none can be told."""


class Mixture(NamedTuple):
    """Two Gaussians, the darker one first.

    Attributes
    ----------
    weights, means, variances : tuple of (float, float)
    """

    weights: tuple[float, float]
    means: tuple[float, float]
    variances: tuple[float, float]


def histogram(values: NDArray[Any]) -> Counts:
    """Count each value that an array may hold.

    Parameters
    ----------
    values : uint8 or uint16 array

    Returns
    -------
    int64 array, shape (256,) or (65536,)

    Raises
    ------
    ValueError
        If the array is of another type.
    """
    if values.dtype not in ("uint8", "uint16"):
        raise ValueError(f"values of {values.dtype} are not counted: give uint8 or uint16")
    counts = np.zeros(np.iinfo(values.dtype).max + 1, np.int64)
    for part in values:  # which are made larger to be counted
        counts += np.bincount(part.reshape(-1), minlength=len(counts))
    return counts


def fit(counts: Counts, iterations: int) -> Mixture:
    """Fit two Gaussians to a histogram, by expectation maximisation.

    It begins with the values below and above the mean of all. How many steps are made is part of
    what is asked for: of components that overlap the means go on for long.

    Parameters
    ----------
    counts : int64 array, shape (n,)
        Of the values from 0 on.
    iterations : int

    Raises
    ------
    ValueError
        If fewer than two values occur.
    """
    values = np.flatnonzero(counts).astype(np.float64)
    if len(values) < 2:
        raise ValueError("all voxels have one value: there are no two kinds to be told apart")
    many = counts[counts > 0].astype(np.float64)
    share = (values > (many * values).sum() / many.sum()).astype(np.float64)
    mixture = _maximise(values, many, share)
    for _ in range(iterations):
        mixture = _maximise(values, many, _brighter(mixture, values))
    return mixture


def probabilities(mixture: Mixture, length: int, objects: str = "bright") -> NDArray[np.uint8]:
    """Return the probability of each value to be of the brighter or of the darker kind.

    Parameters
    ----------
    mixture : Mixture
    length : int
        How many values there are: 256 of uint8, 65536 of uint16.
    objects : {"bright", "dark"}

    Returns
    -------
    uint8 array, shape (length,)
        In 255ths, rounded: `table[image]` is a volume of them.

    Raises
    ------
    ValueError
        If `objects` is neither.
    """
    if objects not in ("bright", "dark"):
        raise ValueError(f"objects are {objects!r}: write bright or dark")
    share = _brighter(mixture, np.arange(length, dtype=np.float64))
    return np.rint(255 * (share if objects == "bright" else 1 - share)).astype(np.uint8)


def above(table: NDArray[np.uint8], least: Fraction | int) -> NDArray[np.uint8]:
    """Return a table of probabilities with 0 for those that are below a share of 255."""
    return np.where(table >= ceil(Fraction(least) * 255), table, 0).astype(np.uint8)


def _maximise(values: Floats, many: Floats, share: Floats) -> Mixture:
    """Return the best mixture, where of each value a share is of the brighter kind."""
    found = []
    for part in (many * (1 - share), many * share):
        weight = max(part.sum(), 1e-300)
        mean = (part * values).sum() / weight
        variance = (part * (values - mean) ** 2).sum() / weight
        found.append((weight, mean, max(variance, ROUNDING)))
    weights, means, variances = (
        (float(dark), float(bright)) for dark, bright in zip(*found, strict=True)
    )
    return Mixture((weights[0] / many.sum(), weights[1] / many.sum()), means, variances)


def _brighter(mixture: Mixture, values: Floats) -> Floats:
    """Return the probability of each value to be of the brighter kind."""
    logs = [
        np.log(weight) - 0.5 * np.log(variance) - 0.5 * (values - mean) ** 2 / variance
        for weight, mean, variance in zip(*mixture, strict=True)
    ]
    # whichever is the larger one, nothing overflows
    difference = np.clip(logs[0] - logs[1], -700, 700)
    return np.asarray(1 / (1 + np.exp(difference)))
