"""What a format's module gives of a file: arrays, how each is placed, and how a part is read.

A format is a module with a function `images`. All else (spelling, what is chosen, voxel sizes that
a user gives, boxes, changes) is the same for every format, and its `__init__` does it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .. import Refused
from ..places.ranged import File
from ..volumes.stated import Level

Slices = tuple[slice, ...]
"""What is read of an array, axis by axis; of all axes, within its shape, of step 1."""

_SLAB_BYTES = 2**25
"""Of what is read at once."""


class Image(NamedTuple):
    """One array in a file: a resolution of the volume.

    Attributes
    ----------
    level : Level
        Its axes, in the array's order, with the size of voxels and the place of the first one;
        `spec` has the format's name as `driver`.
    shape : tuple of int
        Of all axes.
    dtype : numpy.dtype
        Of any byte order.
    chunk : tuple of int
        How long, along each axis, what is best read at once is.
    read : callable
        Returns a part, its axes in the array's order.
    lacks : callable
        Says whether a part was never written, as far as the file tells.
    fill : number
        What is read where nothing was written.
    note : str
        What whoever reads it should know; a sentence's end, after the source's name.
    """

    level: Level
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]
    read: Callable[[Slices], npt.NDArray[Any]]
    lacks: Callable[[Slices], bool] = lambda part: False
    fill: Any = 0
    note: str = ""


class Format(Protocol):
    """What the module of a format offers.

    One whose files hold several volumes also has `names`, which takes a `File` and returns what
    follows # where nothing is named: `/path`; none if a file has one volume only.
    """

    def images(self, file: File, inside: str, uri: str) -> list[Image]:
        """Return the resolutions of a volume, the finest first.

        Parameters
        ----------
        file : File
            It stays open as long as the images are in use.
        inside : str
            What is named in the file, such as `/volumes/raw`; empty where nothing is.
        uri : str
            What messages call it.

        Raises
        ------
        Refused, Unreachable
        Exception
            Of whatever library reads it: the file is no good, then.
        """


def slabs(image: Image, part: Slices) -> Iterator[tuple[Slices, Slices]]:
    """Cut a part of an array where its chunks end, along the axis that has most of these.

    Yields slabs of `_SLAB_BYTES`, or of a chunk's length, and where each is in the part.
    """
    sides = zip(part, image.chunk, strict=True)
    chunks = [-(-one.stop // side) - one.start // side for one, side in sides]
    axis = chunks.index(max(chunks))
    side, (start, stop) = image.chunk[axis], (part[axis].start, part[axis].stop)
    layer = math.prod(one.stop - one.start for one in part) // (stop - start) * side
    step = side * max(1, _SLAB_BYTES // (layer * image.dtype.itemsize))
    for first in range(start // step * step, stop, step):
        low, high = max(first, start), min(first + step, stop)
        slab, place = list(part), [slice(None)] * len(part)
        slab[axis], place[axis] = slice(low, high), slice(low - start, high - start)
        yield tuple(slab), tuple(place)


def turned(
    read: Callable[[Slices], npt.NDArray[Any]], shape: Sequence[int], backwards: Sequence[bool]
) -> Callable[[Slices], npt.NDArray[Any]]:
    """Return what reads an array with some of its axes the other way round."""
    step = tuple(slice(None, None, -1 if back else None) for back in backwards)

    def read_turned(part: Slices) -> npt.NDArray[Any]:
        ends = zip(part, shape, backwards, strict=True)
        own = (
            slice(length - one.stop, length - one.start) if back else one
            for one, length, back in ends
        )
        return read(tuple(own))[step]

    return read_turned


def refuse_inside(inside: str, uri: str) -> None:
    """Refuse a name in a file that holds one volume only."""
    if inside:
        raise Refused(f"{uri} names something in a file that holds one volume: leave out #{inside}")
