"""Voxels of another type: kept as they are, or refused; nothing wraps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SLAB_VOXELS = 2**22
"""Of what is converted at once: little memory beside the two arrays."""


def converted(voxels: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Return an array as another type.

    Integers and booleans must be the same numbers: floats that are to become integers must be
    whole, and integers that are to become floats within the range where floats have all of these.
    Floats of fewer bits are the nearest ones.

    Parameters
    ----------
    voxels : array
        Integers, floats or booleans.
    dtype : str
        The type's name.

    Raises
    ------
    ValueError
        If a value is not to be had in that type.
    """
    if voxels.dtype == dtype:
        return voxels
    made = np.empty(voxels.shape, dtype)
    step = max(1, _SLAB_VOXELS * len(voxels) // voxels.size)
    for start in range(0, len(voxels), step):
        made[start : start + step] = _converted(voxels[start : start + step], dtype, voxels)
    return made


def quantized(voxels: NDArray[Any], dtype: str, low: float, high: float) -> NDArray[Any]:
    """Return floats as whole numbers of an unsigned type, of which a range becomes all.

    What lies outside of the range becomes the nearest of its ends; `low` becomes 0, and what lies
    halfway between two numbers the even one. Computed in 64-bit floats, voxel by voxel.

    Parameters
    ----------
    voxels : array of floats
    dtype : {"uint8", "uint16"}
    low, high : float

    Raises
    ------
    ValueError
        If a voxel is not a number.
    """
    most = np.iinfo(dtype).max
    made = np.empty(voxels.shape, dtype)
    step = max(1, _SLAB_VOXELS * len(voxels) // voxels.size)
    for start in range(0, len(voxels), step):
        scaled = voxels[start : start + step].astype(np.float64)
        if np.isnan(scaled).any():
            raise ValueError(f"some voxels are not a number, and are nothing in {dtype}")
        np.clip(scaled, low, high, out=scaled)
        scaled -= low
        scaled /= high - low
        scaled *= most
        made[start : start + step] = np.rint(scaled, out=scaled)
    return made


def _converted(voxels: NDArray[Any], dtype: str, of: NDArray[Any]) -> NDArray[Any]:
    source, target = voxels.dtype.kind, np.dtype(dtype).kind
    if source == target == "f":
        with np.errstate(over="ignore"):
            narrow = voxels.astype(dtype)
        if (np.isinf(narrow) & ~np.isinf(voxels)).any():
            _refuse(of, dtype)
        return narrow
    if source == "f" and not (np.isfinite(voxels).all() and (np.trunc(voxels) == voxels).all()):
        raise ValueError(
            f"some voxels are not whole numbers, and nothing is rounded to make {dtype}"
        )
    low, high = _range(dtype)
    if int(voxels.min()) < low or int(voxels.max()) > high:
        _refuse(of, dtype)
    return voxels.astype(dtype)


def _range(dtype: str) -> tuple[int, int]:
    """Return the least and the largest of the whole numbers that a type has all of."""
    of = np.dtype(dtype)
    if of.kind == "b":
        return 0, 1
    if of.kind == "f":
        most = 2 ** (np.finfo(of).nmant + 1)
        return -most, most
    info = np.iinfo(of)
    return int(info.min), int(info.max)


def _refuse(voxels: NDArray[Any], dtype: str) -> None:
    raise ValueError(
        f"voxels go from {voxels.min()} to {voxels.max()}, which {dtype} does not hold, or not "
        "exactly: give another dtype"
    )
