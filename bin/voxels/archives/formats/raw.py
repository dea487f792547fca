"""Voxels that lie in a file one after the other, as several formats have them: read in place."""

from __future__ import annotations

import math
import mmap
import shutil
import tempfile
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from .. import Refused
from ..places.ranged import File
from .image import Slices

STREAM = (
    "is compressed as one stream: each task unpacks all of it into a file of its own, in TMPDIR, "
    "so a large one is read faster unpacked, {}"
)
"""A note on such a file (`Image.note`); it says how to write it otherwise."""

_PIECE = 2**20


def in_file(
    file: File, start: int, shape: Sequence[int], dtype: np.dtype[Any], fortran: bool, uri: str
) -> Callable[[Slices], npt.NDArray[Any]]:
    """Return what reads parts of an array in a file: mapped on disk, by ranges elsewhere.

    Parameters
    ----------
    file : File
    start : int
        Bytes before the first voxel.
    shape : sequence of int
    dtype : numpy.dtype
    fortran : bool
        Whether the first axis is the one that is next to each other.
    uri : str
        What messages call it.

    Raises
    ------
    Refused
        If the file is too short.
    """
    needed = start + math.prod(shape) * dtype.itemsize
    if file.size < needed:
        raise Refused(
            f"{uri} is cut off: it has {file.size:,} bytes, and its header says {needed:,} or more"
        )
    if file.path:
        mapped = mmap.mmap(file.stream.fileno(), 0, access=mmap.ACCESS_READ)
        held: npt.NDArray[Any] = np.ndarray(
            tuple(shape), dtype, mapped, start, order="F" if fortran else "C"
        )

        def copied(part: Slices) -> npt.NDArray[Any]:
            found = np.array(held[part])
            mapped.madvise(mmap.MADV_DONTNEED)  # or what was read counts as memory
            return found

        return copied
    slowest_first = tuple(shape)[::-1] if fortran else tuple(shape)

    def read(part: Slices) -> npt.NDArray[Any]:
        own = part[::-1] if fortran else part
        found = np.empty([one.stop - one.start for one in own], dtype)
        for index in product(*(range(one.start, one.stop) for one in own[:-2])):
            at = tuple(i - one.start for i, one in zip(index, own, strict=False))
            found[at] = _plane(file, start, slowest_first, dtype, index, own[-2:])
        return found.T if fortran else found

    return read


def unpacked(stream: Any) -> File:
    """Return what a compressed stream holds, in a file without a name (in `TMPDIR`).

    It is read once and to its end, where a gzip stream has its checksum.
    """
    held = File(cast(BinaryIO, tempfile.TemporaryFile()))  # noqa: SIM115 - is kept
    stream.seek(0)
    shutil.copyfileobj(stream, held.stream, _PIECE)
    held.stream.seek(0)  # also writes what is left
    return held


def _plane(
    file: File,
    start: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    index: tuple[int, ...],
    part: Slices,
) -> npt.NDArray[Any]:
    """Return a part of the plane at an index of the slower axes: whole rows are read of it."""
    rows, columns = part
    (first,) = np.ravel_multi_index([[i] for i in (*index, rows.start, 0)], shape)
    length = (rows.stop - rows.start) * shape[-1] * dtype.itemsize
    file.stream.seek(start + int(first) * dtype.itemsize)
    content = file.stream.read(length)
    return np.frombuffer(content, dtype).reshape(-1, shape[-1])[:, columns]


def shortest(value: Any) -> float:
    """Return the shortest decimal that a header's number of 32 bits stands for: 0.004, say."""
    return float(str(np.float32(value)))
