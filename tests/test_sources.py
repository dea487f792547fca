"""Volumes that are read in place: what real writers wrote is read as it is, or refused."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from conftest import ROOT, examples
from file_server import Server
from file_server import server as server
from formats import (
    CHUNK,
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
from hypothesis import given, settings
from hypothesis import strategies as st
from voxels.archives import Refused
from voxels.archives.volumes import copying
from voxels.arrays import read_array
from voxels.boxes import Box

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
    subprocess.run(program, cwd=tmp_path, check=True, timeout=300)
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
