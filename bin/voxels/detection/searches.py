"""What is searched for, by its parameters; known without the loops that search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, prod, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .balls import Widths, ball, extents, size

IMAGES = ("uint8", "int8", "uint16", "int16", "float32")
"""Types of images: 32-bit floats hold their values."""

PROBABILITIES = ("uint8", "uint16", "float32")
"""Types of probabilities: of 255, of 65535, and of 1."""

MIXED = ("uint8", "uint16")
"""Types of images whose values are counted."""

TRUNCATE = 4.0
"""Sigmas that filters reach."""

AROUND_MAX = 4096
"""Voxels around a block, along an axis, that a search may reach."""


class Spheres(NamedTuple):
    """What is searched for.

    Attributes
    ----------
    summed, cleared, reach : int64 array
        The ball of which values are summed, the one that is cleared, and the one beyond which a
        cell changes no sum.
    least : int
        The smallest sum of a cell.
    """

    summed: Widths
    cleared: Widths
    reach: Widths
    least: int

    @classmethod
    def of(
        cls,
        radius_nm: float,
        cleared_nm: float,
        voxel_size_nm: Sequence[float],
        stop: Fraction | int,
    ) -> Spheres:
        """Return spheres of a radius.

        Parameters
        ----------
        radius_nm, cleared_nm : float
            Of the balls that are summed, and cleared.
        voxel_size_nm : sequence of 3 float
            ZYX.
        stop : Fraction
            The smallest mean of a cell's values, as a share of 255.

        Raises
        ------
        ValueError
            If the ball that is cleared is the smaller one, the share is not above 0 and at most 1,
            the ball has more voxels than sums of 32 bits can hold, or too much is cleared.
        """
        if not (radius_nm >= 0 and min(voxel_size_nm) > 0):
            raise ValueError(f"no ball of {radius_nm} nm in voxels of {list(voxel_size_nm)} nm")
        if cleared_nm < radius_nm:
            raise ValueError(
                f"a ball of {cleared_nm} nm is cleared, which is less than the {radius_nm} nm that "
                "are summed: clear at least as much"
            )
        if not 0 < stop <= 1:
            raise ValueError(f"stop is {stop}: it must be above 0, and 1 at most")
        if 255 * prod(2 * radius_nm / side + 1 for side in voxel_size_nm) >= 2**31:
            raise ValueError(
                f"a ball of {radius_nm} nm has more voxels than can be summed: choose a smaller "
                "one, or a coarser level"
            )
        if 2 * (radius_nm + cleared_nm) / min(voxel_size_nm) > AROUND_MAX:
            raise ValueError(
                f"a ball of {cleared_nm} nm is cleared, for which more than {AROUND_MAX:,} voxels "
                "around a block would be searched: choose a smaller one, or a coarser level"
            )
        summed = ball(radius_nm, voxel_size_nm)
        # a little more than both: what it is for must hold for rounded sums, too
        reach = ball((radius_nm + cleared_nm) * (1 + 1e-9), voxel_size_nm)
        least = ceil(Fraction(stop) * 255 * size(summed))
        return cls(summed, ball(cleared_nm, voxel_size_nm), reach, least)

    @property
    def halo(self) -> tuple[int, int, int]:
        """Voxels around a core, ZYX, with which few are open: twice the reach."""
        z, y, x = (2 * reach for reach in extents(self.reach))
        return z, y, x

    def mean(self, sums: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean of a cell's values, as a share of 255, of its sum."""
        return sums / np.float64(255 * size(self.summed))


class Blobs(NamedTuple):
    """What is searched for.

    Attributes
    ----------
    sigmas : tuple of (float, float, float)
        Of each scale, ZYX, in voxels, the smallest first.
    threshold : float
        The smallest response, in the image's unit.
    bright : bool
        Whether blobs are brighter than what is around them.
    separation : float
        By which share of the larger one's radius blobs are apart at least.
    """

    sigmas: tuple[tuple[float, float, float], ...]
    threshold: float
    bright: bool
    separation: float

    @classmethod
    def of(
        cls,
        sigmas_nm: Sequence[Sequence[float]],
        voxel_size_nm: Sequence[float],
        threshold: float,
        objects: str = "bright",
        separation: float = 1.0,
    ) -> Blobs:
        """Return blobs of given scales.

        Parameters
        ----------
        sigmas_nm : sequence of sequence of 3 float
            ZYX, of each scale, the smallest first. That of a ball is its radius over sqrt(3).
        voxel_size_nm : sequence of 3 float
            ZYX.
        threshold : float
        objects : {"bright", "dark"}
        separation : float

        Raises
        ------
        ValueError
            If there is no scale, one is not larger than the one before, or too large, or a number
            is not above 0.
        """
        if objects not in ("bright", "dark"):
            raise ValueError(f"objects are {objects!r}: write bright or dark")
        sigmas = np.array([*sigmas_nm], np.float64).reshape(-1, 3)
        numbers = (*sigmas.ravel(), *voxel_size_nm, threshold, separation)
        if not (len(sigmas) and all(0 < number < np.inf for number in numbers)):
            raise ValueError(
                "sigmas, voxel sizes, threshold and separation of blobs must be numbers above 0"
            )
        sigmas /= voxel_size_nm
        if TRUNCATE * sigmas.max() + 1 > AROUND_MAX:
            raise ValueError(
                f"sigmas of blobs are up to {sigmas.max():.6g} voxels, for which more than "
                f"{AROUND_MAX:,} voxels around a block would be searched: choose smaller ones, or "
                "a coarser level"
            )
        if not (np.diff(sigmas, axis=0) > 0).all():
            raise ValueError(
                "sigmas of blobs must each be larger than the one before, on each axis"
            )
        z_y_x = tuple((float(z), float(y), float(x)) for z, y, x in sigmas)
        return cls(z_y_x, float(np.float32(threshold)), objects == "bright", separation)

    @property
    def halo(self) -> tuple[int, int, int]:
        """Voxels that must be known around a core, ZYX."""
        z, y, x = (int(TRUNCATE * sigma + 0.5) + 1 for sigma in self.sigmas[-1])
        return z, y, x


def search_of(asked: Mapping[str, Any], voxel_size_nm: Sequence[float]) -> Spheres | Blobs:
    """Return what a parameter set asks for.

    Parameters
    ----------
    asked : mapping
        `method`; of spheres `diameter_nm`, `clear_diameter_nm`, `stop`; of blobs `sigma_nm` (of
        each scale), `sigma_factors` (ZYX), `threshold`, `objects`, `separation`. Numbers are whole,
        or decimals as texts.
    voxel_size_nm : sequence of 3 float
        ZYX.

    Raises
    ------
    ValueError
        If they can't be searched for.
    """
    if asked["method"] == "spheres":
        diameters = float(asked["diameter_nm"]), float(asked["clear_diameter_nm"])
        summed, cleared = (diameter / 2 for diameter in diameters)
        return Spheres.of(summed, cleared, voxel_size_nm, Fraction(asked["stop"]))
    factors = [float(factor) for factor in asked["sigma_factors"]]
    return Blobs.of(
        [[float(sigma) * factor for factor in factors] for sigma in asked["sigma_nm"]],
        voxel_size_nm,
        float(asked["threshold"]),
        asked["objects"],
        float(asked["separation"]),
    )


def radii_nm(asked: Mapping[str, Any]) -> list[float]:
    """Return the radius of what is found at each scale: of spheres there is one."""
    if asked["method"] == "spheres":
        return [float(asked["diameter_nm"]) / 2]
    return [sqrt(3) * float(sigma) for sigma in asked["sigma_nm"]]
