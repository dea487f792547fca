"""Volumes of compressed_segmentation that are read chunk by chunk, by loops of our own."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from file_server import Server
from file_server import server as server
from formats import OFFSET, SHAPE, compress, pattern, precomputed, read, whole
from voxels.archives import Refused
from voxels.archives.volumes import chunkwise
from voxels.boxes import Box, grid

WHOLE = Box.of(OFFSET, SHAPE)


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunkwise, "_WORTH_LOOPS", 1)


def write(path: Path, voxels: Any, form: str, chunk: tuple[int, ...] = (8, 8, 8)) -> str:
    sharded = form == "sharded"
    uri = precomputed(path, voxels, chunk, OFFSET, "compressed_segmentation", sharded)
    if form == "gz":
        compress(path, every=2)
    return uri


@pytest.mark.parametrize("over_http", [False, True], ids=["file", "http"])
@pytest.mark.parametrize("form", ["files", "gz", "sharded"])
@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
def test_any_box_is_read(
    tmp_path: Path, server: Server, dtype: str, form: str, over_http: bool
) -> None:
    voxels = pattern(dtype=dtype)
    voxels[:9, 5:20] = voxels[0, 0, 0]
    uri = write(tmp_path / "volume", voxels, form)
    uri = server.over_http(uri) if over_http else uri
    for box in (WHOLE, *grid(WHOLE, (13, 17, 11), (0, 0, 0))):
        found = read(uri, dtype, box)
        np.testing.assert_array_equal(found, voxels[box.slices(OFFSET)])


@pytest.mark.parametrize("form", ["files", "gz", "sharded"])
def test_what_was_never_written_is_zero(tmp_path: Path, form: str) -> None:
    voxels = pattern()
    voxels[8:16, 8:16, 8:16] = voxels[16:, 16:] = 0  # tensorstore writes no such chunk
    uri = write(tmp_path / "volume", voxels, form)
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize("form", ["files", "gz", "sharded"])
def test_where_there_are_no_loops_tensorstore_decodes(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the image that pulls blocks, which has no numba."""
    monkeypatch.setattr(chunkwise, "_LOOPS_HERE", False)
    monkeypatch.setitem(sys.modules, "voxels.decoding", None)
    np.testing.assert_array_equal(whole(write(tmp_path / "volume", pattern(), form)), pattern())


def test_shards_are_asked_once_for_what_they_hold(tmp_path: Path, server: Server) -> None:
    uri = server.over_http(write(tmp_path / "volume", pattern(), "sharded"))
    for box in grid(WHOLE, (8, 24, 28), OFFSET):
        read(uri, "uint32", box)
    data = [path for path in server.asked if "4_8_40" in path]
    # two shards of two minishards: an index of each, and one of each minishard, for each read
    assert len(data) < 3 * 12 + 48


@pytest.mark.parametrize("form", ["files", "gz"])
@pytest.mark.parametrize("cut", [1, 4, 100, 1000])
def test_a_chunk_that_ends_too_early_is_one_sentence(tmp_path: Path, form: str, cut: int) -> None:
    uri = write(tmp_path / "volume", pattern(), "files")
    (chunk, *_) = sorted((tmp_path / "volume/4_8_40").iterdir())
    chunk.write_bytes(chunk.read_bytes()[:-cut])
    if form == "gz":
        compress(tmp_path / "volume")
    what = f"box {WHOLE.name} of {uri} at resolution 0"
    says = f"^{re.escape(what)} can't be read: its chunk {chunk.name} is damaged: its [^\n]*$"
    with pytest.raises(Refused, match=says):
        whole(uri)


def test_a_shard_that_is_damaged_is_an_error(tmp_path: Path) -> None:
    uri = write(tmp_path / "volume", pattern(), "sharded")
    for shard in (tmp_path / "volume/4_8_40").iterdir():
        content = bytearray(shard.read_bytes())
        content[len(content) // 2] ^= 255
        shard.write_bytes(content)
    with pytest.raises(Refused, match="can't be read: "):
        whole(uri)
