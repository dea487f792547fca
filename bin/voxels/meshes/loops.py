"""Loops over the cubes of a block, compiled by numba; of `cubes`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit


@njit(cache=True, nogil=True)
def _slot(keys: NDArray[np.uint64], counts: NDArray[np.int64], label: Any) -> Any:
    """Return where a label is in a table of 2^n places, or is to be put."""
    key = np.uint64(label)
    mask = np.uint64(len(keys) - 1)
    at = (key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(32) & mask
    while counts[at] and keys[at] != key:
        at = at + np.uint64(1) & mask
    return at


@njit(cache=True, nogil=True)
def _larger(
    keys: NDArray[np.uint64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the same table with twice as many places."""
    new_keys = np.zeros(2 * len(keys), np.uint64)
    new_counts = np.zeros(2 * len(keys), np.int64)
    for old in range(len(keys)):
        if counts[old]:
            at = _slot(new_keys, new_counts, keys[old])
            new_keys[at] = keys[old]
            new_counts[at] = counts[old]
    return new_keys, new_counts


@njit(cache=True, nogil=True)
def count(labels: NDArray[Any]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return a table of the segments that cubes meet, and how many cubes each has."""
    keys, counts = np.zeros(256, np.uint64), np.zeros(256, np.int64)
    used = 0
    corner = np.zeros(8, labels.dtype)
    for z in range(labels.shape[0] - 1):
        for y in range(labels.shape[1] - 1):
            last, same = labels[z, y, 0], False  # of the four voxels before, and if all are so
            for x in range(labels.shape[2]):
                a, b = labels[z, y, x], labels[z, y + 1, x]
                c, d = labels[z + 1, y, x], labels[z + 1, y + 1, x]
                now = (a == b) & (a == c) & (a == d)
                if now and same and a == last:
                    continue
                last, same = a, now
                left = _read(labels, z, y, x, corner)
                while left:
                    label, case = _lowest(corner, left)
                    left &= ~case
                    slot = _slot(keys, counts, label)
                    if counts[slot] == 0:
                        keys[slot] = label
                        used += 1
                    counts[slot] += 1
                if 2 * used > len(keys):
                    keys, counts = _larger(keys, counts)
    return keys, counts


@njit(cache=True, nogil=True)
def fill(
    labels: NDArray[Any],
    keys: NDArray[np.uint64],
    ends: NDArray[np.int64],
    start: int,
    strides: NDArray[np.int64],
    cubes: NDArray[np.int64],
) -> None:
    """Write the cubes, each where those of its segment end so far."""
    used = np.zeros(len(keys), np.int64)
    for at in range(len(keys)):
        used[at] = keys[at] != 0
    corner = np.zeros(8, labels.dtype)
    for z in range(labels.shape[0] - 1):
        for y in range(labels.shape[1] - 1):
            before = start + z * strides[0] + y * strides[1] - 1
            last, same = labels[z, y, 0], False  # of the four voxels before, and if all are so
            for x in range(labels.shape[2]):
                a, b = labels[z, y, x], labels[z, y + 1, x]
                c, d = labels[z + 1, y, x], labels[z + 1, y + 1, x]
                now = (a == b) & (a == c) & (a == d)
                if now and same and a == last:
                    continue
                last, same = a, now
                left = _read(labels, z, y, x, corner)
                while left:
                    label, case = _lowest(corner, left)
                    left &= ~case
                    slot = _slot(keys, used, label)
                    cubes[ends[slot]] = before + x << 8 | case
                    ends[slot] += 1


@njit(cache=True, nogil=True)
def _read(labels: NDArray[Any], z: int, y: int, x: int, corner: NDArray[Any]) -> int:
    """Read the cube that ends at x, none if that is 0; return the corners in segments, as bits."""
    bits = 0
    if x:
        for at in range(8):
            corner[at] = labels[z + (at >> 2), y + (at >> 1 & 1), x - 1 + (at & 1)]
            bits |= (corner[at] != 0) << at
    return bits


@njit(cache=True, nogil=True)
def _lowest(corner: NDArray[Any], left: int) -> tuple[Any, int]:
    """Return the label of the first corner that is left, and which corners have it."""
    at = 0
    while not left >> at & 1:
        at += 1
    case = 0
    for other in range(8):
        case |= (corner[other] == corner[at]) << other
    return corner[at], case


@njit(cache=True, nogil=True)
def pack(
    cubes: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """Return the steps between the positions of each segment, and where each one's end; cases too.

    A step has seven bits a byte, the lowest first; the highest bit says that more follow.
    """
    most = (ends - starts).sum()
    steps, cases = np.empty(8 * most, np.uint8), np.empty(most, np.uint8)
    step_ends, case_ends = np.zeros(len(starts) + 1, np.int64), np.zeros(len(starts) + 1, np.int64)
    here = there = 0
    for one in range(len(starts)):
        before = 0
        for at in range(starts[one], ends[one]):
            step = (cubes[at] >> 8) - before
            before += step
            while step >= 128:
                steps[here] = step & 127 | 128
                step >>= 7
                here += 1
            steps[here] = step
            here += 1
            cases[there] = cubes[at] & 255
            there += 1
        step_ends[one + 1], case_ends[one + 1] = here, there
    return steps[:here], step_ends, cases, case_ends


@njit(cache=True, nogil=True)
def unpack(
    steps: NDArray[np.uint8],
    step_ends: NDArray[np.int64],
    cases: NDArray[np.uint8],
    case_ends: NDArray[np.int64],
    cubes: NDArray[np.int64],
) -> Any:
    """Undo `pack`; tell whether the bytes are as it writes them."""
    for one in range(len(step_ends) - 1):
        here, position = step_ends[one], 0
        for there in range(case_ends[one], case_ends[one + 1]):
            step = bits = 0
            while True:
                if here >= step_ends[one + 1] or bits > 56:
                    return False
                byte: Any = np.int64(steps[here])
                here += 1
                step |= (byte & 127) << bits
                bits += 7
                if byte < 128:
                    break
            position += step
            cubes[there] = position << 8 | np.int64(cases[there])
        if here != step_ends[one + 1]:
            return False
    return True


@njit(cache=True, nogil=True)
def move(
    cubes: NDArray[np.int64],
    offsets: NDArray[np.int64],
    sides: NDArray[np.int64],
    shift: NDArray[np.int64],
    around: NDArray[np.int64],
    places: NDArray[np.int64],
    every: NDArray[np.int64],
) -> None:
    """Write a block's cubes by their positions in the whole, each segment's at its place.

    Sides are cubes along z, y, x: of the block, and of the whole around it.
    """
    for one in range(len(places)):
        to = places[one] - offsets[one]
        for at in range(offsets[one], offsets[one + 1]):
            position = cubes[at] >> 8
            row, x = position // sides[2], position % sides[2]
            z, y = row // sides[1], row % sides[1]
            moved = ((z + shift[0]) * around[1] + y + shift[1]) * around[2] + x + shift[2]
            every[to + at] = moved << 8 | cubes[at] & 255


@njit(cache=True, nogil=True)
def add(every: NDArray[np.int64], start: int, end: int, last: int) -> Any:
    """Write a segment's cubes, each once with the corners of all its parts; return where they end.

    They are in order from `start` to `end`, and go to `last`. One that is wholly inside is none.
    """
    at = start
    while at < end:
        cube = every[at]
        at += 1
        while at < end and every[at] >> 8 == cube >> 8:
            cube |= every[at]
            at += 1
        if cube & 255 != 255:
            every[last] = cube
            last += 1
    return last
