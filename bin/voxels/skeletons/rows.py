"""Loops over runs of voxels, compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit

Numbers = NDArray[np.int32]


class Voxels(NamedTuple):
    """The voxels of a segment, or of a component of it, which count through its runs.

    Attributes
    ----------
    places : int32 array, shape (r + 1, 4)
        Of each run its row (a number for each z and y), x0, x1 (half-open), and what added to x
        gives a voxel's number. Behind the last one is a row -1.
    beside : int32 array, shape (r, 8)
        Of each run, in each of the rows around its own, the first run that touches it, or -1.
    runs : int32 array, shape (n,)
        The run of each voxel.
    """

    places: Numbers
    beside: Numbers
    runs: Numbers


AROUND = 26
"""Voxels that one touches, at a face, an edge or a corner."""

BACK_Z, BACK_Y, ON_Y, ON_Z = 1, 3, 4, 6
"""Of the rows around one: those that differ by one step along z or y."""


@njit(cache=True, nogil=True)
def count(voxels: NDArray[Any]) -> int:
    """Return how many runs a block has."""
    found = 0
    for z in range(voxels.shape[0]):
        for y in range(voxels.shape[1]):
            last = voxels.dtype.type(0)
            for x in range(voxels.shape[2]):
                here = voxels[z, y, x]
                if here != last:
                    last = here
                    found += here != 0
    return found


@njit(cache=True, nogil=True)
def fill(
    voxels: NDArray[Any],
    corner: tuple[int, int, int],
    ids: NDArray[np.uint64],
    runs: Numbers,
) -> None:
    """Write a block's runs, and the segment of each, in the order of the voxels."""
    at = -1
    for z in range(voxels.shape[0]):
        for y in range(voxels.shape[1]):
            last = voxels.dtype.type(0)
            for x in range(voxels.shape[2]):
                here = voxels[z, y, x]
                if here != last:
                    if last != 0:
                        runs[at, 3] = corner[2] + x
                    last = here
                    if here != 0:
                        at += 1
                        ids[at] = here
                        runs[at, 0], runs[at, 1] = corner[0] + z, corner[1] + y
                        runs[at, 2] = corner[2] + x
            if last != 0:
                runs[at, 3] = corner[2] + voxels.shape[2]


@njit(cache=True, nogil=True)
def unite(runs: Numbers) -> int:
    """Make one of runs in order that touch; return how many are left, or -1 if two overlap."""
    last = 0
    for at in range(1, len(runs)):
        same = runs[at, 0] == runs[last, 0] and runs[at, 1] == runs[last, 1]
        if same and runs[at, 2] < runs[last, 3]:
            return -1
        if same and runs[at, 2] == runs[last, 3]:
            runs[last, 3] = runs[at, 3]
        else:
            last += 1
            runs[last] = runs[at]
    return last + 1 if len(runs) else 0


@njit(cache=True, nogil=True)
def beside(runs: Numbers) -> Numbers:
    """Return for each run the first that touches it in each of the rows around its own, or -1."""
    touching = np.full((len(runs), 8), -1, np.int32)
    which = 0
    for dz in range(-1, 2):
        for dy in range(-1, 2):
            if dz == 0 and dy == 0:
                continue
            other = 0
            for at in range(len(runs)):
                z, y, x0, x1 = runs[at, 0] + dz, runs[at, 1] + dy, runs[at, 2], runs[at, 3]
                while other < len(runs) and (
                    runs[other, 0] < z
                    or (
                        runs[other, 0] == z
                        and (runs[other, 1] < y or (runs[other, 1] == y and runs[other, 3] < x0))
                    )
                ):
                    other += 1
                if (
                    other < len(runs)
                    and runs[other, 0] == z
                    and runs[other, 1] == y
                    and runs[other, 2] <= x1
                ):
                    touching[at, which] = other
            which += 1
    return touching


@njit(cache=True, nogil=True)
def components(runs: Numbers, touching: Numbers) -> Numbers:
    """Return the component (26 neighbours) of each run: the number of its first run."""
    parent = np.arange(len(runs)).astype(np.int32)
    for at in range(len(runs)):
        for which in range(4):  # the rows before
            other: Any = touching[at, which]
            if other < 0:
                continue
            z, y = runs[other, 0], runs[other, 1]
            while runs[other, 0] == z and runs[other, 1] == y and runs[other, 2] <= runs[at, 3]:
                one, two = _root(parent, at), _root(parent, other)
                parent[max(one, two)] = min(one, two)
                other += 1
    for at in range(len(parent)):
        parent[at] = parent[parent[at]]
    return parent


@njit(cache=True, nogil=True)
def _root(parent: Numbers, at: Any) -> Any:
    while parent[at] != at:
        parent[at] = parent[parent[at]]
        at = parent[at]
    return at


@njit(cache=True, nogil=True)
def placed(runs: Numbers, touching: Numbers) -> Voxels:
    """Return the voxels of runs in order, of which there are fewer than 2^31."""
    places = np.empty((len(runs) + 1, 4), np.int32)
    row = voxels = 0
    for at in range(len(runs)):
        z, y, x0, x1 = runs[at]
        if at and (runs[at - 1, 0] != z or runs[at - 1, 1] != y):
            row += 1
        places[at, 0], places[at, 1], places[at, 2], places[at, 3] = row, x0, x1, voxels - x0
        voxels += x1 - x0
    places[len(runs)] = -1
    owner = np.empty(voxels, np.int32)
    for at in range(len(runs)):
        x0, x1, shift = places[at, 1], places[at, 2], places[at, 3]
        owner[x0 + shift : x1 + shift] = at
    return Voxels(places, touching, owner)


@njit(cache=True, nogil=True)
def around(voxel: int, voxels: Voxels, found: Numbers, steps: NDArray[np.uint8]) -> Any:
    """Find the voxels that one touches; return how many.

    A step's bits say whether it goes along x, y and z, the lowest first.
    """
    places, run = voxels.places, voxels.runs[voxel]
    n = 0
    x = voxel - places[run, 3]
    for which in range(8):
        other = voxels.beside[run, which]
        if other < 0:
            continue
        rows = (which not in (BACK_Z, ON_Z)) << 1 | (which not in (BACK_Y, ON_Y)) << 2
        if places[other, 1] < x and places[other, 2] > x + 1:  # as most, and with fewer questions
            there = x + places[other, 3]
            found[n], found[n + 1], found[n + 2] = there - 1, there, there + 1
            steps[n], steps[n + 1], steps[n + 2] = rows | 1, rows, rows | 1
            n += 3
            continue
        row = places[other, 0]
        while places[other, 0] == row and places[other, 1] <= x + 1:
            shift = places[other, 3]
            for there in range(max(places[other, 1], x - 1), min(places[other, 2], x + 2)):
                found[n] = there + shift
                steps[n] = rows | (there != x)
                n += 1
            other += 1
    if x > places[run, 1]:
        found[n], steps[n] = voxel - 1, 1
        n += 1
    if x + 1 < places[run, 2]:
        found[n], steps[n] = voxel + 1, 1
        n += 1
    return n
