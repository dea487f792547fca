"""A layer's volume as Neuroglancer reads it: precomputed, made as it is asked for.

Whatever the source (files, buckets, BossDB, OME-Zarr, N5, a store), its voxels come through the
reader that the pipeline uses, so they lie where they were read, and no path of a file is ever asked
for: what exists are `info`, `properties/info`, and cells of the levels' grids.
"""

import re
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..voxels.archives import Refused, archive_of
from ..voxels.archives.offsets import given_zyx
from ..voxels.archives.places import s3
from ..voxels.archives.volumes.opening import opened_level
from ..voxels.boxes import Box
from . import mesh_files, properties
from .layer import Layer, Place
from .layers import uri_of

CHUNK_VOXELS = 2**21
"""Voxels of a cell at most: more than a viewer needs at once would keep it waiting."""

LEVELS = 30

_TYPES = {"bool": "uint8", "float16": "float32", "float64": "float32", "int64": "float32"}
"""What is shown of voxels that Neuroglancer has no type for, in images."""

_RANGE = "-?[0-9]{1,16}--?[0-9]{1,16}"
_CELL = re.compile(f"(0|[1-9][0-9]?)/({_RANGE}_{_RANGE}_{_RANGE})")


class Volume:
    """A volume that is opened to be looked at.

    Parameters
    ----------
    layer : Layer
    token : str
        What BossDB knows the user by. It stays here.

    Attributes
    ----------
    kind : {"image", "segmentation"}
    levels : dict
        By number, what the archive's reader tells of each (`voxels.archives.Reader.describe`).
    states_size : bool
        Whether the volume itself says how large its voxels are.

    Raises
    ------
    Refused, Unreachable
        If it can't be opened.
    ValueError
        If it is not here.
    """

    def __init__(self, layer: Layer, token: str = "public") -> None:
        if layer.problem:
            raise ValueError(layer.problem)
        self.layer, self._token, self.states_size = layer, token, True
        self.uri = str(uri_of(layer))
        self._archive = archive_of(self.uri)
        with s3.as_of_store(layer.place is not None):
            self.levels = self._described()
        first = self.levels[min(self.levels)]
        ids = first["kind"] == "annotation" or layer.reads
        self.kind = "segmentation" if ids else "image"
        if first["dtype"].startswith("float"):  # no ids
            self.kind = "image"
        self._dtype = _TYPES.get(first["dtype"], first["dtype"])
        if self.kind == "segmentation" and self._dtype not in ("uint8", "uint16", "uint32"):
            self._dtype = "uint64"  # signed ones by their bits, as they are compared
        self._grids = {number: _chunk(level["chunk_zyx"]) for number, level in self.levels.items()}

    def _described(self) -> dict[int, dict[str, Any]]:
        own = self.layer.resolution if self.layer.source else 0
        sizes, found = self.layer.voxel_size_nm_xyz, {}
        only = given_zyx(self.layer.chosen)  # an offset, in its voxels
        for number in range(own, own + 1) if only else range(LEVELS):
            try:
                found[number] = self._level(number)
            except Refused:
                if number > own:
                    break
                if number == own:
                    if not sizes:
                        raise
                    found[number] = self._level(number, list(sizes[::-1]))
                    self.states_size = False
            else:
                if self.layer.place:  # is kept, with the credentials that count now
                    opened_level(self.uri, number, ())
        return found

    def _level(self, number: int, size_nm_zyx: list[float] | None = None) -> dict[str, Any]:
        return self._archive.describe(
            *(self.uri, number, self.layer.host, self._token),
            chosen=self.layer.chosen,
            size_nm_zyx=size_nm_zyx,
        )

    @property
    def finest(self) -> dict[str, Any]:
        """What is told of its finest level."""
        return self.levels[min(self.levels)]

    def answer(self, path: str, span: str | None = None) -> tuple[str, Any] | None:
        """Return what lies at a path: `json` and a value, `voxels` and bytes, or `file` and these.

        Parameters
        ----------
        path : str
            As it stands in an address: no sign in it stands for another.
        span : str, optional
            Of a file of meshes or skeletons, which part of it, as HTTP's `Range` says.

        Returns
        -------
        tuple or None
            Of a file, with what `mesh_files.read` tells of it. None: nothing lies there.

        Raises
        ------
        Refused, Unreachable
            If voxels can't be read.
        """
        if path == "info":
            return "json", self.info()
        if path == "properties/info" and self.layer.table and self.kind == "segmentation":
            return "json", properties.of(self.layer)
        part, _, name = path.partition("/")
        if place := self._files.get(part):
            found = mesh_files.read(place, name, span)
            return found and ("file", found)
        match = _CELL.fullmatch(path)
        if not match or int(match[1]) not in self.levels:
            return None
        box = self._cell(int(match[1]), match[2])
        return None if box is None else ("voxels", self._encoded(int(match[1]), box))

    def info(self) -> dict[str, Any]:
        """Return the `info` of a precomputed volume."""
        scales = [
            {
                "key": str(number),
                "size": level["shape_zyx"][::-1],
                "resolution": level["voxel_size_nm_zyx"][::-1],
                "voxel_offset": level["offset_zyx"][::-1],
                "chunk_sizes": [self._grids[number][::-1]],
                "encoding": "raw",
            }
            for number, level in self.levels.items()
        ]
        told: dict[str, Any] = {
            "@type": "neuroglancer_multiscale_volume",
            "type": self.kind,
            "data_type": self._dtype,
            "num_channels": 1,
            "scales": scales,
        }
        if self.layer.table and self.kind == "segmentation":
            told["segment_properties"] = "properties"
        return told

    @property
    def parts(self) -> list[str]:
        """What a viewer reads: the volume, meshes and skeletons, which tell of segments as well."""
        own = self._files if self.kind == "segmentation" else {}
        return ["", *(f"/{name}" for name in own)]

    @property
    def _files(self) -> dict[str, Place]:
        """Directories of files of segments, by what they are called in an address."""
        every = {"mesh": self.layer.meshes, "skeleton": self.layer.skeletons}
        return {name: place for name, place in every.items() if place}

    def read(self, number: int, box: Box) -> NDArray[Any]:
        """Return the voxels of a box of a level, ZYX."""
        level = self.levels[number]
        return self._archive.read(
            *(self.uri, number, self.layer.host, self._token, level["dtype"], box),
            chosen=self.layer.chosen,
        )

    def sample(self, around_nm_zyx: Sequence[float]) -> NDArray[Any]:
        """Return voxels around a place (nm), or near it, of the coarsest level: 64^3 at most."""
        number = max(self.levels)
        whole, size = self._whole(number), self.levels[number]["voxel_size_nm_zyx"]
        sides = [min(side, 64) for side in whole.shape_zyx]
        ends = zip(around_nm_zyx, size, sides, whole.corner_zyx, whole.end_zyx, strict=True)
        corner = [
            min(max(int(at // nm) - side // 2, low), high - side)
            for at, nm, side, low, high in ends
        ]
        return self.read(number, Box.of(corner, sides))

    def _whole(self, number: int) -> Box:
        level = self.levels[number]
        return Box.of(level["offset_zyx"], level["shape_zyx"])

    def _cell(self, number: int, name: str) -> Box | None:
        """Return the cell of a level's grid that is called so; None if none is."""
        shape, whole = self._grids[number], self._whole(number)
        try:
            box = Box.parse(name)
        except ValueError:
            return None
        if box.name != name or not whole.contains(box):
            return None
        starts = zip(box.corner_zyx, whole.corner_zyx, shape, strict=True)
        corner = [start - (start - low) % side for start, low, side in starts]
        return box if box == Box.of(corner, shape).intersect(whole) else None

    def _encoded(self, number: int, box: Box) -> bytes:
        voxels = self.read(number, box)
        if self.kind == "segmentation" and voxels.dtype.kind == "i":
            voxels = voxels.astype(np.int64).view(np.uint64)
        return np.ascontiguousarray(voxels, f"<{np.dtype(self._dtype).str[1:]}").tobytes()


def _chunk(best_zyx: list[int]) -> list[int]:
    """Return the shape of cells: what is read at once, halved until it is small enough."""
    shape = list(best_zyx)
    while prod(shape) > CHUNK_VOXELS:
        longest = max(range(3), key=shape.__getitem__)
        shape[longest] = -(-shape[longest] // 2)
    return shape
