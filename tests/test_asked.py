"""Volumes as users' tools leave them, labelled as a whole and compared with cc3d."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
import tensorstore as ts
import zarr
from bossflow.upkeep import status
from bossflow.volumes import registered
from describe import described
from hostile import SCHEMA
from lab import read_volume, whole
from scipy import ndimage
from steps import Cutouts
from test_changes import made
from test_describe import EM, TOKEN
from test_describe import host as host
from test_files import ABOUT, looks
from test_sources import compress, n5, ome, plain_zarr, precomputed
from voxels.archives import Refused, archive_of
from voxels.archives.volumes import opening
from voxels.boxes import Box

SHAPE, CHUNK = (20, 24, 28), (8, 9, 10)
ASKED = {"stage": False, "block_shape": [16, 18, 20], "connectivity": 18, "min_voxels": 2}


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = tmp_path  # each test names its source
    return made


def volume_of(ran: dict[str, Any]) -> np.ndarray:
    """Return the voxels of the one volume that a run made."""
    made(ran)
    url = ran["requests"].splitlines()[1].split(",")[2]
    return read_volume(url)[0]


def mask() -> np.ndarray:
    return np.random.default_rng(3).random(SHAPE) < 0.3


TYPES = {
    "scipy": ndimage.label(mask())[0],
    "mask": mask(),
    "int8": np.random.default_rng(4).integers(0, 3, SHAPE, np.int8),
    "whole floats": np.random.default_rng(5).integers(0, 3, SHAPE).astype("f4"),
}


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("stage", [False, True])
def test_segments_of_any_type_are_labelled(cutouts: Cutouts, name: str, stage: bool) -> None:
    voxels = TYPES[name]
    source = plain_zarr(cutouts.directory / "a.zarr", voxels, 2)
    found = volume_of(cutouts.label(**ASKED | {"source": source, "stage": stage}))
    np.testing.assert_array_equal(found, whole(voxels.astype("u4"), 18, 2))


@pytest.mark.parametrize("above", ["0.5", 0.5, "0.50"])
def test_a_probability_map_is_cut_at_a_decimal(cutouts: Cutouts, above: Any) -> None:
    voxels = np.random.default_rng(6).random(SHAPE, np.float32)
    voxels[3:5] = np.nan
    source = plain_zarr(cutouts.directory / "a.zarr", voxels)
    asked = ASKED | {"source": source, "component_of": "foreground"}
    found = volume_of(cutouts.label(**asked, foreground_above=above))
    np.testing.assert_array_equal(found, whole((voxels > 0.5).astype("u1"), 18, 2))
    if above == "0.5":
        assert "nothing to compute" in cutouts.label(**asked, foreground_above="0.500")["summary"]


def test_negative_ids_fail_the_run_with_their_place(cutouts: Cutouts) -> None:
    voxels = np.ones(SHAPE, np.int16)
    voxels[17, 20, 25] = -1
    source = plain_zarr(cutouts.directory / "a.zarr", voxels)
    ran = cutouts.label(**ASKED | {"source": source})
    assert "failed" in ran["states"]
    assert "voxel 25,20,17 (x,y,z) is -1, which is no segment id" in ran["verdict"]["missing"]


def test_a_type_that_holds_no_numbers_is_refused(cutouts: Cutouts) -> None:
    source = plain_zarr(cutouts.directory / "a.zarr", np.ones(SHAPE, "c8"))
    problem = cutouts.plan(**ASKED | {"source": source})[0]["problem"]
    assert problem.startswith(f"{source} has dtype complex64: only uint8, ")


# ---- one of several channels or times ----


def several(path: Path, axes: str = "tczyx", n: int = 3) -> np.ndarray:
    """Return voxels, none of them zero, of which each time and channel has its own."""
    lengths = dict(zip("zyx", SHAPE, strict=True))
    shape = [lengths.get(axis, n) for axis in axes]
    return np.random.default_rng(7).integers(1, 200, shape, np.uint8)


def array(path: Path, axes: str, names: list[str] | None = None, **options: Any) -> str:
    """Write a Zarr array of several times or channels, two of them in a chunk."""
    voxels = several(path, axes)
    sides = dict(zip("zyx", CHUNK, strict=True))
    chunks = [sides.get(axis, 2) for axis in axes]
    if options.pop("sharded", False):
        options["shards"] = [2 * side for side in chunks]
    array = zarr.create_array(
        path,
        shape=voxels.shape,
        dtype=voxels.dtype,
        chunks=chunks,
        dimension_names=names,
        **options,
    )
    array[:] = voxels
    return f"zarr://file://{path}"


def image(path: Path, axes: str = "tczyx", version: str = "0.5") -> str:
    """Write an OME-Zarr image of several times or channels."""
    uri = ome(path, np.ones(SHAPE, np.uint8), version, axes=axes)
    zarr_format = 2 if version == "0.4" else 3
    group = zarr.open_group(path, zarr_format=zarr_format)
    del group["0"]
    chunks = [dict(zip("zyx", CHUNK, strict=True)).get(axis, 2) for axis in axes]
    group.create_array("0", data=several(path, axes), chunks=chunks)
    return uri


def channels(path: Path, gz: bool = False, **options: Any) -> str:
    """Write a precomputed volume of three channels."""
    uri = precomputed(path, np.ones(SHAPE, np.uint8), offset_zyx=(0, 0, 0), **options)
    about = json.loads((path / "info").read_text())
    for file in (path / "4_8_40").iterdir():
        file.unlink()
    (path / "info").write_text(json.dumps(about | {"num_channels": 3}))
    spec = {"driver": "neuroglancer_precomputed", "kvstore": f"file://{path}/"}
    ts.open(spec).result().write(several(path, "xyzc")).result()
    if gz:
        compress(path)
    return uri


def n5_of(path: Path) -> str:
    uri = n5(path, several(path, "czyx"), (2, *CHUNK))
    file = path / "attributes.json"
    told = {"axes": ["x", "y", "z", "c"], "resolution": [4, 8, 40, 1], "units": ["nm"] * 4}
    file.write_text(json.dumps(json.loads(file.read_text()) | told))
    return uri


STATED = {"resolution": [1, 40, 8, 4], "units": "nm"}
SEVERAL: dict[str, tuple[str, Callable[[Path], str]]] = {
    "ome 0.5": ("tczyx", image),
    "ome 0.4": ("czyx", lambda path: image(path, "czyx", "0.4")),
    "xarray": (
        "tzyx",
        lambda path: array(
            path,
            "tzyx",
            zarr_format=2,
            attributes=STATED | {"_ARRAY_DIMENSIONS": ["time", "z", "y", "x"]},
        ),
    ),
    "zarr 3": ("zyxc", lambda path: array(path, "zyxc", [*"zyxc"], attributes=LAST)),
    "zarr 3 sharded": (
        "czyx",
        lambda path: array(path, "czyx", ["c", *"zyx"], sharded=True, attributes=STATED),
    ),
    "precomputed": ("xyzc", channels),
    "precomputed sharded": ("xyzc", lambda path: channels(path, sharded=True)),
    "precomputed gz": ("xyzc", lambda path: channels(path, gz=True)),
    "n5": ("czyx", n5_of),
}
LAST = {"resolution": [40, 8, 4, 1], "units": "nm"}


def at(voxels: np.ndarray, axes: str, channel: int = 0, time: int = 0) -> np.ndarray:
    """Return what is chosen of voxels, ZYX."""
    index = tuple({"c": channel, "t": time}.get(axis, slice(None)) for axis in axes)
    kept = [axis for axis in axes if axis in "zyx"]
    return voxels[index].transpose([kept.index(axis) for axis in "zyx"])


@pytest.mark.parametrize("form", SEVERAL)
def test_one_of_several_is_read(tmp_path: Path, form: str) -> None:
    axes, write = SEVERAL[form]
    path = tmp_path / "volume"
    uri = write(path)
    voxels = several(path, axes)
    box = Box.of((3, 4, 5), (12, 11, 10))
    archive = archive_of(uri)
    for index in (0, 2):
        chosen = {"ct".find(axis): index for axis in axes if axis in "ct"}
        chosen = {("channel", "time")[which]: i for which, i in chosen.items()}
        found = archive.describe(uri, 0, "", "", chosen=chosen)
        assert (found["shape_zyx"], found["chosen"]) == ([*SHAPE], chosen)
        read = archive.read(uri, 0, "", "", "uint8", box, chosen=chosen)
        expected = at(voxels, axes, chosen.get("channel", 0), chosen.get("time", 0))
        np.testing.assert_array_equal(read, expected[box.slices((0, 0, 0))])
    name = next(iter(chosen))
    with pytest.raises(Refused, match=f"only one can be used, so say which by {name}, counted fro"):
        archive.describe(uri, 0, "", "", chosen={k: v for k, v in chosen.items() if k != name})
    with pytest.raises(Refused, match=f"{name} 3 is not one of .*: it has 0 to 2"):
        archive.describe(uri, 0, "", "", chosen=chosen | {name: 3})


@pytest.mark.parametrize("form", SEVERAL)
def test_a_file_counts_for_what_is_chosen_of_it(tmp_path: Path, form: str) -> None:
    axes, write = SEVERAL[form]
    uri = write(tmp_path / "volume")
    box = Box.of((8, 9, 10), (7, 9, 4))
    chosen = {"c": {"channel": 2}, "t": {"time": 2}}
    chosen = {name: i for axis in axes for name, i in chosen.get(axis, {}).items()}
    before = looks(uri, box, chosen)
    assert looks(uri, box, chosen) == before
    for path in sorted(path for path in (tmp_path / "volume").rglob("*") if path.is_file()):
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        counts = looks(uri, box, chosen) != before
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        if path.name in ABOUT:
            continue
        hidden = path.rename(path.with_name("hidden"))
        opening.opened_level.cache_clear()
        read = archive_of(uri).read(uri, 0, "", "", "uint8", box, chosen=chosen)
        hidden.rename(path)
        assert counts == (not read.all()) or (counts and "sharded" in form), path


@pytest.mark.parametrize("form", ["ome 0.5", "zarr 3", "xarray", "n5"])
def test_a_time_that_was_never_written_is_not_taken_for_a_wrong_name(
    tmp_path: Path, form: str
) -> None:
    axes, write = SEVERAL[form]
    uri, box = write(tmp_path / "volume"), Box.of((8, 9, 10), (7, 9, 4))
    chosen = {name: 2 for name, sign in (("channel", "c"), ("time", "t")) if sign in axes}
    assert archive_of(uri).unwritten(uri, 0, "", "", [box], None, chosen) is None
    first = axes.index("c" if "c" in axes else "t")
    first = len(axes) - 1 - first if form == "n5" else first  # there, the fastest comes first
    for path in (tmp_path / "volume").rglob("*"):
        name = path.relative_to(tmp_path / "volume")
        words = [word for word in re.split("[./]", str(name)) if word.isdecimal()][-len(axes) :]
        if path.is_file() and len(words) == len(axes) and words[first] == "1":  # two in a chunk
            path.unlink()
    opening.opened_level.cache_clear()
    note = archive_of(uri).unwritten(uri, 0, "", "", [box], None, chosen)
    assert note is not None and "none of the chunks of 10-14_9-18_8-15 of" in note


def test_the_only_one_is_the_same_channel_however_it_is_asked_for(tmp_path: Path) -> None:
    uri = ome(tmp_path / "a.zarr", np.ones(SHAPE, np.uint8), axes="tczyx")
    plain = plain_zarr(tmp_path / "b.zarr", np.ones(SHAPE, np.uint8))
    for source in (uri, plain):
        found = archive_of(source).describe(source, 0, "", "", chosen={"channel": 0, "time": 0})
        assert "chosen" not in found
        with pytest.raises(Refused, match="time 1 is not one of "):
            archive_of(source).describe(source, 0, "", "", chosen={"time": 1})


def test_an_axis_without_a_name_can_not_be_chosen(tmp_path: Path) -> None:
    uri = array(tmp_path / "a.zarr", "czyx", attributes=STATED)
    with pytest.raises(Refused, match="has 3 along axis dimension 0: .* make a volume of it alone"):
        archive_of(uri).describe(uri, 0, "", "", chosen={"channel": 1})


def test_bossdb_names_its_channel_and_reads_one_time(host: str) -> None:
    archive = archive_of(EM)
    for chosen, says in (
        ({"channel": 0}, "names its channel: leave out the parameter channel"),
        ({"time": 2}, "time 2 of .* can't be read: leave out the parameter time"),
    ):
        with pytest.raises(Refused, match=says):
            archive.describe(EM, 0, host, TOKEN, chosen=chosen)


@pytest.mark.parametrize("stage", [False, True])
def test_two_times_share_nothing(cutouts: Cutouts, stage: bool) -> None:
    source = image(cutouts.directory / "several.zarr")
    voxels = several(cutouts.directory, "tczyx") // 50
    zarr.open_array(cutouts.directory / "several.zarr/0")[:] = voxels
    sheet = cutouts.directory / "sheet.csv"
    sheet.write_text("channel,time\n1,0\n1,2\n0,2\n")
    asked = ASKED | {"source": source, "stage": stage}
    made(cutouts.label(**asked, sheet=sheet))
    told = [one for one in status.requests() if one["source"] == source]
    assert len({one["channel"] for one in told}) == 3
    for one in told:
        assert one["state"] == "complete"
        chosen = one["chosen"]
        expected = whole(at(voxels, "tczyx", **chosen).copy(), 18, 2)
        np.testing.assert_array_equal(read_volume(one["volume"])[0], expected)
        key = {"channel_id": one["channel"]}
        rows = (bossflow.Channel.Choice() & key).to_dicts()
        assert {row["chosen_axis"]: row["chosen_index"] for row in rows} == chosen
        assert f"channel {chosen['channel']} time {chosen['time']} " in status.what(one)
        assert chosen in [row["chosen"] for row in registered.channels() if row["source"] == source]
    assert "nothing to compute" in cutouts.label(**asked, sheet=sheet)["summary"]
    one = cutouts.plan(**asked, channel=1)[0]["problem"]
    assert "has 3 along axis t: only one can be used, so say which by time" in one


# ---- a voxel size that nobody stated ----

UNSTATED: dict[str, Callable[[Path], str]] = {
    "zarr 2": lambda path: plain_zarr(path, mask().astype("u1"), 2, attributes={}),
    "zarr 3": lambda path: plain_zarr(path, mask().astype("u1"), attributes={}),
    "no unit": lambda path: ome(
        path, mask().astype("u1"), unit=None, scale=dict.fromkeys("zyx", 1)
    ),
    "n5": lambda path: n5(path, mask().astype("u1"), name="v"),
    "n5 without unit": lambda path: n5(path, mask().astype("u1"), resolution=[1, 1, 1]),
}


@pytest.mark.parametrize("form", UNSTATED)
def test_a_voxel_size_is_taken_where_none_is_stated(cutouts: Cutouts, form: str) -> None:
    source = UNSTATED[form](cutouts.directory / "volume")
    asked = ASKED | {"source": source, "stage": form == "zarr 3"}
    problem = cutouts.plan(**asked)[0]["problem"]
    assert "give it in nm as voxel_size x,y,z, such as --voxel_size 4,4,40, or " in problem
    if form in ("zarr 2", "n5"):
        example = "[4, 8, 40]" if form == "n5" else "[40, 8, 4]"
        order = "x, y, z" if form == "n5" else "z, y, x"
        assert f"resolution and units, such as {example} and " in problem
        assert f"in the order of its axes, which is {order}" in problem
    ran = cutouts.label(**asked, voxel_size="4,8.5,40")
    np.testing.assert_array_equal(volume_of(ran), whole(mask().astype("u1"), 18, 2))
    url = ran["requests"].splitlines()[1].split(",")[2]
    assert read_volume(url)[2] == [4, 8.5, 40]
    asked_again = cutouts.label(**asked, voxel_size=[4.0, "8.50", 40])
    assert "nothing to compute" in asked_again["summary"]


def test_another_voxel_size_than_is_recorded_is_refused(cutouts: Cutouts) -> None:
    source = UNSTATED["zarr 3"](cutouts.directory / "volume")
    asked = ASKED | {"source": source}
    assert cutouts.plan(**asked, voxel_size="4,4,40")[0]["problem"] is None  # nothing is made yet
    problem = cutouts.plan(**asked, voxel_size="40,4,4")[0]["problem"]
    (channel,) = (bossflow.Channel() & {"uri": source}).to_arrays("channel_id")
    assert problem == (
        f"voxel_size 40,4,4 is not what {source} is recorded with, 4,4,40 nm: give that, or, if "
        "that was wrong, forget the channel first, with all that was made of it: `bossflow forget "
        f"--channel {channel}` (which says of what requests)"
    )
    assert cutouts.plan(**asked, voxel_size="4,4,40.0")[0]["problem"] is None
    assert "states no voxel size" in cutouts.plan(**asked)[0]["problem"]


def test_one_volume_has_one_voxel_size(cutouts: Cutouts) -> None:
    source = UNSTATED["zarr 3"](cutouts.directory / "volume")
    sheet = cutouts.directory / "sheet.csv"
    sheet.write_text('x_range,voxel_size\n0:5,"4,4,40"\n5:9,4:4:40.0\n9:12,4:4:4.5\n')
    problem = cutouts.plan(**ASKED | {"source": source}, sheet=sheet)[0]["problem"]
    assert problem == f"{source} is asked for with two voxel sizes, 4,4,40 and 4,4,4.5 nm: give one"
    assert not (bossflow.Channel() & {"uri": source})


def test_a_voxel_size_that_a_volume_does_not_state_is_refused(cutouts: Cutouts, host: str) -> None:
    source = plain_zarr(cutouts.directory / "volume", mask().astype("u1"))
    asked = ASKED | {"source": source}
    problem = cutouts.plan(**asked, voxel_size="40,8,4")[0]["problem"]
    assert problem == (
        f"{source} states voxels of 4,8,40 nm (x,y,z), and voxel_size says 40,8,4: leave "
        "voxel_size out, or correct what the volume states (in the parameters)"
    )
    assert cutouts.plan(**asked, voxel_size="4,8,40")[0]["problem"] is None
    asked_of_bossdb = {"source": EM, "bossdb_host": host, "voxel_size": "4,4,40"}
    problem = described(asked_of_bossdb, SCHEMA, None, TOKEN, "/")["problem"]
    assert problem.startswith(f"{EM} states voxels of 8,4,30 nm (x,y,z), and voxel_size says 4,4,4")
    made(cutouts.label(**asked))
