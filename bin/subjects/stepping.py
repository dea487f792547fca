"""Streamlines step by step, compiled: dipy's, bit for bit, in a fraction of the time.

At each point dipy evaluates the fODF in all directions of a sphere, one after the other: each is a
sum that waits for its last addend. Here the sums of all directions grow together, each in the same
order, so processors do several at once; that is nine tenths of tracking. Random numbers are those
of dipy, too (PCG32, seeded by a number of the seed's place).

Numbers are the same as those of dipy's wheels for x86-64. Elsewhere compilers may multiply and add
in one step in dipy, which rounds once less.

References
----------
dipy 1.12: `dipy.tracking.tracker`. M. E. O'Neill (2014), PCG: a family of simple fast
space-efficient statistically good algorithms for random number generation, HMC-CS-2014-0905.
"""

from __future__ import annotations

from math import floor, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from voxels.compiling import njit

Floats = NDArray[np.float64]


class Rules(NamedTuple):
    """What decides where a streamline goes.

    Attributes
    ----------
    deterministic : bool
        Whether it goes where the fODF is largest, and not where it is drawn.
    fa_stop : float
        At points where the fractional anisotropy is no more, a streamline ends.
    inverse : float64 array, shape (3,)
        Inverse sizes of voxels (1/mm).
    step_mm, cosine, threshold : float
        Length of a step, the least cosine of the angle between two steps, and the share of the
        largest value of the fODF that a direction needs.
    least, most : int
        Points of a streamline.
    random_seed : int
    """

    deterministic: bool
    fa_stop: float
    inverse: Floats
    step_mm: float
    cosine: float
    threshold: float
    least: int
    most: int
    random_seed: int


def compile_all() -> None:
    """Compile what a run needs, so that the first task does not have to."""
    rules = Rules(False, 0.1, np.ones(3), 0.5, 0.9, 0.1, 1, 3, 1)
    one, volume = np.ones((1, 3)), np.ones((3, 3, 3, 4))
    sphere, points = np.ones((3, 2)), np.empty((3, 3))
    follow(one, one, volume, volume, np.ones((4, 2)), sphere, rules, points, np.empty(1, np.int64))


@njit(cache=True, nogil=True)
def follow(
    seeds: Floats,
    directions: Floats,
    sh: Floats,
    fa: Floats,
    basis: Floats,
    vertices: Floats,
    rules: Any,
    points: Floats,
    lengths: Any,
) -> int:
    """Track both ways from each seed; return how many points were written.

    Parameters
    ----------
    seeds, directions : float64 array, shape (n, 3)
        Places in voxels, and unit vectors.
    sh : float64 array, shape (X, Y, Z, c)
    fa : float64 array, shape (X, Y, Z, 1)
    basis : float64 array, shape (c, v)
        The spherical harmonics at the vertices.
    vertices : float64 array, shape (3, v)
    rules : Rules
    points : float64 array, shape (n * rules.most, 3)
        Written to: the points of streamlines, one after the other.
    lengths : int64 array, shape (n,)
        Written to: how many points each has; 0 if it is left out.
    """
    line: Any = np.empty((2 * rules.most, 3))
    odf, coefficients, value = np.empty(basis.shape[1]), np.empty(basis.shape[0]), np.empty(1)
    written = 0
    state = np.empty(2, np.uint64)
    for one in range(len(seeds)):
        seed = seeds[one]
        where = (seed[0] * 2 + seed[1] * 3 + seed[2] * 5) * rules.random_seed
        _seed(state, np.uint64(np.uint32(np.int64(where))))
        line[rules.most] = seed
        ends = [0, 0]
        direction = directions[one].copy()
        for way in range(2):
            sign = 1 - 2 * way
            if way and ends[0] > 0:
                direction = line[rules.most + 1] - line[rules.most]
                _normalise(direction)
            elif way:
                direction = directions[one].copy()
            if way:
                direction *= -1
            point, at = seed.copy(), 0
            for at in range(1, rules.most):
                if not _interpolated(sh, point, coefficients):
                    break
                _evaluate(basis, coefficients, odf)
                if not _turn(odf, vertices, direction, rules, state):
                    break
                for axis in range(3):
                    point[axis] += direction[axis] * rules.inverse[axis] * rules.step_mm
                line[rules.most + sign * at] = point
                if not _interpolated(fa, point, value) or not value[0] > rules.fa_stop:
                    break
            ends[way] = at - 1
        length = ends[0] + ends[1] + 1
        lengths[one] = 0
        if rules.least <= length <= rules.most:
            lengths[one] = length
            points[written : written + length] = line[rules.most - ends[1] :][:length]
            written += length
    return written


