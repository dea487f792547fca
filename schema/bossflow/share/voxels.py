"""The volume of a request, read piece by piece."""

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..look import served, shown
from ..volumes.channels import NO_SHIFT
from ..volumes.tables import Channel, MadeChannel
from ..voxels.archives import Refused, Unreachable
from ..voxels.boxes import Box, grid

PIECE = 2**27
"""Bytes of voxels that are read at once, unless a row of chunks has more."""


class Source(NamedTuple):
    """One level of a volume.

    Attributes
    ----------
    volume : served.Volume
    number : int
        Of the level.
    box : Box
        What the request tells of, in voxels of the level.
    voxel_size_nm_zyx : tuple of float
    middle_zyx : tuple of float
        Where its voxel 0 has its middle, as `Channel.Middle` has it.
    """

    volume: served.Volume
    number: int
    box: Box
    voxel_size_nm_zyx: tuple[float, ...]
    middle_zyx: tuple[float, ...] = NO_SHIFT

    @property
    def about(self) -> dict[str, Any]:
        """What the archive's reader tells of the level."""
        return self.volume.levels[self.number]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of its voxels."""
        return np.dtype(str(self.about["dtype"]))

    def told(self) -> dict[str, Any]:
        """Return where its voxels are and what they are, as JSON values, ZYX."""
        return {
            "volume": self.volume.layer.name,
            "level": self.number,
            "kind": self.volume.kind,
            "dtype": self.dtype.name,
            "axes": "zyx",
            "shape_zyx": list(self.box.shape_zyx),
            "offset_zyx": list(self.box.corner_zyx),
            "voxel_size_nm_zyx": list(self.voxel_size_nm_zyx),
        }

    def pieces(self, shape_zyx: tuple[int, int, int] | None = None) -> list[Box]:
        """Return boxes that make up its box, in the order of its voxels.

        Parameters
        ----------
        shape_zyx : tuple of 3 int, optional
            Of a piece, counted from the box's corner. Default: whole layers of chunks.
        """
        return grid(self.box, shape_zyx or self.layers(), self.box.corner_zyx)

    def layers(self) -> tuple[int, int, int]:
        """Return the shape of pieces that are whole along x, of about `PIECE` bytes."""
        depth, height, _ = self.about["chunk_zyx"]
        _, rows, width = self.box.shape_zyx
        row = width * self.dtype.itemsize
        if depth * rows * row <= PIECE:
            return max(1, PIECE // (depth * rows * row)) * depth, rows, width
        return depth, max(1, PIECE // (depth * height * row)) * height, width

    def read(self, box: Box) -> NDArray[Any]:
        """Return voxels of a box, ZYX, C order.

        Raises
        ------
        ValueError
            If they can't be had.
        """
        try:
            return self.volume.read(self.number, box)
        except (Refused, Unreachable) as error:
            raise ValueError(str(error)) from None


def sources(request: str, name: str | None) -> list[Source]:
    """Return the levels of a volume that a request made, the finest first.

    Parameters
    ----------
    request : str
        Its id.
    name : str, optional
        Of the volume, if it made several.

    Raises
    ------
    ValueError
        If there is no such volume, or it is not here.
    """
    seen = shown.layers([request])
    made = {one.name: one for one in seen if one.name != "image" and not one.reads}
    if not made:
        raise ValueError(
            f"request {request} makes no volume: give --format parquet, ro-crate or prov"
        )
    if name is None and len(made) > 1:
        raise ValueError(
            f"request {request} makes several volumes: give --volume {' or '.join(made)}"
        )
    if name is not None and name not in made:
        raise ValueError(f"request {request} makes no volume {name!r}: it makes {', '.join(made)}")
    layer = made[name or next(iter(made))]
    token = os.environ.get("BOSSDB_TOKEN", "").strip() or "public"
    try:
        volume = served.Volume(layer, token)
    except (Refused, Unreachable) as error:
        raise ValueError(str(error)) from None
    placed = _middles(request, layer.name)
    return [
        Source(
            *(volume, level.number, level.box, tuple(level.voxel_size_nm_xyz[::-1])),
            placed.get(level.number, NO_SHIFT),
        )
        for level in layer.levels
    ]


def _middles(request: str, name: str) -> dict[int, tuple[float, ...]]:
    """Return where voxel 0 of a volume's levels has its middle, of those where that is told."""
    made = Channel.Middle() * Channel() * MadeChannel()
    rows = (made & {"request_id": request, "output_name": name}).to_dicts()
    return {row["resolution"]: tuple(row[f"middle_{axis}"] for axis in "zyx") for row in rows}


def one_level(levels: list[Source], number: int) -> Source:
    """Return a level of those; ValueError if it is none."""
    for source in levels:
        if source.number == number:
            return source
    numbers = ", ".join(str(source.number) for source in levels)
    raise ValueError(f"--level {number}: the volume has level {numbers}")
