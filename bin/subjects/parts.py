"""Streamlines in files: a part is positions, one after the other, and where each one begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

POSITIONS, OFFSETS = "positions.npy", "offsets.npy"

AT_ONCE = 2**20
"""Points that are looked at together, unless a streamline has more: 12 bytes each."""

Affine = NDArray[np.float64]


class Streamlines(NamedTuple):
    """Streamlines, one after the other.

    Attributes
    ----------
    positions : float32 array, shape (n, 3)
        XYZ of the points, in mm of the scanner's space (RAS+).
    offsets : uint64 array, shape (m + 1,)
        Where each streamline begins, and n.
    """

    positions: NDArray[np.float32]
    offsets: NDArray[np.uint64]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many points each has."""
        return np.asarray(np.diff(self.offsets.astype(np.int64)), np.int64)

    def only(self, chosen: NDArray[np.bool_]) -> Streamlines:
        """Return those that are chosen (bool array, shape (m,)); copied."""
        lengths = self.lengths
        offsets = np.append(0, np.cumsum(lengths[chosen])).astype(np.uint64)
        return Streamlines(self.positions[np.repeat(chosen, lengths)], offsets)


def opened(directory: Path) -> Streamlines:
    """Return the part in a directory, mapped into memory."""
    return Streamlines(*(np.load(directory / name, "r") for name in (POSITIONS, OFFSETS)))


def batches(parts: Iterable[Streamlines], most: int = AT_ONCE) -> Iterator[Streamlines]:
    """Yield whole streamlines, in order, of so many points at most, or one; in memory."""
    for part in parts:
        ends, start = part.offsets[1:].astype(np.int64), 0
        while start < len(part):
            first = int(part.offsets[start])
            end = max(int(np.searchsorted(ends, first + most, "right")), start + 1)
            offsets = part.offsets[start : end + 1] - np.uint64(first)
            points = np.array(part.positions[first : int(ends[end - 1])])
            yield Streamlines(points, offsets)
            start = end


def first(parts: Iterable[Streamlines], number: int) -> Iterator[Streamlines]:
    """Yield so many streamlines, the first ones, a batch at a time; of seeds, a random sample."""
    for some in batches(parts, AT_ONCE // 8):
        yield some.only(np.arange(len(some)) < number)
        number -= len(some)
        if number <= 0:
            return


def world(points: NDArray[np.float64], affine: Affine) -> NDArray[np.float32]:
    """Return where points in voxels are in mm: of each the same, whatever is beside it."""
    return transformed(points, affine).astype(np.float32)


def voxels_at(
    points: NDArray[np.float32], affine: Affine, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return the number of the voxel (C order of the volume) whose middle is nearest to a point.

    Parameters
    ----------
    points : float32 array, shape (n, 3)
        In mm.
    affine : float64 array, shape (4, 4)
        From voxels to mm.
    shape : tuple of 3 int

    Raises
    ------
    ValueError
        If a point is outside of the volume, by more than float32 may be off.
    """
    places = transformed(points.astype(np.float64), np.asarray(np.linalg.inv(affine), np.float64))
    last = np.array(shape) - 1
    nearest = np.floor(places + 0.5)
    inside = np.clip(nearest, 0, last)
    moved = nearest != inside
    if moved.any() and (np.abs(places - inside)[moved] > 0.5 + _OFF).any():
        raise ValueError("a point of a streamline is outside of the volume")
    x, y, z = inside.astype(np.int64).T
    return np.asarray((x * shape[1] + y) * shape[2] + z, np.int64)


_OFF = 1e-3


def transformed(points: NDArray[np.float64], affine: Affine) -> NDArray[np.float64]:
    """Return where an affine takes points: no product of matrices, whose bits depend on others."""
    x, y, z = points.T
    return np.stack([a * x + b * y + c * z + d for a, b, c, d in affine[:3]], axis=1)


class Written:
    """A part that is being written, a few streamlines at a time.

    Parameters
    ----------
    directory : Path
        Is there, without a part.
    """

    def __init__(self, directory: Path) -> None:
        self.points, self._directory = 0, directory
        self._lengths: list[NDArray[np.int64]] = []
        self._file = (directory / POSITIONS).open("xb")
        self._begin(self._file)

    def add(self, points: NDArray[np.float32], lengths: NDArray[np.int64]) -> None:
        """Add streamlines: points one after the other (n, 3), and how many each has."""
        self._file.write(np.ascontiguousarray(points, "<f4").data)
        self.points += len(points)
        self._lengths.append(lengths)

    def close(self) -> int:
        """Write what says how many there are; return the number of streamlines."""
        self._begin(self._file)
        self._file.close()
        lengths = np.concatenate([np.zeros(1, np.int64), *self._lengths])
        np.save(self._directory / OFFSETS, np.cumsum(lengths).astype(np.uint64))
        return len(lengths) - 1

    def _begin(self, file: IO[Any]) -> None:
        """Write the header; numpy leaves room in it for the number of rows to grow."""
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.points, 3)}
        file.seek(0)
        np.lib.format.write_array_header_1_0(file, header)
