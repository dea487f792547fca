"""Volumes that are made here: precomputed or OME-Zarr 0.5, written block by block.

A volume begins at the block grid's point at or below its cutout's lower corner, and is zero below
the cutout. Chunks divide blocks, and a shard holds the chunks of one block, so that no two blocks
write one file.
"""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .boxes import Box, chunk_shape, snap
from .made_metadata import resolution
from .pyramid import Level, is_shard, sharding_of

FORMATS = ("precomputed", "zarr")
ENCODINGS = ("raw", "compressed_segmentation", "png", "jpeg")
COMPRESSIONS = ("none", "gzip", "zstd")

_INTEGERS = {f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)}
_DTYPES = {
    "precomputed": {
        "raw": _INTEGERS - {"int64"} | {"float32"},
        "compressed_segmentation": {"uint32", "uint64"},
        "png": {"uint8", "uint16"},
        "jpeg": {"uint8"},
    },
    "zarr": {"raw": _INTEGERS | {"bool", "float16", "float32", "float64"}},
}
"""By format and encoding, what voxels may be."""

_FILES_MAX = 1000
"""With more chunks than this, a precomputed volume has one file a block instead of one a chunk."""


def in_shards(
    block_zyx: Sequence[int],
    factors_zyx: Sequence[Sequence[int]],
    chunk_zyx: Sequence[int] | None = None,
) -> bool:
    """Say whether blocks are shards of a precomputed volume on all its levels."""
    levels = [[side // step for side, step in zip(block_zyx, f, strict=True)] for f in factors_zyx]
    return all(is_shard(own, chunk_zyx or chunk_shape(own)) for own in levels)


class Volume(NamedTuple):
    """What a volume is to be.

    Attributes
    ----------
    format : {"precomputed", "zarr"}
        Neuroglancer's, or OME-Zarr 0.5 with sharded arrays.
    dtype : str
    kind : {"image", "annotation"}
    encoding, compression : str
        Of a chunk's voxels, and of the bytes that come of it.
    method : str
        How levels were made of the one before; empty where there is one.
    levels : tuple of Level
        The finest first, with factors counted from the channel.
    blocks_zyx : tuple of sequence of 3 int
        Shape of a block in each level's voxels.
    voxel_size_nm_zyx : sequence of 3 float
        Of the channel.
    middle_zyx : sequence of 3 float
        Where its voxel 0 has its middle: in its voxels, from that of the finest level it is of.
    """

    format: str
    dtype: str
    kind: str
    encoding: str
    compression: str
    method: str
    levels: tuple[Level, ...]
    blocks_zyx: tuple[Sequence[int], ...]
    voxel_size_nm_zyx: Sequence[float]
    middle_zyx: Sequence[float] = (0.0, 0.0, 0.0)

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Volume":
        """Return the volume that the arguments of a unit describe.

        Parameters
        ----------
        asked : mapping
            What the attributes of that name say, `cutout` (a box's name), `block_shape_zyx` and
            `origin_zyx` (the block grid), `factors_zyx` (voxels of the channel that make one, for
            each level), and `chunk_shape_zyx` and `middle_zyx`, where they are given.

        Raises
        ------
        ValueError
            If blocks can't be cut so, or voxels of that type not be written so.
        """
        names = "format", "dtype", "kind", "encoding", "compression", "method"
        block, origin = asked["block_shape_zyx"], asked["origin_zyx"]
        cells = snap(Box.parse(asked["cutout"]), block, origin)
        levels, blocks = [], []
        for number, (z, y, x) in enumerate(asked["factors_zyx"]):
            if any(
                side % step for side, step in zip([*block, *origin], [z, y, x] * 2, strict=True)
            ):
                raise ValueError(f"blocks of {block} are no multiple of {[z, y, x]}")
            own = [side // step for side, step in zip(block, (z, y, x), strict=True)]
            depth, height, width = asked.get("chunk_shape_zyx") or chunk_shape(own)
            if any(side % part for side, part in zip(own, (depth, height, width), strict=True)):
                raise ValueError(f"blocks of {own} are no multiple of {[depth, height, width]}")
            level = Level((z, y, x), cells, (depth, height, width), str(number))
            levels.append(level._replace(volume=level.of(cells)))
            blocks.append(own)
        volume = cls(
            **{name: asked[name] for name in names},
            levels=tuple(levels),
            blocks_zyx=tuple(blocks),
            voxel_size_nm_zyx=asked["voxel_size_nm_zyx"],
            middle_zyx=asked.get("middle_zyx", (0.0, 0.0, 0.0)),
        )
        return volume._keyed() if volume.format == "precomputed" else volume

    def refuse_impossible(self) -> None:
        """Refuse what the format can't hold.

        Raises
        ------
        ValueError
            With one sentence.
        """
        encodings = _DTYPES[self.format]
        if self.encoding not in encodings:
            raise ValueError(
                f"encoding {self.encoding} is not one of volume_format {self.format}: give "
                f"{' or '.join(encodings)}"
            )
        if self.dtype not in encodings[self.encoding]:
            other = [
                name for name, of in _DTYPES.items() if self.dtype in of.get(self.encoding, ())
            ]
            raise ValueError(
                f"encoding {self.encoding} of volume_format {self.format} holds no {self.dtype}: "
                f"only {', '.join(sorted(encodings[self.encoding]))}"
                + "".join(f"; give volume_format {name}, which does" for name in other[:1])
            )
        if self.encoding == "jpeg" and self.kind == "annotation":
            raise ValueError(
                "encoding jpeg changes voxels, and these are ids: give another encoding"
            )
        largest = max(prod(level.chunk_zyx) for level in self.levels)
        words = largest * np.dtype(self.dtype).itemsize // 4
        if self.encoding == "compressed_segmentation" and words > 2**22:
            raise ValueError(
                f"chunks of {list(self.levels[0].chunk_zyx)} are too large for encoding "
                "compressed_segmentation, which counts their words in 24 bits"
            )
        if self.format == "precomputed":
            if self.compression == "zstd":
                raise ValueError(
                    "compression zstd is not one of volume_format precomputed: give gzip or none"
                )
            if self.compression == "gzip" and not all(level.sharding for level in self.levels):
                raise ValueError(
                    "compression gzip of volume_format precomputed needs shards, and blocks of "
                    f"{list(self.blocks_zyx[0])} in chunks of {list(self.levels[0].chunk_zyx)} "
                    "make none: give a block_shape that is as many chunks along each axis, a power "
                    "of 2, or compression none"
                )

    def _keyed(self) -> "Volume":
        """Return a precomputed volume with the names and shards of its scales."""
        finest, levels = self.levels[0], []
        sides = zip(finest.volume.shape_zyx, finest.chunk_zyx, strict=True)
        chunks = prod(-(-side // chunk) for side, chunk in sides)
        for level, block in zip(self.levels, self.blocks_zyx, strict=True):
            key = "_".join(map(str, resolution(self, level)))
            sharding = sharding_of(level, block)
            if self.compression == "gzip" and sharding:
                sharding["data_encoding"] = "gzip"
            elif chunks <= _FILES_MAX:
                sharding = None
            levels.append(level._replace(key=key, sharding=sharding))
        return self._replace(levels=tuple(levels))
