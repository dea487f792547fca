"""Voxels of a volume at given places, from the level that suits: whole slices in little memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from .archives import Refused, archive_of
from .archives.offsets import given_zyx
from .archives.places import s3
from .boxes import Box

if TYPE_CHECKING:
    import numpy.typing as npt

VOXELS_READ = 2**26
"""How many voxels of whole chunks are read at most: of what is larger, the middle."""

_VOXELS_OF_PIECE = 2**22


@dataclass(frozen=True)
class Seen:
    """A volume that is looked at.

    Attributes
    ----------
    uri : str
    kind : {"image", "segmentation"}
    resolution : int
        The finest level that is looked at.
    voxel_size_nm_xyz : sequence of float
        Of that level, where the volume itself states none; empty if that is not known.
    host : str
        Address of BossDB, of whose volumes it may be.
    chosen : mapping
        Index of `channel` or `time`, of a volume that has several.
    in_store : bool
        Whether it is reached with the credentials of a store, and not with those of sources.
    """

    uri: str
    kind: str
    resolution: int
    voxel_size_nm_xyz: Sequence[float]
    host: str = ""
    chosen: Mapping[str, int] = field(default_factory=dict)
    in_store: bool = False

    def sample(
        self,
        points: Mapping[str, npt.NDArray[np.float64]],
        pixel_nm: Mapping[str, float],
        most: int = VOXELS_READ,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], str]:
        """Return the voxels at places, of the coarsest level that has one for each pixel.

        Parameters
        ----------
        points : mapping of str to ndarray
            By axis, where (nm), in rising order.
        pixel_nm : mapping of str to float
            How far they are apart, along the axes of a picture.
        most : int
            Voxels of whole chunks that are read.

        Returns
        -------
        voxels : ndarray
            ZYX; 0 where nothing is known.
        known : ndarray of bool
            Where there is a voxel, and it was read.
        note : str
            That only the middle was read, if so.

        Raises
        ------
        Refused, Unreachable
            If it can't be read.
        """
        with s3.as_of_store(self.in_store):
            number, level = self._level(pixel_nm)
            at, inside = _places(points, level)
            while _cost(at, inside, level) > most and (coarser := self._described(number + 1)):
                number, level = number + 1, coarser
                at, inside = _places(points, level)
            note = _crop(at, inside, level, most)
            low, chunk = level["offset_zyx"], level["chunk_zyx"]
            voxels = np.zeros([len(one) for one in at], level["dtype"])
            for places in _pieces(at, inside, low, chunk):
                indices = [one[place] for one, place in zip(at, places, strict=True)]
                corner = [int(one[0]) for one in indices]
                sides = [
                    int(one[-1]) + 1 - first for one, first in zip(indices, corner, strict=True)
                ]
                read = self._read(number, level["dtype"], Box.of(corner, sides))
                own = [one - first for one, first in zip(indices, corner, strict=True)]
                voxels[np.ix_(*places)] = read[np.ix_(*own)]
        z, y, x = inside
        return voxels, z[:, None, None] & y[:, None] & x, note

    def _read(self, number: int, dtype: str, box: Box) -> npt.NDArray[Any]:
        archive, token = archive_of(self.uri), os.environ.get("BOSSDB_TOKEN") or "public"
        return archive.read(self.uri, number, self.host, token, dtype, box, chosen=self.chosen)

    def _level(self, pixel_nm: Mapping[str, float]) -> tuple[int, dict[str, Any]]:
        """Return number and metadata of the coarsest level that is no coarser than pixels."""
        number, level = self.resolution, self._finest
        while any(size <= 0.5 * pixel_nm.get(axis, 0) for axis, size in _sizes(level)):
            coarser = self._described(number + 1)
            if not coarser or any(
                size > 1.01 * pixel_nm.get(axis, np.inf) for axis, size in _sizes(coarser)
            ):
                break
            number, level = number + 1, coarser
        return number, level

    @cached_property
    def _finest(self) -> dict[str, Any]:
        return self._describe(self.resolution, self.voxel_size_nm_xyz[::-1] or None)

    def _described(self, number: int) -> dict[str, Any] | None:
        """Return the metadata of a coarser level; None if there is none that can be used.

        An offset that was given is one in voxels of the level that it was given for.
        """
        if given_zyx(self.chosen):
            return None
        try:
            return self._describe(number)
        except Refused:
            return None

    def _describe(self, number: int, size_nm: Sequence[float] | None = None) -> dict[str, Any]:
        archive, token = archive_of(self.uri), os.environ.get("BOSSDB_TOKEN") or "public"
        return archive.describe(
            self.uri, number, self.host, token, chosen=self.chosen, size_nm_zyx=size_nm
        )


Places = list["npt.NDArray[np.int64]"]
Inside = list["npt.NDArray[np.bool_]"]
"""By axis, ZYX: the voxels of points, and whether there are such, and they are to be read."""


def _sizes(level: dict[str, Any]) -> list[tuple[str, float]]:
    return list(zip("zyx", level["voxel_size_nm_zyx"], strict=True))


def _places(
    points: Mapping[str, npt.NDArray[np.float64]], level: dict[str, Any]
) -> tuple[Places, Inside]:
    at = [np.floor(points[axis] / size).astype(np.int64) for axis, size in _sizes(level)]
    ends = zip(at, level["offset_zyx"], level["shape_zyx"], strict=True)
    return at, [(one >= start) & (one < start + side) for one, start, side in ends]


def _spans(at: Places, inside: Inside, level: dict[str, Any]) -> list[int]:
    """Return how many voxels long the whole chunks are, along each axis, that points lie in."""
    ends = []
    for one, ok, start, side in zip(
        at, inside, level["offset_zyx"], level["chunk_zyx"], strict=True
    ):
        cells = (one[ok] - start) // side
        ends.append(int(cells[-1] - cells[0] + 1) * side if len(cells) else 0)
    return ends


def _cost(at: Places, inside: Inside, level: dict[str, Any]) -> int:
    return prod(_spans(at, inside, level))


def _crop(at: Places, inside: Inside, level: dict[str, Any], most: int) -> str:
    """Leave out what is around the middle, until no more voxels of whole chunks are read."""
    chunk, note = level["chunk_zyx"], ""
    while _cost(at, inside, level) > most:
        cut = False
        for ok, span, side in zip(inside, _spans(at, inside, level), chunk, strict=True):
            if span > side:  # so of two points at least
                places = np.flatnonzero(ok)
                drop = len(places) // 20
                ok[places[:drop]] = ok[places[-max(1, drop) :]] = False
                cut = True
        if not cut:
            raise Refused(f"its chunks of {prod(chunk):,} voxels are too large for a picture")
        note = "only the middle was read, as there is no coarser level"
    return note


def _pieces(
    at: Places,
    inside: Inside,
    low: Sequence[int],
    chunk: Sequence[int],
) -> Iterator[tuple[npt.NDArray[np.intp], ...]]:
    """Yield by axis the places of points that lie in the same whole chunks, few at a time."""
    sides = list(chunk)
    used = [one[ok] for one, ok in zip(at, inside, strict=True)]
    spans = [int(one[-1] - one[0]) + 1 if len(one) else 0 for one in used]
    while 2 * prod(sides) <= _VOXELS_OF_PIECE:
        short = [i for i in range(3) if sides[i] < spans[i]]
        if not short:
            break
        sides[min(short, key=sides.__getitem__)] *= 2
    grouped = []
    for one, ok, start, side in zip(at, inside, low, sides, strict=True):
        places = np.flatnonzero(ok)
        cell = (one[places] - start) // side
        grouped.append(np.split(places, np.flatnonzero(np.diff(cell)) + 1) if len(places) else [])
    yield from product(*grouped)
