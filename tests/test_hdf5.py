"""HDF5 and NWB files as sources, on disk and behind HTTP."""

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from file_formats import BOXES, OFFSET, hdf5, nwb
from file_server import Server
from file_server import server as server
from formats import CHUNK, SHAPE, SIZE, describe, pattern, read, whole
from voxels.archives import Refused, archive_of, formats
from voxels.boxes import Box, grid
from voxels.files import seen

WHOLE = Box.of(OFFSET, SHAPE)


def placed(told: dict[str, Any]) -> tuple[Any, ...]:
    names = ("offset_zyx", "shape_zyx", "voxel_size_nm_zyx")
    return tuple(told[name] for name in names)


AS_WRITTEN = ([*OFFSET], [*SHAPE], [*SIZE])


@pytest.mark.parametrize("box", [*BOXES, WHOLE])
@pytest.mark.parametrize("options", [{}, {"chunks": None, "compression": None, "shuffle": False}])
def test_a_dataset_is_read_where_it_says_it_lies(
    tmp_path: Path, box: Box, options: dict[str, Any]
) -> None:
    voxels = pattern(dtype="uint64")
    uri, start = hdf5(tmp_path, voxels.astype(">u8"), **options)
    told = describe(uri)
    assert placed(told) == AS_WRITTEN
    assert (told["dtype"], told["kind"]) == ("uint64", "annotation")
    found = read(uri, "uint64", box)
    assert found.dtype.isnative and found.flags.c_contiguous
    np.testing.assert_array_equal(found, voxels[box.slices(start)])


def marked(path: Path, axes: str, mark: str) -> str:
    """Write voxels in an order of axes, told as tools tell it."""
    lengths = dict(zip("zyx", SHAPE, strict=True)) | {"c": 2, "t": 3}
    inner = [axis for axis in axes if axis in "zyx"]
    voxels = pattern(dtype="uint8").transpose(["zyx".index(axis) for axis in inner])
    voxels = voxels.reshape([lengths[axis] if axis in "zyx" else 1 for axis in axes])
    index = {"c": 1, "t": 2}
    for i, axis in enumerate(axes):
        if axis in index:
            others = [np.full_like(voxels, 9)] * lengths[axis]
            others[index[axis]] = voxels
            voxels = np.concatenate(others, i)
    with h5py.File(path / "a.h5", "w") as file:
        data = file.create_dataset("exported_data", data=voxels)
        if mark == "axistags":
            tags = [{"key": axis, "typeFlags": 2, "resolution": 0} for axis in axes]
            data.attrs["axistags"] = json.dumps({"axes": tags})
        elif mark == "labels":
            for i, axis in enumerate(axes):
                data.dims[i].label = axis
        else:
            data.attrs["axes"] = list(axes)
        data.attrs["element_size_um"] = [size / 1000 for size in SIZE]
    return f"hdf5://file://{path}/a.h5#/exported_data"


@pytest.mark.parametrize(
    ("axes", "mark"),
    [("xyz", "labels"), ("tzyxc", "axistags"), ("zyxc", "axes"), ("cxzy", "axistags")],
)
def test_axes_go_by_the_names_that_tools_give_them(tmp_path: Path, axes: str, mark: str) -> None:
    uri = marked(tmp_path, axes, mark)
    own = {name: n for axis, name, n in (("c", "channel", 1), ("t", "time", 2)) if axis in axes}
    told = archive_of(uri).describe(uri, 0, "", "", chosen=own)
    assert placed(told) == ([0, 0, 0], [*SHAPE], [*SIZE])
    assert told.get("chosen", {}) == own
    box = Box(3, 20, 1, 24, 2, 19)
    found = archive_of(uri).read(uri, 0, "", "", "uint8", box, chosen=own)
    np.testing.assert_array_equal(found, pattern(dtype="uint8")[box.slices((0, 0, 0))])
    if own:
        with pytest.raises(Refused, match=r"has \d along axis [ct]: only one can be used, so say"):
            describe(uri)


def test_a_series_of_volumes_is_read_as_nwb_lays_it_out(tmp_path: Path) -> None:
    voxels = pattern(dtype="uint16")
    uri, _ = nwb(tmp_path, voxels)
    told = archive_of(uri).describe(uri, 0, "", "", chosen={"time": 1})
    assert placed(told) == AS_WRITTEN and told["kind"] == "image"
    found = archive_of(uri).read(uri, 0, "", "", "uint16", BOXES[1], chosen={"time": 1})
    np.testing.assert_array_equal(found, voxels[BOXES[1].slices(OFFSET)])
    with pytest.raises(Refused, match=r"names no series in the file: .* '/acquisition/stack'"):
        describe(uri.partition("#")[0])


