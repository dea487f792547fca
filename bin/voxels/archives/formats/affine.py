"""How an array lies in space by the directions of its axes, as medical formats state them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import Refused

_OBLIQUE = 1e-4
"""Radians between an axis of the array and one of space; below, it is rounding."""


class Placed(NamedTuple):
    """What directions come to.

    Attributes
    ----------
    axes : tuple of str
        Which of x, y and z each of the three axes of the array runs along.
    backwards : tuple of bool
        Whether it runs down.
    scale_zyx, first_zyx : tuple of float
        Size of a voxel, and where the middle of the one with the lowest coordinates is.
    """

    axes: tuple[str, ...]
    backwards: tuple[bool, ...]
    scale_zyx: tuple[float, ...]
    first_zyx: tuple[float, ...]


def placed(
    directions: Sequence[Sequence[float]], origin: Sequence[float], shape: Sequence[int], uri: str
) -> Placed:
    """Return how an array lies.

    Parameters
    ----------
    directions : sequence of 3 sequences of 3 float
        For each axis of the array the step, in x, y and z, from one voxel to the next.
    origin : sequence of 3 float
        Where the middle of the first voxel is, in x, y and z.
    shape : sequence of 3 int
    uri : str
        What messages call it.

    Raises
    ------
    Refused
        If an axis runs along none of x, y and z.
    """
    along, scale, first = [], {}, dict(zip("xyz", map(float, origin), strict=True))
    backwards = []
    for step, length in zip(directions, shape, strict=True):
        size = math.hypot(*step)
        main = max(range(3), key=lambda i: abs(step[i]))
        beside = math.hypot(*(one for i, one in enumerate(step) if i != main))
        if not size > 0 or beside > _OBLIQUE * size:
            raise Refused(
                f"{uri} lies obliquely: an axis of its array runs along {_shown(step)} (x, y, z), "
                "and voxels here run along x, y or z; resample it"
            )
        axis = "xyz"[main]
        along.append(axis)
        backwards.append(step[main] < 0)
        scale[axis] = abs(step[main])
        if step[main] < 0:
            first[axis] += step[main] * (length - 1)
    if sorted(along) != ["x", "y", "z"]:
        raise Refused(f"{uri} has axes that run along {', '.join(along)}: it needs x, y and z")
    return Placed(
        tuple(along),
        tuple(backwards),
        tuple(scale[axis] for axis in "zyx"),
        tuple(first[axis] for axis in "zyx"),
    )


def _shown(step: Sequence[Any]) -> str:
    return ", ".join(f"{float(one):.4g}" for one in step)
