"""Shards as they are written here, against chunks that tensorstore writes of the same voxels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from making import noise
from voxels import made_files, made_volumes, shards
from voxels.boxes import Box, grid

CASES = [
    ("uint8", "raw", "none"),
    ("uint64", "raw", "none"),
    ("uint8", "raw", "gzip"),
    ("float32", "raw", "gzip"),
    ("uint32", "compressed_segmentation", "none"),
    ("uint64", "compressed_segmentation", "gzip"),
    ("uint16", "png", "none"),
]


@pytest.mark.parametrize(("dtype", "encoding", "compression"), CASES)
def test_chunks_are_those_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, encoding: str, compression: str
) -> None:
    """Of blocks that the cutout clips at both ends, also of chunks that are zero."""
    cutout, origin = Box.parse("-13-30_5-71_-9-38"), (-32, 0, -32)
    about: dict[str, Any] = {
        "format": "precomputed",
        "dtype": dtype,
        "kind": "image",
        "encoding": encoding,
        "method": "",
        "cutout": cutout.name,
        "block_shape_zyx": [32, 32, 32],
        "chunk_shape_zyx": [16, 16, 16],
        "origin_zyx": origin,
        "factors_zyx": [[1, 1, 1]],
        "voxel_size_nm_zyx": [40, 4, 4],
    }
    files = made_volumes.Volume.of(about | {"compression": "none"})
    monkeypatch.setattr(made_volumes, "_FILES_MAX", 0)
    volume = made_volumes.Volume.of(about | {"compression": compression})
    (level,) = volume.levels
    assert level.sharding and not files.levels[0].sharding
    voxels = noise(cutout.shape_zyx, dtype)
    voxels[:25] = 0
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for box in grid(cutout, (32, 32, 32), origin):
        part = np.ascontiguousarray(voxels[box.slices(cutout.corner_zyx)])
        made = made_files.write(volume, 0, part, box, ours)
        assert made == made_files.write(files, 0, part, box, theirs)
    numbered = shards.opened(level, ours / level.key)
    zero = 0
    for chunk in grid(level.volume, level.chunk_zyx, level.volume.corner_zyx):
        found = numbered.read(shards.chunk_number(level, chunk).to_bytes(8, "big")).result()
        file = theirs / level.key / chunk.name
        assert (found.state == "value") == file.exists() == chunk.meets(cutout)
        if file.exists():
            assert found.value == file.read_bytes()
            zero += chunk.z1 <= cutout.z0 + 25
    assert zero