@njit(cache=True, nogil=True)
def _interpolated(data: Floats, point: Floats, found: Floats) -> bool:
    """Interpolate linearly between eight voxels; say whether the point is within the volume."""
    lower, upper, rest = np.empty(3, np.int64), np.empty(3, np.int64), np.empty(3)
    for axis in range(3):
        if point[axis] < -0.5 or point[axis] >= data.shape[axis] - 0.5:
            return False
        below = int(floor(point[axis]))
        rest[axis] = point[axis] - below
        lower[axis] = max(below, 0)
        upper[axis] = min(below + 1, data.shape[axis] - 1)
    found[:] = 0
    for corner in range(8):
        x, y, z = corner >> 2, (corner >> 1) & 1, corner & 1
        weight = rest[0] if x else 1 - rest[0]
        weight *= rest[1] if y else 1 - rest[1]
        weight *= rest[2] if z else 1 - rest[2]
        of = data[upper[0] if x else lower[0], upper[1] if y else lower[1]]
        voxel = of[upper[2] if z else lower[2]]
        for i in range(len(found)):
            found[i] += weight * voxel[i]
    return True


@njit(cache=True, nogil=True)
def _evaluate(basis: Floats, coefficients: Floats, odf: Floats) -> None:
    """Evaluate spherical harmonics at all vertices: each sum in the order of coefficients."""
    number = len(coefficients)
    odf[:] = 0
    for j in range(0, number - 3, 4):
        p, q, r, s = coefficients[j : j + 4]
        for i in range(len(odf)):
            odf[i] = (odf[i] + basis[j, i] * p + basis[j + 1, i] * q + basis[j + 2, i] * r) + basis[
                j + 3, i
            ] * s
    for j in range(number - number % 4, number):
        p = coefficients[j]
        for i in range(len(odf)):
            odf[i] += basis[j, i] * p


@njit(cache=True, nogil=True)
def _turn(
    odf: Floats, vertices: Floats, direction: Floats, rules: Any, state: NDArray[np.uint64]
) -> bool:
    """Choose the next direction, near to this one; say whether there is one."""
    if direction[0] == 0 and direction[1] == 0 and direction[2] == 0:
        return False
    _normalise(direction)
    largest = 0.0
    for i in range(len(odf)):
        largest = max(largest, odf[i])
    enough = rules.threshold * largest
    x, y, z = direction
    chosen, total, best = -1, 0.0, 0.0
    for i in range(len(odf)):
        value = odf[i]
        if value < enough:
            value = 0.0
        cosine = abs(vertices[0, i] * x + vertices[1, i] * y + vertices[2, i] * z)
        if rules.deterministic:
            if cosine > rules.cosine and value > best:
                chosen, best = i, value
        else:
            if cosine < rules.cosine:
                value = 0.0
            total += value
            odf[i] = total
    if not rules.deterministic and total > 0:
        drawn = _random(state) * total
        chosen = np.searchsorted(odf, drawn, "right")
        chosen = min(chosen, np.searchsorted(odf, total))  # where dipy would read past its table
    if chosen < 0:
        return False
    u, v, w = vertices[0, chosen], vertices[1, chosen], vertices[2, chosen]
    sign = 1 if x * u + y * v + z * w > 0 else -1
    direction[0], direction[1], direction[2] = sign * u, sign * v, sign * w
    return True


@njit(cache=True, nogil=True)
def _normalise(vector: Floats) -> None:
    scale = 1.0 / sqrt(vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2])
    for axis in range(3):
        vector[axis] *= scale


@njit(cache=True, nogil=True)
def _seed(state: NDArray[np.uint64], seed: np.uint64) -> None:
    state[0], state[1] = 0, (seed << np.uint64(1)) | np.uint64(1)
    _random(state)
    state[0] += seed
    _random(state)


@njit(cache=True, nogil=True)
def _random(state: NDArray[np.uint64]) -> float:
    """Return a number from 0 to 1, both included: PCG32, XSH RR."""
    old = state[0]
    state[0] = old * np.uint64(6364136223846793005) + state[1]
    mixed = np.uint32(((old >> np.uint64(18)) ^ old) >> np.uint64(27))
    turn = np.uint32(old >> np.uint64(59))
    back = (np.uint32(32) - turn) & np.uint32(31)
    return np.uint32((mixed >> turn) | (mixed << back)) / 4294967295.0
