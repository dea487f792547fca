"""A queue of voxels by their sums, of which some fall while they wait.

A key is a whole number, the smallest first. Keys that are known at the beginning lie in an array in
order; those that come later are a heap at its beginning, where there is room: none comes before an
earlier one was taken.
"""

import numpy as np
from numpy.typing import NDArray

from ..compiling import njit

Keys = NDArray[np.int64]


@njit(cache=True, nogil=True)
def pop(keys: Keys, read: int, heap: int) -> tuple[int, int, int]:
    """Return the smallest key, and how many of those in order are taken, and in the heap, now.

    One of the two must have a key.
    """
    if read < len(keys) and (heap == 0 or keys[read] < keys[0]):
        return keys[read], read + 1, heap
    smallest, last = keys[0], keys[heap - 1]
    heap -= 1
    place = 0
    while 2 * place + 1 < heap:
        child = 2 * place + 1
        if child + 1 < heap and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= last:
            break
        keys[place] = keys[child]
        place = child
    keys[place] = last
    return smallest, read, heap


@njit(cache=True, nogil=True)
def push(keys: Keys, key: int, heap: int) -> int:
    """Put a key into the heap; return how many are in it now."""
    place = heap
    while place > 0 and keys[(place - 1) // 2] > key:
        keys[place] = keys[(place - 1) // 2]
        place = (place - 1) // 2
    keys[place] = key
    return heap + 1
