"""Precomputed volumes in CloudVolume's encodings and compressed files, as codecs' packages write.

Those that CloudVolume itself wrote are in test_written.py.
"""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from file_server import Server
from file_server import server as server
from formats import CHUNK, OFFSET, SHAPE, Voxels, describe, precomputed, read, whole
from voxels import files
from voxels.archives import Refused, Unreachable, archive_of
from voxels.archives.volumes import apart, chunk_contents, opening
from voxels.archives.volumes.chunk_contents import Content
from voxels.boxes import Box, grid

compresso, crackle, fpzip, imagecodecs = map(
    pytest.importorskip, ("compresso", "crackle", "fpzip", "imagecodecs")
)

WHOLE = Box.of(OFFSET, SHAPE)
KEY = "4_8_40"


def jxl(chunk: Voxels) -> bytes:
    rows = np.ascontiguousarray(chunk.T).reshape(-1, chunk.shape[0])
    return imagecodecs.jpegxl_encode(rows, photometric="GRAY", lossless=True)


ENCODINGS: dict[str, tuple[str, Callable[[Voxels], bytes]]] = {
    "raw": ("uint32", lambda chunk: chunk.tobytes("F")),
    "crackle": ("uint32", lambda chunk: crackle.compress(np.ascontiguousarray(chunk))),
    "compresso": ("uint64", compresso.compress),
    "jxl": ("uint8", jxl),
    "fpzip": ("float32", lambda chunk: fpzip.compress(chunk[..., None], order="F")),
    "kempressed": ("float32", lambda chunk: fpzip.compress(2 + chunk[:, :, None], order="F")),
}
"""By encoding: the dtype and what encodes a chunk (x, y, z) as CloudVolume does."""

FILES: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".br": imagecodecs.brotli_encode,
    ".zstd": lambda content: pa.Codec("zstd").compress(content, asbytes=True),
}
FORMS = (
    *(("raw", suffix) for suffix in FILES),
    *(("crackle", suffix) for suffix in FILES),
    *(("compresso", suffix) for suffix in ("", ".br")),
    ("jxl", ""),
    ("fpzip", ".gz"),
    ("fpzip", ""),
    ("kempressed", ""),
)


