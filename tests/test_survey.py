"""`bossflow describe`: what is told of sources of every kind, before anything is read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from asked import cutouts as cutouts
from bossdb_server import URI
from bossdb_server import host as host
from bossdb_server import quick as quick
from bossdb_server import serve as serve
from file_server import Server
from file_server import server as server
from formats import FORMATS, SHAPE, n5, ome, pattern, precomputed, written
from pipeline import bossflow_says
from viewing import labelled as labelled


def told(uri: str, *options: str) -> dict[str, Any]:
    code, text = bossflow_says("describe", uri, "--json", *options)
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


def said(uri: str, *options: str) -> str:
    code, text = bossflow_says("describe", uri, *options)
    assert code == 1 and text.count("\n") == 1, text
    return text


@pytest.mark.parametrize("form", FORMATS)
def test_a_volume_is_told_as_runs_see_it(tmp_path: Path, form: str) -> None:
    uri, start = written(form, tmp_path / "volume", pattern())
    one = told(uri)
    assert one["source"] == uri and one["archive"] == "file" and one["inside"] == {}
    (level,) = one["levels"]
    ends = [[low, low + size] for low, size in zip(start, SHAPE, strict=True)]
    assert level["extent_xyz"] == ends[::-1]
    assert (level["dtype"], level["kind"]) == ("uint32", "annotation")
    assert level["voxel_size_nm_xyz"] == [4, 8, 40] and level["chunk_xyz"] == [10, 9, 8]
    indices = {"sharded": 2, "zarr 3 sharded": 8}.get(form, 0)
    chunks = 3 * 3 * 3
    assert level["block"]["requests"] == chunks + indices
    assert level["block"]["bytes"] == chunks * 10 * 9 * 8 * 4
    smaller = told(uri, "--block-shape", "8,9,3")["levels"][0]["block"]
    assert smaller["requests"] == 1 + {"sharded": 2, "zarr 3 sharded": 1}.get(form, 0)


@pytest.mark.parametrize("form", ["precomputed", "zarr", "n5"])
def test_requests_are_as_many_as_are_made(tmp_path: Path, server: Server, form: str) -> None:
    writer = {"precomputed": precomputed, "zarr": ome, "n5": n5}[form]
    uri = server.over_http(writer(tmp_path / form, pattern()))
    block = told(uri, "--block-shape", "10,9,11")["levels"][0]["block"]
    server.asked.clear()
    from voxels.archives import archive_of
    from voxels.boxes import Box

    archive_of(uri).read(uri, 0, "", "", "uint32", Box.parse(block["box"]))
    chunks = [path for path in server.asked if not path.endswith(("json", "info", ".gz"))]
    chunks = [path for path in chunks if not path.endswith((".br", ".zstd"))]
    assert len(chunks) == block["requests"] == 2 * 1 * 2


def test_a_channel_of_bossdb_is_told(host: str) -> None:
    one = told(URI, "--bossdb-host", host)
    (level,) = one["levels"]
    assert one["format"] == "BossDB" and one["archive"] in host
    assert level["extent_xyz"] == [[7, 547], [500, 540], [5, 35]]
    assert (level["dtype"], level["voxel_size_nm_xyz"]) == ("uint64", [8, 4, 30])
    assert level["block"]["requests"] >= 1
    assert level["block"]["bytes"] == 8 * 30 * 40 * 512
    assert "resolution 7 is not one of" in said(URI, "--bossdb-host", host, "--resolution", "7")


@pytest.mark.usefixtures("labelled")
def test_what_a_request_made_is_told_by_the_database(tmp_path: Path) -> None:
    uri = f"bossflow://{tmp_path.name}"
    one = told(uri)
    assert one["archive"] == "bossflow" and one["format"] == "Neuroglancer precomputed"
    (level,) = one["levels"]
    assert level["dtype"] == "uint32" and level["extent_xyz"][0] == [3, 41]
    assert told(uri, "--resolution", "0")["levels"] == one["levels"]
    assert "resolution 3 is not one of" in said(uri, "--resolution", "3")
    assert "no request has an id starting" in said("bossflow://ffffffffffff")
    assert bossflow_says("describe", uri, "--channel", "1")[0] == 2


def test_what_may_be_named_is_listed(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    tifffile = pytest.importorskip("tifffile")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw/one"], file["two"], file["line"] = np.ones((2, 3, 4)), np.ones((2, 3, 4)), [1]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for shape in ((4, 5, 6), (3, 8, 9)):
            file.write(np.ones(shape, "u1"), photometric="minisblack")
    zarr.create_group(tmp_path / "group")
    ome(tmp_path / "group/image", pattern())
    n5(tmp_path / "n5/raw", pattern())
    (tmp_path / "n5/attributes.json").write_text('{"n5": "2.0.0"}')
    for uri, what, names in (
        (f"hdf5://file://{tmp_path}/a.h5", "datasets", ["#/two", "#/raw/one"]),
        (f"tiff://file://{tmp_path}/a.tif", "series", ["#/0", "#/1"]),
        (f"zarr://file://{tmp_path}/group", "arrays and groups", ["/image"]),
        (f"n5://file://{tmp_path}/n5", "arrays and groups", ["/raw"]),
    ):
        one = told(uri)
        assert one["levels"] == []
        assert one["inside"] == {what: [uri + name for name in names]}
        assert f"({what}):\n  {uri}{names[0]}\n" in bossflow_says("describe", uri)[1]
        assert "is no volume but holds some: name one of" in said(uri, "--resolution", "0")
    # what is listed can be named
    assert told(f"tiff://{tmp_path}/a.tif#/1", "--voxel-size", "4,4,40")["levels"]


def test_what_is_chosen_is_told_and_what_lacks_is_a_sentence(tmp_path: Path) -> None:
    uri = ome(tmp_path / "image", pattern(), axes="tczyx", unit=None)
    unsized = told(uri)["levels"][0]
    assert "states no known unit for the voxel size along z and y and x" in unsized["problem"]
    assert unsized["voxel_size_nm_xyz"] is None and unsized["dtype"] == "uint32"
    code, text = bossflow_says("describe", uri)
    assert code == 0 and "not stated" in text and "--voxel_size 4,4,40" in text
    level = told(uri, "--voxel_size", "4,8,40")["levels"][0]
    assert level["voxel_size_nm_xyz"] == [4, 8, 40]
    other = precomputed(tmp_path / "pre", pattern())
    assert "states voxels of 4,8,40 nm" in said(other, "--voxel-size", "4,4,40")
    assert "there is no Zarr array or group" in said(f"zarr://{tmp_path}/none")
    assert "names no archive that is known here" in said("ftp://lab/volume")
    assert bossflow_says("describe", other, "--block-shape", "8,8")[0] == 2


def test_of_a_path_without_a_format_the_likely_one_is_named(tmp_path: Path) -> None:
    for form in FORMATS:
        uri, _ = written(form, tmp_path / f"{form} volume", pattern())
        place = uri.partition("://")[2].removeprefix("file://")
        assert said(place).endswith(
            f"does not say what it is: write {uri.replace('file://', '')}\n"
        )
    np.save(tmp_path / "array", np.zeros((2, 2, 2), np.uint8))
    file = (tmp_path / "array.npy").rename(tmp_path / "unnamed")
    assert f"write npy://{file}\n" in said(str(file)), "by what it begins with"
    for name, scheme in (("x.nii.gz", "nifti"), ("s3://b/x.zarr/0", "zarr"), ("a.H5#/b", "hdf5")):
        assert f"write {scheme}://{name}\n" in said(name)
    for name in ("x.txt", str(tmp_path), "https://lab/volume", "two\nlines.h5"):
        assert "names no archive that is known here" in said(name)


def test_a_table_is_for_people(tmp_path: Path) -> None:
    precomputed(tmp_path / "pre", pattern())
    code, text = bossflow_says("describe", f"precomputed://{tmp_path}/pre")
    assert code == 0
    shown = " ".join(text.split())
    assert "0 uint32 annotation 3:31 -5:19 7:27 4 8 40 10 9 8 3-31_-5-19_7-27 27 0.08" in shown
