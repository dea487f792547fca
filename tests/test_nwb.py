"""A file of pynwb's as a source."""

import lzma
from pathlib import Path

import numpy as np
import pytest
from file_server import Server
from file_server import server as server
from formats import OFFSET, SIZE
from voxels.archives import archive_of, formats
from voxels.boxes import Box, grid
from writers.nwb import CHUNK, SHAPE, stack


@pytest.mark.parametrize("piece", [2**16, 2**18])
def test_behind_http_it_is_read_with_few_requests(
    tmp_path: Path, server: Server, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 70 objects in 1 MB, in a quarter of the pieces that are asked for, too."""
    monkeypatch.setattr("voxels.archives.places.ranged.PIECE_BYTES", piece)
    packed = Path(__file__).parent / "data" / "objects.nwb.xz"
    (tmp_path / "a.nwb").write_bytes(lzma.decompress(packed.read_bytes()))
    uri = server.over_http(f"nwb://file://{tmp_path}/a.nwb#/acquisition/stack")
    archive, second = archive_of(uri), {"time": 1}
    told = archive.describe(uri, 0, "", "", chosen=second)
    assert len(server.asked) <= 10
    assert (told["offset_zyx"], told["shape_zyx"]) == ([*OFFSET], [*SHAPE])
    assert (told["voxel_size_nm_zyx"], told["chunk_zyx"]) == ([*SIZE], [*CHUNK])
    server.asked.clear()
    place = uri.partition("#")[0]
    assert archive.contents(place, "", "").inside == {"series": [uri]}
    assert len(server.asked) <= 10
    for box in (Box(9, 70, 21, 100, 33, 64), Box(9, 12, 21, 22, 33, 34)):
        formats._opened_as.cache_clear()
        server.asked.clear()
        found = archive.read(uri, 0, "", "", "uint16", box, chosen=second)
        np.testing.assert_array_equal(found, stack()[box.slices(OFFSET)])
        assert len(server.asked) <= len(grid(box, CHUNK, OFFSET)) + 5
