"""A heap of entries by their scores, the highest first, which are fractions of whole numbers.

`heap` has the numbers of entries, `place` where each is in it; of equal scores the smaller number
comes first. A score is `score` over `over`, of numbers from 0 and from 1 on.
"""

import numpy as np
from numpy.typing import NDArray

from .compiling import njit

Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def less(a: int, b: int, c: int, d: int) -> bool:
    """Say whether a / b is less than c / d, of numbers from 0 on, without a product of two."""
    while True:
        one, other = a // b, c // d
        if one != other:
            return bool(one < other)
        a, c = a - one * b, c - other * d
        if c == 0:
            return False
        if a == 0:
            return True
        a, b, c, d = d, c, b, a  # of what is left, the inverse of the smaller one is larger


@njit(cache=True, nogil=True)
def _before(one: int, other: int, score: Integers, over: Integers) -> bool:
    first, second = score[one] / over[one], score[other] / over[other]
    if abs(first - second) > 1e-15 * (first + second):  # more than rounding does
        return bool(first > second)
    if less(score[other], over[other], score[one], over[one]):
        return True
    if less(score[one], over[one], score[other], over[other]):
        return False
    return one < other


@njit(cache=True, nogil=True)
def up(heap: Integers, place: Integers, at: int, score: Integers, over: Integers) -> None:
    """Move an entry that may come earlier than those above it."""
    edge = heap[at]
    while at > 0:
        above = (at - 1) // 2
        if not _before(edge, heap[above], score, over):
            break
        heap[at] = heap[above]
        place[heap[at]] = at
        at = above
    heap[at] = edge
    place[edge] = at


@njit(cache=True, nogil=True)
def down(
    heap: Integers, place: Integers, size: int, at: int, score: Integers, over: Integers
) -> None:
    """Move an entry that may come later than those below it."""
    edge = heap[at]
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and _before(heap[below + 1], heap[below], score, over):
            below += 1
        if not _before(heap[below], edge, score, over):
            break
        heap[at] = heap[below]
        place[heap[at]] = at
        at = below
    heap[at] = edge
    place[edge] = at


@njit(cache=True, nogil=True)
def remove(
    heap: Integers, place: Integers, size: int, at: int, score: Integers, over: Integers
) -> int:
    """Take an edge out of the heap; return the size that is left."""
    size -= 1
    if at < size:
        moved = heap[size]
        heap[at] = moved
        place[moved] = at
        up(heap, place, at, score, over)
        down(heap, place, size, place[moved], score, over)
    return size
