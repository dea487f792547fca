"""One of several channels or times of a volume: named, read, labelled."""

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
from asked import ASKED, CHUNK, SHAPE, image, several
from asked import cutouts as cutouts
from bossflow.core import states
from bossflow.upkeep import status
from bossflow.volumes import registered
from changing import made
from expected import read_volume, whole
from formats import compress, n5, ome, plain_zarr, precomputed
from steps import Cutouts
from test_describe import EM, TOKEN
from test_describe import host as host
from test_files import ABOUT, looks
from voxels.archives import Refused, archive_of
from voxels.archives.volumes import opening
from voxels.boxes import Box


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
    told = [one for one in states.requests() if one.get("source") == source]
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
