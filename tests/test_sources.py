"""Volumes that are read in place: what real writers wrote is read as it is, or refused."""

import functools
import gzip
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tensorstore as ts
import zarr
from conftest import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.locations import url
from voxels.archives import Refused, Unreachable, archive_of, volumes
from voxels.archives.places import kvstores, s3
from voxels.archives.volumes import copying, opening
from voxels.arrays import read_array
from voxels.boxes import Box

ROOT = Path(__file__).parent.parent
Voxels = npt.NDArray[Any]
Answer = tuple[int, dict[str, str], bytes]
SIZE = (40.0, 8.0, 4.0)
SHAPE, CHUNK, OFFSET = (20, 24, 28), (8, 9, 10), (7, -5, 3)
FORMATS = (
    "raw", "compressed_segmentation", "sharded", "gz", "gz compressed_segmentation", "some gz",
    "zarr 2", "zarr 3", "zarr 3 sharded", "ome 0.4", "ome 0.5", "n5",
)  # fmt: skip


def pattern(shape: tuple[int, ...] = SHAPE, dtype: str = "uint32", seed: int = 0) -> Voxels:
    """Voxels that are all over the type's range, none of them zero."""
    voxels = np.random.default_rng(seed).integers(1, 2**63, shape, dtype="uint64")
    return np.maximum((voxels * np.uint64(2**20 + 1)).astype(dtype), 1)


# ---- writers ----


def precomputed(
    path: Path,
    voxels: Voxels,
    chunk_zyx: tuple[int, ...] = CHUNK,
    offset_zyx: tuple[int, ...] = OFFSET,
    encoding: str = "raw",
    sharded: bool = False,
    **scale: Any,
) -> str:
    scale |= {
        "key": "4_8_40",
        "size": voxels.shape[::-1],
        "resolution": SIZE[::-1],
        "voxel_offset": offset_zyx[::-1],
        "chunk_size": chunk_zyx[::-1],
        "encoding": encoding,
    }
    if encoding == "compressed_segmentation":
        scale["compressed_segmentation_block_size"] = [8, 8, 8]
    if sharded:
        scale["sharding"] = {
            "@type": "neuroglancer_uint64_sharded_v1",
            "hash": "identity",
            "preshift_bits": 1,
            "minishard_bits": 1,
            "shard_bits": 1,
            "data_encoding": "gzip",
            "minishard_index_encoding": "gzip",
        }
    multiscale = {"data_type": voxels.dtype.name, "num_channels": 1}
    multiscale["type"] = "segmentation" if voxels.dtype.itemsize > 2 else "image"
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{path}/"},
        "multiscale_metadata": multiscale,
        "scale_metadata": scale,
    }
    store = ts.open(spec, create=True).result()
    store.write(voxels.T[..., None]).result()
    return f"precomputed://file://{path}"


def compress(path: Path, every: int = 1) -> None:
    """Do to chunk files what CloudVolume does by default: gzip them and say so in the name."""
    for chunk in sorted((path / "4_8_40").iterdir())[::every]:
        chunk.with_name(f"{chunk.name}.gz").write_bytes(gzip.compress(chunk.read_bytes(), 1))
        chunk.unlink()


