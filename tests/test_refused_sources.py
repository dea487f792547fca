"""Volumes that can't be read: their chunks are no zeros, and their metadata are refused."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from file_server import Answer, Server
from file_server import server as server
from formats import (
    FORMATS,
    OFFSET,
    SHAPE,
    SIZE,
    compress,
    describe,
    n5,
    ome,
    pattern,
    plain_zarr,
    precomputed,
    read,
    whole,
    written,
)
from voxels.archives import Refused
from voxels.boxes import Box
from voxels.chunk_codecs import PACKAGES

# ---- what can't be read is no zero ----


@pytest.mark.parametrize("over_http", [False, True], ids=["file", "http"])
def test_a_chunk_that_was_never_written_is_zero(
    tmp_path: Path, server: Server, over_http: bool
) -> None:
    voxels = pattern()
    voxels[:8, :9, :10] = 0
    uri = precomputed(tmp_path / "volume", voxels)
    compress(tmp_path / "volume")
    assert not list((tmp_path / "volume/4_8_40").glob("3-13_-5-4_7-15*"))
    np.testing.assert_array_equal(whole(server.over_http(uri) if over_http else uri), voxels)


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_server_may_unpack_or_pack_on_the_way(
    tmp_path: Path, server: Server, encoding: str
) -> None:
    voxels = pattern()
    uri = precomputed(tmp_path / "volume", voxels)

    def answer(path: str) -> Answer | None:
        if "4_8_40" not in path:
            return None
        if encoding == "gzip":
            body = gzip.compress((tmp_path / path[1:]).read_bytes())
            return 200, {"Content-Encoding": "gzip"}, body
        if path.endswith(".gz"):  # it has them packed, and takes the name for an encoding
            body = gzip.compress((tmp_path / path[1:-3]).read_bytes())
            return 200, {"Content-Encoding": "gzip"}, body
        return 404, {}, b""

    server.answer = answer
    np.testing.assert_array_equal(whole(server.over_http(uri)), voxels)


def damaged(content: bytes, how: str) -> bytes:
    return {
        "truncated": content[: len(content) // 2],
        "empty": b"",
        "garbage": bytes(range(1, 100)),
    }[how]


@pytest.mark.parametrize("how", ["truncated", "empty", "garbage"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_chunk_is_an_error(tmp_path: Path, form: str, how: str) -> None:
    path = tmp_path / "volume"
    uri, _ = written(form, path, pattern())
    names = ("info", "attributes.json", "zarr.json", ".zarray", ".zattrs", ".zgroup")
    chunk = max(
        (file for file in path.rglob("*") if file.is_file() and file.name not in names),
        key=lambda file: file.stat().st_size,
    )
    chunk.write_bytes(damaged(chunk.read_bytes(), how))
    with pytest.raises(Refused, match="can't be read: ") as caught:
        whole(uri)
    assert "\n" not in str(caught.value) and "tensorstore_spec" not in str(caught.value)


def test_a_volume_that_became_another_one_is_an_error(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    with pytest.raises(Refused, match="holds uint32, where uint64 was expected"):
        read(uri, "uint64", Box.of(OFFSET, SHAPE))
    z, y, x = OFFSET
    for corner in ((z - 1, y, x), (z, y, x + 1)):
        with pytest.raises(Refused, match="leaves .* at resolution 0: it has 3-31_-5-19_7-27"):
            read(uri, "uint32", Box.of(corner, SHAPE))


# ---- what is refused ----


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: ome(path, pattern(), unit=None), "no known unit .* along z and y and x"),
        (lambda path: ome(path, pattern(), unit="furlong"), "no known unit"),
        (
            lambda path: ome(path, pattern(), scale={"z": 0.0, "y": 1, "x": 1}),
            "no sense: .*voxel",
        ),
        (lambda path: plain_zarr(path, pattern(), attributes={}), "states no voxel size: give"),
        (
            lambda path: plain_zarr(path, pattern(), 2, attributes={"resolution": SIZE}),
            "no known",
        ),
        (lambda path: plain_zarr(path, pattern()[0], chunks=(9, 9)), "it needs z, y and x"),
        (lambda path: n5(path, pattern(), resolution=[4, 8, 40]), "no known unit"),
        (lambda path: n5(path, pattern(), name="v"), "states no voxel size"),
        (
            lambda path: n5(
                path,
                pattern(),
                resolution=[4, 8, 40],
                units=["nm"] * 3,
                downsamplingFactors=[2, 2, 1],
            ),
            "downsamplingFactors .* leave its voxel size open",
        ),
    ],
)
def test_what_states_no_voxel_size_is_refused(
    tmp_path: Path, make: Callable[[Path], str], says: str
) -> None:
    with pytest.raises(Refused, match=says):
        describe(make(tmp_path / "volume"))


@pytest.mark.parametrize("axes", ["tczyx", "czyx"])
def test_more_than_one_channel_is_refused(tmp_path: Path, axes: str) -> None:
    path = tmp_path / "volume"
    uri = ome(path, pattern(), axes=axes)
    group = zarr.open_group(path)
    del group["0"]
    group.create_array("0", data=pattern((*[1] * (len(axes) - 4), 2, *SHAPE)))
    with pytest.raises(Refused, match="axis c: only one can be used, so say which by cha"):
        describe(uri)


def test_groups_that_are_no_image_are_refused(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "group")
    n5(tmp_path / "n5/raw", pattern())
    (tmp_path / "n5/attributes.json").write_text('{"n5": "2.0.0"}')
    with pytest.raises(Refused, match="is a Zarr group without multiscales: name the image"):
        describe(f"zarr://{tmp_path}/group")
    with pytest.raises(Refused, match="is an N5 group .*: name an array in it, such as .*/n5/s0"):
        describe(f"n5://{tmp_path}/n5")


@pytest.mark.parametrize(
    "change",
    [
        {"scales": []},
        {"scales": [{}]},
        {"scales": "none"},
        {"data_type": "float99"},
        {"num_channels": 2},
        {"scales": [{"key": "4_8_40", "resolution": [1, 2], "encoding": "raw"}]},
    ],
)
def test_senseless_metadata_are_one_sentence(tmp_path: Path, change: dict[str, Any]) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    info = tmp_path / "volume/info"
    info.write_text(json.dumps(json.loads(info.read_text()) | change))
    with pytest.raises(Refused) as caught:
        describe(uri)
    assert uri in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"compressor": {"id": "lz77"}}, '"lz77" is not registered'),
        ({"chunks": [8, [9], 10]}, r"position 1: Expected .*, but received: \[9\]"),
        ({"filters": [{"id": "delta"}]}, "filters are not supported"),
        ({"dtype": "<M8[ns]"}, r"Unsupported zarr dtype: \"<M8\[ns\]\""),
    ],
)
def test_what_tensorstore_says_keeps_its_cause(
    tmp_path: Path, change: dict[str, Any], cause: str
) -> None:
    uri = plain_zarr(tmp_path / "volume", pattern(), 2)
    file = tmp_path / "volume/.zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(Refused, match=f"can't be read: .*{cause}") as caught:
        describe(uri)
    assert "tensorstore_spec" not in str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "says"),
    [
        ("zfpc", "'zfpc' is no encoding that is read; write it as fpzip or raw"),
        ("lzma", "'lzma' is no encoding that is read"),
    ],
)
def test_encodings_that_are_not_read_are_refused(tmp_path: Path, encoding: str, says: str) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    info = tmp_path / "volume/info"
    info.write_text(info.read_text().replace('"raw"', f'"{encoding}"'))
    with pytest.raises(Refused, match=f"{uri} can't be read: {says}$"):
        describe(uri)


def test_an_encoding_that_is_not_stated_is_none(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    info = tmp_path / "volume/info"
    info.write_text(info.read_text().replace('"encoding":"raw",', ""))
    with pytest.raises(Refused, match=f"{uri} can't be read: .*encoding"):
        describe(uri)


def test_a_codec_that_is_not_installed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    info = tmp_path / "volume/info"
    info.write_text(info.read_text().replace('"raw"', '"fpzip"'))
    monkeypatch.setitem(PACKAGES, "fpzip", ("no_such_module", "fpzip", "formats"))
    says = "its encoding fpzip needs the Python package fpzip, which is missing; it comes with "
    with pytest.raises(Refused, match=f"{uri} can't be read: {says}bossflow's extra formats$"):
        describe(uri)