def test_unwritten_chunks_are_the_fill_value_and_damaged_ones_an_error(tmp_path: Path) -> None:
    uri, _ = hdf5(tmp_path, pattern())
    with h5py.File(tmp_path / "volume.h5", "a") as file:
        part = file.create_dataset("part", SHAPE, "u2", chunks=CHUNK, fillvalue=7)
        part[8:16, :9, :10] = 3
        part.attrs["element_size_um"] = [size / 1000 for size in SIZE]
        at = file["volumes/ids"].id.get_chunk_info_by_coord((8, 9, 10))
    holes = uri.replace("/volumes/ids", "/part")
    expected = np.full(SHAPE, 7)
    expected[8:16, :9, :10] = 3
    np.testing.assert_array_equal(whole(holes), expected)

    def said(box: Box) -> str | None:
        return archive_of(holes).unwritten(holes, 0, "", "", [box], None)

    assert said(Box(0, 28, 0, 24, 0, 20)) is None and said(Box(9, 10, 8, 9, 15, 16)) is None
    assert "nothing was ever written in 10-28_0-9_8-16" in str(said(Box(10, 28, 0, 9, 8, 16)))
    with open(tmp_path / "volume.h5", "r+b") as stream:
        stream.seek(at.byte_offset + at.size // 2)
        stream.write(b"damage")
    (damaged,) = (b for b in grid(WHOLE, CHUNK, OFFSET) if b.corner_zyx == (15, 4, 13))
    np.testing.assert_array_equal(read(uri, "uint32", BOXES[2]), pattern()[BOXES[2].slices(OFFSET)])
    with pytest.raises(Refused, match=f"box {damaged.name} of hdf5://.* can't be read: "):
        read(uri, "uint32", damaged)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_file_behind_http_is_read_with_few_requests(
    tmp_path: Path, server: Server, libver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten to describe it, and of voxels the chunks that are met and five; pieces are two chunks."""
    monkeypatch.setattr("voxels.archives.places.ranged.PIECE_BYTES", 2**13)
    shape, chunk = (96, 160, 160), (8, 16, 16)  # 1,200 chunks
    voxels = pattern(shape, "uint16")
    with h5py.File(tmp_path / "far.h5", "w", libver=libver) as file:
        data = file.create_dataset("a/b/raw", data=voxels, chunks=chunk)
        data.attrs.update(resolution=SIZE, units=["nm"] * 3)
    uri = server.over_http(f"hdf5://file://{tmp_path}/far.h5#/a/b/raw")
    formats._opened_as.cache_clear()
    assert describe(uri)["shape_zyx"] == [*shape]
    assert len(server.asked) <= 10
    server.asked.clear()
    box = Box(9, 70, 21, 100, 33, 64)
    found = read(uri, "uint16", box)
    np.testing.assert_array_equal(found, voxels[box.slices((0, 0, 0))])
    assert len(server.asked) <= len(grid(box, chunk, (0, 0, 0))) + 5


def test_a_file_behind_http_that_changes_is_seen(tmp_path: Path, server: Server) -> None:
    uri = server.over_http(hdf5(tmp_path, pattern())[0])
    told = archive_of(uri).files(uri, 0, "", "", [])
    (before,) = seen(told, [WHOLE])
    read(uri, "uint32", BOXES[0])
    hdf5(tmp_path, pattern(seed=1))
    (after,) = seen(archive_of(uri).files(uri, 0, "", "", []), [WHOLE])
    assert before != after
    assert (before,) == tuple(seen(told, [WHOLE]))


def test_a_file_on_disk_that_changes_is_read_anew(tmp_path: Path) -> None:
    uri, _ = hdf5(tmp_path, pattern())
    told = archive_of(uri).files(uri, 0, "", "", [])
    (before,) = seen(told, [WHOLE])
    assert whole(uri)[0, 0, 0] == pattern()[0, 0, 0]
    hdf5(tmp_path, pattern(seed=1))
    np.testing.assert_array_equal(whole(uri), pattern(seed=1))
    assert (before,) != tuple(seen(told, [WHOLE]))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda path: (404, {}, b""), "can't be read: there is no such file"),
        (lambda path: (403, {}, b""), "may not be read with the rights or credentials"),
        (lambda path: (200, {}, b"whole"), "its server gives whole files only"),
    ],
)
def test_what_a_server_says_is_one_sentence(
    tmp_path: Path, server: Server, answer: Any, words: str
) -> None:
    uri = server.over_http(hdf5(tmp_path, pattern())[0])
    server.answer = answer
    with pytest.raises(Refused, match=words):
        describe(uri)


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({}, "states no voxel size: give it in nm as voxel_size .* or give the dataset the"),
        ({"resolution": [40, 8, 4]}, "states no known unit for the voxel size along z and y and x"),
        ({"element_size_um": [1, 0, 1]}, r"can't be read: voxel size \(1.0, 0.0, 1.0\)"),
        ({"element_size_um": [1, 1]}, "can't be read: "),
        ({"axes": ["a", "b", "c"]}, "names its 3 axes a, b, c: that does not tell which are z, y"),
        ({"axistags": "{"}, "can't be read: "),
        (
            {"resolution": [4, 4, 4], "units": "nm", "origin": [1, 2, 3]},
            "states origin .1, 2, 3.,",
        ),
    ],
)
def test_bad_metadata_are_one_sentence(
    tmp_path: Path, attributes: dict[str, Any], words: str
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=pattern()).attrs.update(attributes)
    with pytest.raises(Refused, match=words) as error:
        describe(f"hdf5://file://{tmp_path}/a.h5#/a")
    assert "\n" not in str(error.value)


def test_what_is_no_volume_in_one_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["plane"] = np.zeros((4, 5), "u1")
        file["words"] = np.full((2, 2, 2), b"word")
        file["far"] = h5py.ExternalLink("b.h5", "/words")
        layout = h5py.VirtualLayout((4, 4, 4), "u1")
        layout[:] = h5py.VirtualSource("nowhere.h5", "a", (4, 4, 4))
        file.create_virtual_dataset("pieced", layout)
        packed = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        packed.set_chunk((2, 2, 2))
        packed.set_filter(32700, h5py.h5z.FLAG_OPTIONAL)  # which nobody has
        space = h5py.h5s.create_simple((4, 4, 4))
        h5py.h5d.create(file.id, b"packed", h5py.h5t.STD_U8LE, space, packed)
    for name, words in {
        "nothing": "has no dataset '/nothing': write .* there are '/packed', '/pieced', ",
        "plane": "has 2 dimensions: it needs z, y and x",
        "words": "which is no type of voxels",
        "far": "is a link into another file",
        "pieced": "keeps its voxels in other files",
        "packed": "is compressed by 'filter 32700', which is not here: install",
        "../a": "is malformed",
    }.items():
        with pytest.raises(Refused, match=words):
            describe(f"hdf5://file://{path}#/{name}")
    assert archive_of("hdf5://a").canonical("hdf5://a.h5#//plane/.", str(tmp_path)) == (
        f"hdf5://file://{path}#/plane"
    )
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(Refused, match="can't be read: .*truncated file"):
        describe(f"hdf5://file://{path}#/plane")


def test_a_file_in_a_bucket_is_read(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server.host}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "bucket" / "lab").mkdir(parents=True)
    uri, _ = hdf5(tmp_path / "bucket" / "lab", pattern())
    uri = uri.replace(f"file://{tmp_path}/", "s3://")
    assert archive_of(uri).archive_name(uri, "") == server.host
    np.testing.assert_array_equal(read(uri, "uint32", BOXES[1]), pattern()[BOXES[1].slices(OFFSET)])
    assert "/bucket/" in server.asked[-1] and "range: bytes=" in server.headers[-1].lower()


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, _ = hdf5(tmp_path, pattern())
    monkeypatch.setitem(sys.modules, "h5py", None)
    for name in ("hdf5", "nwb"):
        monkeypatch.delitem(sys.modules, f"voxels.archives.formats.{name}", raising=False)
    with pytest.raises(Refused, match="the Python package h5py is missing; it comes with bossflow"):
        describe(uri)


def test_a_viewer_is_served_what_is_in_a_file(tmp_path: Path) -> None:
    from viewing import Volume, a_layer
    from viewing import whole as served

    uri, _ = hdf5(tmp_path, pattern(dtype="uint16"))
    volume = Volume(a_layer(uri))
    (scale,) = volume.info()["scales"]
    assert (scale["voxel_offset"], scale["resolution"]) == ([*OFFSET[::-1]], [*SIZE[::-1]])
    np.testing.assert_array_equal(served(volume), pattern(dtype="uint16"))
