"""The levels of a segmentation volume, and the `info` that describes them to Neuroglancer.

Chunks divide blocks, and a shard holds the chunks of one block.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .boxes import CELL, Box, chunk_shape, chunks_of, snap

_UNSHARDED_CHUNKS_MAX = 1000
"""With more chunks than this, a volume has one file a block and level instead of one a chunk."""

_WHOLE_VOXELS = 2**21
"""A level that is no larger is what a viewer opens at once: no coarser one is needed."""


class Level(NamedTuple):
    """One resolution of a volume.

    Attributes
    ----------
    factor_zyx : tuple of 3 int
        Voxels of the finest level that make one of this level, by axis.
    volume : Box
        Its extent, in its own voxels.
    chunk_zyx : tuple of 3 int
        Shape of its chunks.
    key : str
        Its directory in the volume.
    sharding : dict, optional
        How its chunks lie in shards; None: each chunk in a file.
    """

    factor_zyx: tuple[int, int, int]
    volume: Box
    chunk_zyx: tuple[int, int, int]
    key: str = ""
    sharding: dict[str, Any] | None = None

    def of(self, box: Box) -> Box:
        """Voxels of this level that are made of a box of the finest one."""
        z, y, x = self.factor_zyx
        x0, x1, y0, y1, z0, z1 = box
        return Box(x0 // x, -(-x1 // x), y0 // y, -(-y1 // y), z0 // z, -(-z1 // z))


def levels(
    cutout: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    voxel_size_nm_zyx: Sequence[float],
) -> list[Level]:
    """Levels of a segmentation volume, the finest first.

    Each halves the axes along which voxels are smallest or nearly so, until they are alike. There
    are as many as needed to see the whole at once; fewer where the block grid can't be halved so
    often, as no voxel may be made of two blocks.
    """
    volume = snap(cutout, block_shape_zyx, origin_zyx)
    block, corner = np.array(block_shape_zyx), np.array(volume.corner_zyx)
    finest = Level((1, 1, 1), volume, chunk_shape(block_shape_zyx))
    pyramid = [finest]
    factor = np.ones(3, np.int64)
    while pyramid[-1].volume.voxel_count > _WHOLE_VOXELS:
        size = np.array(voxel_size_nm_zyx) * factor
        factor = factor * np.where(size < 1.5 * size.min(), 2, 1)
        if (block % factor).any() or (corner % factor).any():
            break
        if len(pyramid) == 1 and (np.array(finest.chunk_zyx) % factor).any():
            break
        z, y, x = factor.tolist()
        level = Level((z, y, x), volume, chunk_shape((block // factor).tolist()))
        pyramid.append(level._replace(volume=level.of(volume)))
    return pyramid


def create_segmentation(
    directory: Path,
    cutout: Box,
    block_shape_zyx: Sequence[int],
    origin_zyx: Sequence[int],
    voxel_size_nm_zyx: Sequence[float],
) -> None:
    """Begin a precomputed segmentation volume: write its `info`, and no chunk yet.

    The volume starts at the block grid's point at or below the cutout's lower corner and ends
    where the cutout ends.

    Parameters
    ----------
    directory : Path
        Made if need be.
    cutout : Box
        What will be written; the rest of the volume is zero.
    block_shape_zyx, origin_zyx : sequence of 3 int
        The block grid.
    voxel_size_nm_zyx : sequence of 3 float
        Nanometres.
    """
    scales = []
    every = levels(cutout, block_shape_zyx, origin_zyx, voxel_size_nm_zyx)
    finest = every[0]
    chunks = len(chunks_of(finest.volume, finest.chunk_zyx, finest.volume.corner_zyx))
    for level in every:
        sizes = zip(voxel_size_nm_zyx, level.factor_zyx, strict=True)
        resolution = [plain_number(size * factor) for size, factor in sizes][::-1]
        scale: dict[str, Any] = {
            "key": level_key(resolution[::-1]),
            "resolution": resolution,
            "voxel_offset": level.volume.corner_zyx[::-1],
            "size": level.volume.shape_zyx[::-1],
            "chunk_sizes": [level.chunk_zyx[::-1]],
            "encoding": "compressed_segmentation",
            "compressed_segmentation_block_size": [CELL] * 3,
        }
        block = [side // f for side, f in zip(block_shape_zyx, level.factor_zyx, strict=True)]
        if chunks > _UNSHARDED_CHUNKS_MAX and (sharding := sharding_of(level, block)):
            scale["sharding"] = sharding
        scales.append(scale)
    info = {
        "@type": "neuroglancer_multiscale_volume",
        "type": "segmentation",
        "data_type": "uint32",
        "num_channels": 1,
        "scales": scales,
    }
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "info").write_text(json.dumps(info, indent=1), encoding="utf-8")


def level_key(voxel_size_nm_zyx: Sequence[float]) -> str:
    """Return the name of a level's directory, which is that of its voxels' size."""
    return "_".join(str(plain_number(size)) for size in voxel_size_nm_zyx[::-1])


def plain_number(number: float) -> int | float:
    """Return a number as JSON is to show it: whole where it is."""
    return int(number) if number == int(number) else number


def sharding_of(level: Level, block_zyx: Sequence[int]) -> dict[str, Any] | None:
    """Shards of one block each; None where chunks are not equal parts of the block on each axis.

    A chunk's number interleaves the bits of its position from the lowest on, so those that count
    the chunks within a block come first and are left out of the number of its shard.
    """
    if not is_shard(block_zyx, level.chunk_zyx):
        return None
    halvings = (block_zyx[0] // level.chunk_zyx[0]).bit_length() - 1
    bits = grid_bits(level)
    within = sum(min(halvings, count) for count in bits)
    return {
        "@type": "neuroglancer_uint64_sharded_v1",
        "hash": "identity",
        "preshift_bits": within,
        "minishard_bits": 0,
        "shard_bits": sum(bits) - within,
        "minishard_index_encoding": "raw",
        "data_encoding": "raw",
    }


def is_shard(block_zyx: Sequence[int], chunk_zyx: Sequence[int]) -> bool:
    """Say whether the chunks of a block can be a shard: as many on each axis, a power of 2."""
    parts = {side // chunk for side, chunk in zip(block_zyx, chunk_zyx, strict=True)}
    return len(parts) == 1 and parts <= {1, 2, 4, 8, 16, 32, 64, 128, 256}


def grid_bits(level: Level) -> list[int]:
    """Bits that count the chunks of a level along each axis, ZYX."""
    sides = zip(level.volume.shape_zyx, level.chunk_zyx, strict=True)
    return [(-(-side // chunk) - 1).bit_length() for side, chunk in sides]


def described_levels(directory: Path) -> list[Level]:
    """Levels of a volume, as its `info` describes them."""
    scales = json.loads((directory / "info").read_text(encoding="utf-8"))["scales"]
    return [_level(scale, scales[0]) for scale in scales]


def _level(scale: dict[str, Any], finest: dict[str, Any]) -> Level:
    """Return a level as its entry in `info` describes it."""
    sizes = zip(scale["resolution"][::-1], finest["resolution"][::-1], strict=True)
    z, y, x = (round(size / fine) for size, fine in sizes)
    volume = Box.of(scale["voxel_offset"][::-1], scale["size"][::-1])
    depth, height, width = scale["chunk_sizes"][0][::-1]
    return Level((z, y, x), volume, (depth, height, width), scale["key"], scale.get("sharding"))