def ome(
    path: Path,
    voxels: Voxels,
    version: str = "0.5",
    axes: str = "zyx",
    unit: str | None = "micrometer",
    scale: dict[str, float] | None = None,
    translation: dict[str, float] | None = None,
    chunk_zyx: tuple[int, ...] = CHUNK,
    image_transformations: list[dict[str, Any]] | None = None,
    **attributes: Any,
) -> str:
    """Write an OME-Zarr image of one level; arrays are given as ZYX, whatever the axes."""
    scale = scale or dict(zip("zyx", (size / 1000 for size in SIZE), strict=True))
    steps: list[dict[str, Any]] = [
        {"type": "scale", "scale": [scale.get(axis, 1.0) for axis in axes]}
    ]
    if translation:
        values = [translation.get(axis, 0.0) for axis in axes]
        steps.append({"type": "translation", "translation": values})
    names = [
        {"name": axis, "type": "space"} | ({"unit": unit} if unit else {})
        if axis in "zyx"
        else {"name": axis, "type": {"t": "time", "c": "channel"}[axis]}
        for axis in axes
    ]
    image = {"axes": names, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    if image_transformations:
        image["coordinateTransformations"] = image_transformations
    zarr_format = 2 if version == "0.4" else 3
    group = zarr.create_group(path, zarr_format=zarr_format)
    held = voxels.transpose(["zyx".index(axis) for axis in axes if axis in "zyx"])
    held = np.expand_dims(held, [i for i, axis in enumerate(axes) if axis not in "zyx"])
    chunks = tuple(dict(zip("zyx", chunk_zyx, strict=True)).get(axis, 1) for axis in axes)
    array = group.create_array("0", shape=held.shape, dtype=held.dtype, chunks=chunks)
    array[:] = held
    told: dict[str, Any] = {"multiscales": [{"version": version, **image}], **attributes}
    group.attrs.update(told if version == "0.4" else {"ome": {"version": version, **told}})
    return f"zarr://file://{path}"


def plain_zarr(path: Path, voxels: Voxels, zarr_format: int = 3, **options: Any) -> str:
    options = {"chunks": CHUNK, "attributes": {"resolution": SIZE, "units": "nm"}} | options
    array = zarr.create_array(
        path, shape=voxels.shape, dtype=voxels.dtype, zarr_format=zarr_format, **options
    )
    array[:] = voxels
    return f"zarr://file://{path}"


def n5(path: Path, voxels: Voxels, chunk_zyx: tuple[int, ...] = CHUNK, **attributes: Any) -> str:
    metadata = {
        "dimensions": voxels.shape[::-1],
        "blockSize": chunk_zyx[::-1],
        "dataType": voxels.dtype.name,
        "compression": {"type": "gzip"},
    }
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{path}/"}, "metadata": metadata}
    ts.open(spec, create=True).result().write(voxels.T).result()
    attributes = attributes or {"resolution": [4, 8, 40], "units": ["nm", "nm", "nm"]}
    file = path / "attributes.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | attributes))
    return f"n5://file://{path}"


def written(
    form: str, path: Path, voxels: Voxels, chunk: tuple[int, ...] = CHUNK
) -> tuple[str, tuple[int, ...]]:
    """Write a volume; return its URI and where it starts."""
    wide = voxels.astype("uint64" if voxels.dtype.itemsize > 4 else "uint32")
    if form == "zarr 2":
        return plain_zarr(path, voxels, 2, chunks=chunk), (0, 0, 0)
    if form == "zarr 3":
        return plain_zarr(path, voxels, 3, chunks=chunk), (0, 0, 0)
    if form == "zarr 3 sharded":
        return plain_zarr(path, voxels, chunks=chunk, shards=[2 * c for c in chunk]), (0, 0, 0)
    if form.startswith("ome"):
        return ome(path, voxels, form.removeprefix("ome "), chunk_zyx=chunk), (0, 0, 0)
    if form == "n5":
        return n5(path, voxels, chunk), (0, 0, 0)
    segmentation = "compressed_segmentation" in form
    uri = precomputed(
        path,
        wide if segmentation else voxels,
        chunk,
        encoding="compressed_segmentation" if segmentation else "raw",
        sharded=form == "sharded",
    )
    if "gz" in form:
        compress(path, every=2 if form == "some gz" else 1)
    return uri, OFFSET


def describe(uri: str, resolution: int = 0) -> dict[str, Any]:
    return archive_of(uri).describe(uri, resolution, "http://127.0.0.1:1", "hush")


def read(uri: str, dtype: str, box: Box, resolution: int = 0) -> Voxels:
    return archive_of(uri).read(uri, resolution, "http://127.0.0.1:1", "hush", dtype, box)


def whole(uri: str) -> Voxels:
    told = describe(uri)
    return read(uri, told["dtype"], Box.of(told["offset_zyx"], told["shape_zyx"]))


# ---- a server of files, that can be told to misbehave ----


class Server:
    """Serves a directory; `answer` may take over: it gets a path and returns status and body."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.asked: list[str] = []
        self.headers: list[str] = []
        self.answer: Callable[[str], Answer | None] = lambda path: None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                outer.headers.append(str(self.headers))
                told = outer.answer(self.path) or outer.file(self.path, self.headers["Range"])
                self.send_response(told[0])
                for name, value in told[1].items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(told[2])))
                self.send_header("ETag", f'"{hashlib.md5(told[2]).hexdigest()}"')  # S3 needs one
                self.end_headers()
                self.wfile.write(told[2])

            def log_message(self, *_: Any) -> None:
                pass

        class Listener(http.server.ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Listener(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        serve = functools.partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()

    def file(self, path: str, wanted: str | None) -> Answer:
        """Answer with a file, or a range of it."""
        file = self.directory / path.lstrip("/")
        if not file.is_file():
            return 404, {}, b""
        content = file.read_bytes()
        if not wanted:
            return 200, {}, content
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start = int(first) if first else len(content) - int(last)
        end = min(int(last) + 1, len(content)) if first and last else len(content)
        where = {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
        return 206, where, content[start:end]

    def over_http(self, uri: str) -> str:
        path = uri.partition("file://")[2]
        inside = Path(path).relative_to(self.directory)
        return f"{uri.partition('://')[0]}://http://{self.host}/{inside}"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("METADATA_LIMITS", "VOXEL_LIMITS"):
        monkeypatch.setattr(kvstores, name, kvstores.Limits(20, 2, "20ms", "10ms"))
    started = Server(tmp_path)
    yield started
    started.server.shutdown()
    started.server.server_close()


# ---- what is there is read as it is ----


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("over_http", [False, True], ids=["file", "http"])
def test_a_volume_is_described_and_read(
    tmp_path: Path, server: Server, form: str, over_http: bool
) -> None:
    voxels = pattern()
    uri, offset = written(form, tmp_path / "volume", voxels)
    uri = server.over_http(uri) if over_http else uri
    assert describe(uri) == {
        "kind": "annotation",
        "dtype": "uint32",
        "shape_zyx": list(SHAPE),
        "offset_zyx": list(offset),
        "voxel_size_nm_zyx": list(SIZE),
        "chunk_zyx": list(CHUNK),
    }
    found = whole(uri)
    assert found.dtype == np.dtype("uint32") and found.flags.c_contiguous
    np.testing.assert_array_equal(found, voxels)
    assert "hush" not in "".join(server.headers)


@settings(max_examples=examples(250), deadline=None)
@given(data=st.data())
def test_any_box_of_any_volume_is_what_was_written_there(data: st.DataObject) -> None:
    form = data.draw(st.sampled_from(FORMATS))
    shape = data.draw(st.tuples(*[st.integers(1, 20)] * 3))
    chunk = data.draw(st.tuples(*[st.integers(1, 9)] * 3))
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "uint32", "uint64"]))
    voxels = pattern(shape, dtype)
    voxels[voxels % 3 == 0] = 0
    if data.draw(st.booleans()):
        voxels[: shape[0] // 2] = 0  # chunks of zeros are not written
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory).resolve() / "volume"
        uri, offset = written(form, path, voxels, chunk)
        if form in ("raw", "gz", "some gz"):
            (path / "4_8_40").mkdir(exist_ok=True)
        told = describe(uri)
        assert told["shape_zyx"] == list(shape) and told["offset_zyx"] == list(offset)
        edges = [data.draw(st.tuples(st.integers(0, n - 1), st.integers(1, n))) for n in shape]
        corner = [min(a, b - 1) for a, b in edges]
        size = [max(a, b - 1) + 1 - c for (a, b), c in zip(edges, corner, strict=True)]
        box = Box.of([c + o for c, o in zip(corner, offset, strict=True)], size)
        with pytest.MonkeyPatch.context() as patch:  # so that there are slabs
            patch.setattr(copying, "BYTES_AT_ONCE", data.draw(st.sampled_from([1, 2000, 2**26])))
            found = read(uri, told["dtype"], box)
        np.testing.assert_array_equal(found, voxels[box.slices(offset)])
        assert found.flags.c_contiguous and found.shape == box.shape_zyx


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64", ">u8", ">u2", "int32", "<i8"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_any_byte_order_comes_as_native(tmp_path: Path, dtype: str, zarr_format: int) -> None:
    voxels = pattern(dtype="uint64").astype(dtype)
    uri = plain_zarr(tmp_path / "volume", voxels, zarr_format)
    assert describe(uri)["dtype"] == np.dtype(dtype).name
    found = whole(uri)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, voxels)


@pytest.mark.parametrize("encoding", ["jpeg", "png"])
def test_compressed_images_are_read(tmp_path: Path, encoding: str) -> None:
    voxels = np.full(SHAPE, 100, "uint8")
    uri = precomputed(tmp_path / "volume", voxels, encoding=encoding)
    assert describe(uri)["kind"] == "image"
    np.testing.assert_allclose(whole(uri), voxels, atol=2)


@pytest.mark.parametrize("axes", ["zyx", "xyz", "yxz", "tczyx", "czyx", "xcyz"])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_axes_may_come_in_any_order(tmp_path: Path, axes: str, version: str) -> None:
    voxels = pattern()
    uri = ome(tmp_path / "volume", voxels, version, axes)
    told = describe(uri)
    assert told["voxel_size_nm_zyx"] == list(SIZE) and told["chunk_zyx"] == list(CHUNK)
    np.testing.assert_array_equal(whole(uri), voxels)


def test_a_resolution_is_a_level(tmp_path: Path) -> None:
    path, fine, coarse = tmp_path / "volume", pattern(), pattern((20, 12, 14))
    uri = ome(path, fine, axes="zyx", unit="nanometer", scale=dict(z=40.0, y=8.0, x=4.0))
    group = zarr.open_group(path)
    group.create_array("1", data=coarse)
    told = group.attrs["ome"]
    step = {"type": "scale", "scale": [40.0, 16.0, 8.0]}
    shift = {"type": "translation", "translation": [0.0, 4.0, 2.0]}  # a pyramid's half voxels
    told["multiscales"][0]["datasets"].append(
        {"path": "1", "coordinateTransformations": [step, shift]}
    )
    group.attrs["ome"] = told
    assert describe(uri, 1)["voxel_size_nm_zyx"] == [40.0, 16.0, 8.0]
    assert describe(uri, 1)["offset_zyx"] == [0, 0, 0]
    np.testing.assert_array_equal(read(uri, "uint32", Box.of((0, 0, 0), (20, 12, 14)), 1), coarse)
    for wrong in (-1, 2):
        with pytest.raises(Refused, match=f"resolution {wrong} is not one of {uri}: it has 0 to 1"):
            describe(uri, wrong)


def test_scales_of_a_precomputed_volume_are_resolutions(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    uri = precomputed(path, pattern())
    info = json.loads((path / "info").read_text())
    info["scales"].append(info["scales"][0] | {"resolution": [8, 16, 40]})
    (path / "info").write_text(json.dumps(info))
    assert describe(uri, 1)["voxel_size_nm_zyx"] == [40.0, 16.0, 8.0]
    with pytest.raises(Refused, match="resolution 2 is not one of .*: it has 0 to 1"):
        describe(uri, 2)


@pytest.mark.parametrize(
    ("shift", "offset"),
    [(0.0, 0), (80.0, 10), (-80.0, -10), (4.0, 0), (-4.0, -1), (84.1, 11), (83.9, 10), (0.1, 0)],
)
def test_a_translation_is_taken_to_the_nearest_voxel(
    tmp_path: Path, shift: float, offset: int
) -> None:
    translation = {"y": shift / 1000}
    voxels = pattern()
    uri = ome(tmp_path / "volume", voxels, translation=translation)
    assert describe(uri)["offset_zyx"] == [0, offset, 0]
    box = Box.of((1, offset + 2, 3), (4, 5, 6))
    np.testing.assert_array_equal(read(uri, "uint32", box), voxels[1:5, 2:7, 3:9])


def test_transformations_of_the_image_come_after_those_of_the_level(tmp_path: Path) -> None:
    uri = ome(
        tmp_path / "volume",
        pattern(),
        unit="nanometer",
        scale={"z": 20.0, "y": 8.0, "x": 4.0},
        translation={"z": 60.0},
        image_transformations=[{"type": "scale", "scale": [2.0, 1.0, 1.0]}],
    )
    assert describe(uri)["voxel_size_nm_zyx"] == [40.0, 8.0, 4.0]
    assert describe(uri)["offset_zyx"] == [3, 0, 0]


@pytest.mark.parametrize(
    ("unit", "nanometers"),
    [("angstrom", 0.1), ("nanometer", 1), ("nm", 1), ("micrometre", 1e3), ("\u00b5m", 1e3),
     ("Micrometers", 1e3), ("millimeter", 1e6), ("meter", 1e9)],
)  # fmt: skip
def test_units_become_nanometers(tmp_path: Path, unit: str, nanometers: float) -> None:
    uri = ome(tmp_path / "volume", pattern(), unit=unit, scale={"z": 0.57, "y": 2.0, "x": 1.0})
    expected = [round(size * nanometers, 6) for size in (0.57, 2, 1)]
    assert describe(uri)["voxel_size_nm_zyx"] == expected


@pytest.mark.parametrize(
    "attributes",
    [
        {"resolution": [4, 8, 40], "units": ["nm", "nm", "nm"]},
        {"pixelResolution": {"dimensions": [4, 8, 40], "unit": "nm"}},
        {"resolution": [40, 8, 4], "units": ["nm"] * 3, "axes": ["z", "y", "x"]},
    ],
)
def test_n5_states_its_voxel_size_in_several_ways(
    tmp_path: Path, attributes: dict[str, Any]
) -> None:
    voxels = pattern()
    held = voxels.T if "axes" in attributes else voxels
    uri = n5(tmp_path / "volume", held, **attributes)
    assert describe(uri)["voxel_size_nm_zyx"] == [40.0, 8.0, 4.0]
    np.testing.assert_array_equal(whole(uri), voxels)


def test_a_plain_array_may_name_its_dimensions_and_start_somewhere(tmp_path: Path) -> None:
    voxels = pattern()
    uri = plain_zarr(
        tmp_path / "volume",
        voxels.T,
        dimension_names=["x", "y", "z"],
        attributes={"voxel_size": [4, 8, 40], "units": ["nm"] * 3, "offset": [8, 80, -40]},
    )
    assert describe(uri)["voxel_size_nm_zyx"] == [40.0, 8.0, 4.0]
    assert describe(uri)["offset_zyx"] == [-1, 10, 2]
    np.testing.assert_array_equal(whole(uri), voxels)


@pytest.mark.parametrize(
    ("dtype", "attributes", "kind"),
    [("uint8", {}, "image"), ("uint16", {}, "image"), ("uint32", {}, "annotation"),
     ("uint16", {"image-label": {}}, "annotation")],
)  # fmt: skip
def test_what_kind_an_ome_image_is(
    tmp_path: Path, dtype: str, attributes: dict[str, Any], kind: str
) -> None:
    assert describe(ome(tmp_path / "v", pattern(dtype=dtype), **attributes))["kind"] == kind


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


@pytest.mark.parametrize("over_http", [False, True], ids=["file", "http"])
@pytest.mark.parametrize("suffix", [".br", ".zstd"])
def test_compressed_chunks_that_cannot_be_unpacked_are_refused(
    tmp_path: Path, server: Server, suffix: str, over_http: bool
) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    chunk = tmp_path / "volume/4_8_40/3-13_-5-4_7-15"
    chunk.rename(f"{chunk}{suffix}")
    with pytest.raises(Refused, match=f"has chunks compressed as {suffix}, which only"):
        whole(server.over_http(uri) if over_http else uri)


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


def test_a_volume_that_cannot_be_unpacked_is_refused_before_it_is_read(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    for chunk in list((tmp_path / "volume/4_8_40").iterdir()):
        chunk.rename(f"{chunk}.br")
    with pytest.raises(Refused, match=f"{uri} has chunks compressed as .br, which only"):
        describe(uri)


def test_a_volume_that_became_another_one_is_an_error(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    with pytest.raises(Refused, match="holds uint32, where uint64 was expected"):
        read(uri, "uint64", Box.of(OFFSET, SHAPE))
    z, y, x = OFFSET
    for corner in ((z - 1, y, x), (z, y, x + 1)):
        with pytest.raises(Refused, match="leaves .* at resolution 0: it has 3-31_-5-19_7-27"):
            read(uri, "uint32", Box.of(corner, SHAPE))


# ---- servers ----


@pytest.mark.parametrize("scheme", ["precomputed", "zarr", "n5"])
def test_a_volume_that_is_not_there_is_refused(server: Server, scheme: str) -> None:
    for uri in (f"{scheme}://http://{server.host}/no", f"{scheme}://file:///no/such/volume"):
        with pytest.raises(Refused, match=f"there is no .* at {uri}"):
            describe(uri)


def test_a_volume_of_another_format_is_named(tmp_path: Path, server: Server) -> None:
    for form, other in (("raw", "zarr"), ("zarr 2", "n5"), ("n5", "precomputed")):
        uri, _ = written(form, tmp_path / form, pattern())
        scheme, _, place = uri.partition("://")
        with pytest.raises(Refused, match=f"it has a file .*: write {re.escape(uri)}$"):
            describe(f"{other}://{place}")
    (tmp_path / "image.tif").write_bytes(b"II*")
    with pytest.raises(Refused, match="it is a file: of other formats, make one of these first"):
        describe(f"zarr://file://{tmp_path}/image.tif")
    with pytest.raises(Refused, match="there is no such directory"):
        describe(f"n5://file://{tmp_path}/none")


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (403, Refused, "may not be read with the"),
        (401, Refused, "may not be read with the"),
        (500, Unreachable, "can't be reached: .*Internal Server Error"),
        (503, Unreachable, "can't be reached: .*Service Unavailable"),
        (429, Unreachable, "can't be reached: .*Too Many Requests"),
    ],
)
@pytest.mark.parametrize("form", ["raw", "sharded", "zarr 3", "ome 0.4", "n5"])
def test_a_chunk_that_is_not_given_is_an_error(
    tmp_path: Path, server: Server, form: str, status: int, error: type[Exception], says: str
) -> None:
    uri, _ = written(form, tmp_path / "volume", pattern())
    uri = server.over_http(uri)
    told = describe(uri)
    metadata = ("info", ".json", ".zarray", ".zattrs", ".zgroup")
    server.answer = lambda path: None if path.endswith(metadata) else (status, {}, b"secret")
    with pytest.raises(error, match=says) as caught:
        read(uri, told["dtype"], Box.of(told["offset_zyx"], told["shape_zyx"]))
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["precomputed", "n5", "zarr"])
def test_metadata_that_are_not_given_are_an_error(server: Server, scheme: str) -> None:
    uri = f"{scheme}://http://{server.host}/volume"
    server.answer = lambda path: (503, {}, b"")
    with pytest.raises(Unreachable, match=f"{uri} can't be reached: .*Service Unavailable"):
        describe(uri)
    server.answer = lambda path: (403, {}, b"")
    with pytest.raises(Refused, match="may (not )?be read"):
        describe(uri)
    server.answer = lambda path: (200, {}, b"<html>not here</html>")
    with pytest.raises(Refused, match=f"of {uri} is not a JSON object"):
        describe(uri)


def test_a_bucket_whose_keys_may_not_be_listed_is_read(tmp_path: Path, server: Server) -> None:
    voxels = pattern()
    uri = ome(tmp_path / "volume", voxels, "0.4")
    server.answer = lambda path: None if (tmp_path / path[1:]).exists() else (403, {}, b"")
    np.testing.assert_array_equal(whole(server.over_http(uri)), voxels)


def test_a_busy_server_is_asked_again(tmp_path: Path, server: Server) -> None:
    voxels = pattern()
    uri = precomputed(tmp_path / "volume", voxels)
    server.answer = lambda path: (503, {}, b"") if server.asked.count(path) < 2 else None
    np.testing.assert_array_equal(whole(server.over_http(uri)), voxels)


def test_nobody_there_is_one_sentence(server: Server) -> None:
    for host in ("127.0.0.1:1", "no.such.invalid"):
        with pytest.raises(Unreachable, match=f"http://{host}/v can't be reached: ") as caught:
            describe(f"precomputed://http://{host}/v")
        assert "\n" not in str(caught.value)


def test_a_silent_server_does_not_keep_us_for_ever(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()
    uri = server.over_http(precomputed(tmp_path / "volume", pattern()))
    describe(uri)
    server.answer = lambda path: going.wait(30) and None
    monkeypatch.setattr(kvstores, "METADATA_LIMITS", kvstores.Limits(0.3, 2, "20ms", "10ms"))
    with pytest.raises(Unreachable, match="there is no answer for .* within 0.3 s"):
        describe(uri)
    going.set()


def test_shards_are_not_asked_for_their_index_again_and_again(
    tmp_path: Path, server: Server
) -> None:
    uri = server.over_http(precomputed(tmp_path / "volume", pattern(), sharded=True))
    told = describe(uri)
    read(uri, "uint32", Box.of(told["offset_zyx"], told["shape_zyx"]))
    assert sum("4_8_40" in path for path in server.asked) < 2 * 27  # chunks


@pytest.mark.parametrize("form", ["raw", "packed", "sharded", "zarr 3", "ome 0.4", "n5"])
def test_a_bucket_of_an_s3_is_read(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    voxels = pattern()
    path = f"bucket/{form.replace(' ', '-')}/volume"  # its own: what was opened is kept
    written_uri, _ = written(form, tmp_path / path, voxels)

    def pack(path: str) -> Answer | None:
        """Have chunks compressed, as CloudVolume uploads them."""
        content = server.file(path, None)[2]
        packed = form == "packed" and "4_8_40/" in path and content
        return (200, {"Content-Encoding": "gzip"}, gzip.compress(content)) if packed else None

    server.answer = pack
    uri = f"{written_uri.partition('://')[0]}://s3://{path}"
    assert volumes.archive_name(uri, "") == server.host
    np.testing.assert_array_equal(whole(uri), voxels)
    server.answer = lambda path: (403, {}, b"")
    with pytest.raises(Refused, match="may (not )?be read"):
        describe(uri)


@pytest.mark.parametrize(
    ("given", "said", "unsaid"),
    [
        ({}, "Credential=store/[^/]+/eu-7/", "never"),
        ({"KEY": "reader", "SECRET": "#hush;"}, "Credential=reader/[^/]+/eu-7/", "token"),
        (
            {"KEY": "reader", "SECRET": "hush", "SESSION": "a/b+c=", "REGION": "eu-9"},
            "(?s)(?=.*Credential=reader/[^/]+/eu-9/).*-token: a/b\\+c=",
            "of-the-store",
        ),
        ({"PROFILE": "another"}, "Credential=profiled/", "token"),
        ({"UNSIGNED": "true"}, "(?i:host): ", "(?i:authorization|token)"),
        ({"UNSIGNED": "no"}, "Credential=store/", "never"),
        ({"AWS_PROFILE": "another", "AWS_ACCESS_KEY_ID": ""}, "Credential=profiled/", "token"),
    ],
)
def test_what_is_said_of_sources_goes_before_what_is_said_of_the_store(
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    said: str,
    unsaid: str,
) -> None:
    (tmp_path / "profiles").write_text(
        "[default]\naws_access_key_id=no\naws_secret_access_key=no\naws_session_token=no\n"
        "[another]\naws_access_key_id=profiled\naws_secret_access_key=hush\n"
    )
    plain_zarr(tmp_path / "bucket/volume", pattern())
    store = {"AWS_ACCESS_KEY_ID": "store", "AWS_SECRET_ACCESS_KEY": "hush", "AWS_REGION": "eu-7"}
    store |= {"AWS_SESSION_TOKEN": "of-the-store", "AWS_EC2_METADATA_DISABLED": "true"}
    store |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", s3.ENDPOINT: f"http://{server.host}/"}
    files = dict.fromkeys(("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"), "profiles")
    monkeypatch.chdir(tmp_path)
    for name, value in (store | files | given).items():
        monkeypatch.setenv(getattr(s3, name, name), value)
    kvstores.shared_context.cache_clear()  # the store's credentials are kept there
    uri = "zarr://s3://bucket/volume"
    assert volumes.archive_name(uri, "") == server.host
    assert describe(uri)["shape_zyx"] == list(SHAPE)
    read = len(server.headers)
    volumes.files(uri, 0, "", "", [Box.of((0, 0, 0), SHAPE)])
    kvstores.shared_context.cache_clear()
    opening.opened_level.cache_clear()
    assert 0 < read < len(server.headers)
    for headers in server.headers:
        assert re.search(said, headers) and not re.search(f"hush|{unsaid}", headers), headers


def test_a_bucket_is_listed_with_nothing_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At Amazon's S3 although the store is elsewhere, and unsigned where a profile has no keys."""
    store = {"AWS_ACCESS_KEY_ID": "store", "AWS_SECRET_ACCESS_KEY": "hush"}
    store |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_SHARED_CREDENTIALS_FILE": "profiles"}
    source = {s3.ENDPOINT: "https://s3.amazonaws.com", s3.REGION: "eu-9", s3.PROFILE: "of-sso"}
    (tmp_path / "profiles").write_text("[of-sso]\nsso_account_id=1\n")
    monkeypatch.chdir(tmp_path)
    for name, value in (store | source).items():
        monkeypatch.setenv(name, value)
    config = {"endpoint": "https://s3.eu-9.amazonaws.com", "region": "eu-9"}
    assert s3.client("bucket") == {"config": config | {"skip_signature": True}}


def test_a_profile_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv(s3.ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setenv(s3.PROFILE, "nobody")
    with pytest.raises(Refused, match="there are no credentials in the profile that BOSSFLOW_SOU"):
        describe("n5://s3://bucket/volume")


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


def test_encodings_that_only_cloudvolume_knows_are_refused(tmp_path: Path) -> None:
    uri = precomputed(tmp_path / "volume", pattern())
    info = tmp_path / "volume/info"
    info.write_text(info.read_text().replace('"raw"', '"crackle"'))
    with pytest.raises(Refused, match=f'{uri} can\'t be read: .*"crackle"'):
        describe(uri)


# ---- one spelling ----


@pytest.mark.parametrize(
    ("uri", "canonical", "archive"),
    [
        ("precomputed:///a/b/", "precomputed://file:///a/b", "file"),
        ("precomputed://file:///a//b/../c", "precomputed://file:///a/c", "file"),
        ("precomputed:////a", "precomputed://file:///a", "file"),
        ("zarr://data/c.zarr/", "zarr://file:///here/data/c.zarr", "file"),
        ("n5://./a.n5/s0", "n5://file:///here/a.n5/s0", "file"),
        ("zarr://../a b", "zarr://file:///a b", "file"),
        ("precomputed://https://Host.org/a/b//", "precomputed://https://host.org/a/b", "host.org"),
        ("zarr://https://host.org:443/a", "zarr://https://host.org/a", "host.org"),
        ("zarr://http://host:80", "zarr://http://host", "host"),
        ("zarr://http://host:443/a", "zarr://http://host:443/a", "host:443"),
        ("n5://s3://bucket/Key/s0/", "n5://s3://bucket/Key/s0", "s3"),
        ("precomputed://gs://bucket", "precomputed://gs://bucket", "gs"),
    ],
)
def test_a_volume_has_one_spelling(uri: str, canonical: str, archive: str) -> None:
    module = archive_of(uri)
    assert module.canonical(uri, "/here") == canonical
    assert module.canonical(canonical, "/elsewhere") == canonical
    assert module.archive_name(canonical, "https://api.bossdb.io") == archive


def test_a_link_is_the_volume_that_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "link").symlink_to("volume")
    found = volumes.canonical("zarr://link", str(tmp_path))
    assert found == f"zarr://file://{tmp_path.resolve()}/volume"


@pytest.mark.parametrize("name", ["a b", "a%20b", "\u00fc+;#?%", "100 %"])
def test_the_url_of_a_result_may_be_a_source(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    precomputed(path, pattern())
    given = f"precomputed://{url(path)}"
    assert volumes.canonical(given, "/here") == f"precomputed://file://{path}"
    assert describe(given)["shape_zyx"] == list(SHAPE)
    there = path.rename(tmp_path / path.as_uri().rpartition("/")[2])  # what is called so goes first
    assert volumes.canonical(given, "/here") == f"precomputed://file://{there}"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "s3"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab:9000"}, "minio.lab:9000"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", "AWS_ENDPOINT_URL_S3": "http://a"}, "a"),
        ({"AWS_ENDPOINT_URL": "https://s3.amazonaws.com"}, "s3.amazonaws.com"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", s3.ENDPOINT: "https://Other:90/"}, "other:90"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", s3.ENDPOINT: ""}, "minio.lab"),
        ({"AWS_ENDPOINT_URL": "http://minio.lab", s3.ENDPOINT: "https://s3.amazonaws.com"}, "s3"),
        ({s3.ENDPOINT: "https://s3.us-east-1.amazonaws.com/"}, "s3"),
        ({"AWS_ENDPOINT_URL": "http://MinIO.lab:9000/"}, "minio.lab:9000"),
        ({"AWS_ENDPOINT_URL": "https://MinIO.lab:443/a/"}, "minio.lab/a"),
        ({s3.KEY: "reader", s3.SECRET: "hush"}, "s3"),
    ],
)
def test_another_s3_is_another_archive(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], name: str
) -> None:
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    assert volumes.archive_name("zarr://s3://bucket/a", "") == name
    assert volumes.address("zarr://gs://bucket/a", "https://api.bossdb.io") == ""