def blobs() -> Voxels:
    """Return voxels that every dtype holds, some of them zero, in blobs that chunks cut."""
    few = np.random.default_rng(3).integers(0, 120, [-(-n // 4) for n in SHAPE])
    return few.repeat(4, 0).repeat(4, 1).repeat(4, 2)[tuple(map(slice, SHAPE))]


def write(path: Path, encoding: str, suffix: str = "") -> str:
    """Write a volume of which the last chunk is not there."""
    dtype, encode = ENCODINGS[encoding]
    voxels = expected(dtype)
    uri = precomputed(path, np.zeros((1, 1, 1), dtype))
    for old in (path / KEY).glob("*"):
        old.unlink()
    (path / KEY).mkdir(exist_ok=True)
    info = json.loads((path / "info").read_text())
    (scale,) = info["scales"]
    scale |= {"size": SHAPE[::-1], "encoding": encoding, "chunk_sizes": [CHUNK[::-1]]}
    (path / "info").write_text(json.dumps(info))
    for box in list(grid(WHOLE, CHUNK, OFFSET))[:-1]:
        chunk = np.asfortranarray(voxels[box.slices(OFFSET)].T)
        (path / KEY / (box.name + suffix)).write_bytes(FILES[suffix](encode(chunk)))
    return uri


def expected(dtype: str) -> Voxels:
    voxels = blobs().astype(dtype)
    last = list(grid(WHOLE, CHUNK, OFFSET))[-1]
    voxels[last.slices(OFFSET)] = 0
    return voxels


@pytest.mark.parametrize(("encoding", "suffix"), FORMS)
def test_it_is_read_whatever_the_box(tmp_path: Path, encoding: str, suffix: str) -> None:
    uri = write(tmp_path / "volume", encoding, suffix)
    told = describe(uri)
    dtype = ENCODINGS[encoding][0]
    assert (told["dtype"], told["chunk_zyx"]) == (dtype, list(CHUNK))
    assert (told["shape_zyx"], told["offset_zyx"]) == (list(SHAPE), list(OFFSET))
    for box in (WHOLE, *grid(WHOLE, (13, 17, 19), (0, 0, 0))):
        np.testing.assert_array_equal(read(uri, dtype, box), expected(dtype)[box.slices(OFFSET)])


@pytest.mark.parametrize(
    ("encoding", "suffix"), [("crackle", ".br"), ("fpzip", ""), ("raw", ".zstd")]
)
def test_it_is_the_same_over_http(
    tmp_path: Path, server: Server, encoding: str, suffix: str
) -> None:
    uri = server.over_http(write(tmp_path / "volume", encoding, suffix))
    np.testing.assert_array_equal(whole(uri), expected(ENCODINGS[encoding][0]))


def test_a_file_that_unpacks_to_any_size_is_refused(tmp_path: Path) -> None:
    uri = write(tmp_path / "volume", "raw", ".zstd")
    (chunk, *_) = sorted((tmp_path / "volume" / KEY).iterdir())
    chunk.write_bytes(FILES[".zstd"](bytes(2**24)))
    with pytest.raises(Refused, match="is damaged: it unpacks to more than 1060096 bytes"):
        whole(uri)


@pytest.mark.parametrize("encoding", ["crackle", "fpzip"])
def test_another_dtype_is_an_error(tmp_path: Path, encoding: str) -> None:
    uri = write(tmp_path / "volume", encoding)
    info = tmp_path / "volume/info"
    other = {"crackle": "uint64", "fpzip": "uint32"}[encoding]
    info.write_text(info.read_text().replace(ENCODINGS[encoding][0], other))
    with pytest.raises(Refused, match=f"it holds {ENCODINGS[encoding][0]}, where {other} was"):
        whole(uri)


def test_a_decoder_that_ends_is_told_and_the_next_chunk_has_another(tmp_path: Path) -> None:
    uri = write(tmp_path / "volume", "crackle")
    whole(uri)
    (_, process), *_ = apart._idle
    process._process.kill()
    with pytest.raises(Unreachable, match="the process that decodes crackle was killed"):
        process.decode(b"", (1, 1, 1, 1))
    np.testing.assert_array_equal(whole(uri), expected("uint32"))


@pytest.mark.parametrize("suffix", [".br", ".zstd"])
def test_a_change_is_seen_and_what_is_there_is_known(tmp_path: Path, suffix: str) -> None:
    uri = write(tmp_path / "volume", "crackle", suffix)
    archive = archive_of(uri)
    first, *_, last = grid(WHOLE, CHUNK, OFFSET)

    def seen() -> list[str]:
        opening.opened_level.cache_clear()
        told = archive.files(uri, 0, "", "", [first, last])
        assert archive.unwritten(uri, 0, "", "", [first], told) is None
        assert "none of the chunks" in (archive.unwritten(uri, 0, "", "", [last], told) or "")
        return list(files.seen(told, [first, last]))

    before = seen()
    os.utime(tmp_path / "volume" / KEY / (first.name + suffix), (1, 1))
    after = seen()
    assert before[0] != after[0] and before[1] == after[1]


def test_looks_of_gzipped_chunks_are_what_they_were() -> None:
    """Whoever recorded them before would see changes where there are none."""
    chunks: dict[str, Any] = {
        "form": "range",
        "prefix": "",
        "separator": "_",
        "axes": ["x", "y", "z"],
        "corner_zyx": [0, 0, 0],
        "shape_zyx": [8, 8, 8],
        "end_zyx": [16, 8, 8],
    }
    found = {"a/0-8_0-8_0-8.gz": [5, 6], "a/info": [1, 2]}
    told = {"place": "a", "about": ["a/info"], "chunks": chunks, "found": found}
    looks = np.array([1, 2, -1, -1, -1, -1, 5, 6, -1, -1], "int64")
    assert list(files.seen(told, [Box.of((0, 0, 0), (16, 8, 8))])) == [
        files._digest(looks.tobytes())
    ]


def test_files_of_gzip_in_several_pieces_or_with_wrong_ends() -> None:
    """libdeflate reads one piece, and takes the size from the end: what it can't tell zlib does."""
    content = np.random.default_rng(1).integers(0, 9, 5000, np.uint8).tobytes()
    one, most = gzip.compress(content), 20_000
    for packed in (one, one + one, one + gzip.compress(b"end"), gzip.compress(b"end") + one):
        found = chunk_contents.unpacked(Content(packed, ".gz"), most)
        assert bytes(found) == gzip.decompress(packed)
    assert chunk_contents.unpacked(Content(content, ".gz"), most) == content  # a server unpacked it
    for size in (0, 4999, 5001, most + 1):
        packed = one[:-4] + size.to_bytes(4, "little")
        with pytest.raises(ValueError, match="incorrect length check"):
            chunk_contents.unpacked(Content(packed, ".gz"), most)
    with pytest.raises(ValueError, match="more than 4999 bytes"):
        chunk_contents.unpacked(Content(one, ".gz"), 4999)
