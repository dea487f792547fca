"""Shards of Zarr as they are written here, against those that tensorstore writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorstore as ts
from voxels import made_files, made_volumes, pieces
from voxels.boxes import Box, chunks_of, grid


@pytest.mark.parametrize("piece", [1, 2**14, 2**25])
@pytest.mark.parametrize(
    ("dtype", "compression"), [("bool", "none"), ("float32", "gzip"), ("uint64", "zstd")]
)
def test_they_are_the_same_to_the_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, compression: str, piece: int
) -> None:
    """Of blocks that the cutout clips at both ends, whatever the pieces that are encoded."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", piece)
    cutout, origin = Box.parse("-13-30_5-71_-9-38"), (-32, 0, -32)
    about: dict[str, Any] = {
        "format": "zarr",
        "dtype": dtype,
        "kind": "image",
        "encoding": "raw",
        "compression": compression,
        "method": "",
        "cutout": cutout.name,
        "block_shape_zyx": [32, 32, 64],
        "chunk_shape_zyx": [16, 16, 8],
        "origin_zyx": origin,
        "factors_zyx": [[1, 1, 1]],
        "voxel_size_nm_zyx": [40, 4, 4],
    }
    volume = made_volumes.Volume.of(about)
    voxels = np.random.default_rng(1).integers(0, 5, cutout.shape_zyx).astype(dtype)
    voxels[:20] = 0  # chunks of zeros are there, too
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    made_files.create(volume, theirs)
    for box in grid(cutout, (32, 32, 64), origin):
        part = np.ascontiguousarray(voxels[box.slices(cutout.corner_zyx)])
        made_files.write(volume, 0, part, box, ours)
        with ts.Transaction() as transaction:
            store = made_files.opened(volume, 0, box, theirs)
            store.with_transaction(transaction).write(part).result()
    made, expected = (
        {path.relative_to(at): path.read_bytes() for path in at.glob("0/c/*/*/*")}
        for at in (ours, theirs)
    )
    assert len(made) == 9 and made == expected


def test_pieces_are_runs_of_chunks() -> None:
    box, chunk, origin = Box.parse("-3-30_5-71_-9-38"), (7, 5, 4), (1, 2, 3)
    every = chunks_of(box, chunk, origin)
    for size in (1, 600, 5_000, 100_000):
        cut = [chunks_of(piece, chunk, origin) for piece in pieces.pieces(box, chunk, origin, size)]
        assert [one.intersect(box) for run in cut for one in run] == [
            one.intersect(box) for one in every
        ]