@pytest.mark.parametrize(
    "uri",
    [
        "precomputed://", "zarr://file://", "n5://ftp://host/a", "zarr://https://", "zarr://s3://",
        "zarr://https://me:secret@host/a", "zarr://https://host/a?b=c", "zarr://s3://bucket/a#b",
        "zarr://https://host/a//b", "zarr://s3://bucket/../b", "zarr://https://host/a b",
        "precomputed:///a\nb", "zarr://precomputed://https://host/a",
    ],
)  # fmt: skip
def test_a_malformed_uri_is_one_sentence(uri: str) -> None:
    with pytest.raises(Refused, match="is malformed: write .*:// and then https://host/path, "):
        volumes.canonical(uri, "/here")


def test_a_relative_path_needs_somewhere_to_start() -> None:
    with pytest.raises(Refused, match="is a relative path"):
        describe("zarr://data")


def test_all_schemes_are_named_where_one_is_unknown() -> None:
    with pytest.raises(Refused, match="write bossdb://.*, or precomputed://, zarr:// or n5://"):
        archive_of("s3://bucket/a")


# ---- staged ----


def test_pull_block_takes_a_volume(tmp_path: Path) -> None:
    voxels = pattern(dtype="uint64")
    uri = precomputed(tmp_path / "volume", voxels)
    compress(tmp_path / "volume")
    box = Box.of((9, -4, 3), (10, 11, 12))
    unit = {
        "unit_id": "a1" * 16,
        "process": "PULL_BLOCK",
        "key": {"channel_id": "c" * 16, "block": box.name},
        "arguments": {"uri": uri, "resolution": 0, "dtype": "uint64", "box": box.name},
        "settings": {"host": "https://api.bossdb.io", "verify": False, "metadata": {}},
        "inputs": [],
    }
    header = {"process": "PULL_BLOCK", "run_id": "r", "store": str(tmp_path / "s"), "code": "c"}
    (tmp_path / "task.jsonl").write_text(f"{json.dumps(header)}\n{json.dumps(unit)}\n")
    program = [sys.executable, ROOT / "bin/pull_block.py", "task.jsonl"]
    subprocess.run(program, cwd=tmp_path, check=True, timeout=60)
    receipt = json.loads((tmp_path / "receipts.jsonl").read_text())
    assert receipt["state"] == "made", receipt
    directory = tmp_path / "s" / "PULL_BLOCK" / "a1" / ("a1" * 16)
    expected = voxels[box.slices(OFFSET)]
    np.testing.assert_array_equal(read_array(directory / "voxels.zarr"), expected)
    told = json.loads((directory / "bundle.json").read_text())["attributes"]["voxels_sha256"]
    assert told == hashlib.sha256(expected.tobytes()).hexdigest()


# ---- memory ----


@pytest.mark.parametrize("form", ["raw", "gz", "zarr 3"])
def test_a_block_is_in_memory_once(tmp_path: Path, form: str) -> None:
    voxels = np.repeat(pattern((256, 256, 2), "uint64"), 128, axis=2)
    uri, offset = written(form, tmp_path / "volume", voxels, (64, 64, 64))
    program = """
import resource, sys
from voxels.archives import archive_of
from voxels.boxes import Box
uri, offset = sys.argv[1], [int(i) for i in sys.argv[2:]]
archive = archive_of(uri)
def peak():
    kibibytes = sys.platform != "darwin"
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024 if kibibytes else 1)
archive.read(uri, 0, "", "", "uint64", Box.of(offset, (1, 1, 1)))
before = peak()
archive.read(uri, 0, "", "", "uint64", Box.of(offset, (256, 256, 256)))
print(peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, uri, *map(str, offset)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "bin")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 1.6 * voxels.nbytes
