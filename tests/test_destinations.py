"""Destinations of transfers: whose they are, and what of them is gone."""

import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from bucket import server as server
from bucket import started as started
from disks import disk, fill, mount
from kit import store_ids
from making import Transferring, noise, read_level, write_precomputed
from pipeline import bossflow_says
from test_transfer import SMALL, made_by
from voxels.archives import Refused
from voxels.archives.places.claims import Place, spelled
from voxels.archives.places.destinations import Destination


@pytest.mark.parametrize("where", ["disk", pytest.param("bucket", marks=pytest.mark.s3)])
def test_of_two_that_begin_at_once_one_is_refused(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "copy")
    if where == "bucket":
        request.getfixturevalue("server")
        place = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    first, second = Destination(spelled(place)), Destination(spelled(place))
    is_empty = second._is_empty

    def looked() -> bool:
        found = is_empty()
        if found:
            first.claim("first", "a", ())
        return found

    monkeypatch.setattr(second, "_is_empty", looked)
    with pytest.raises(Refused, match="is of request first"):
        second.claim("second", "a", ())
    begun = {"request": "first", "store": "a"}
    first.refuse_other(begun)
    assert first.claim("first", "b", ("a",)) == begun
    for store, owners in (("b", ()), ("b", ("",))):
        with pytest.raises(Refused, match="by who has another database"):
            first.claim("first", store, owners)


def test_a_place_that_no_column_holds_is_refused() -> None:
    assert spelled(f"s3://lab/{'a' * 700}/") == f"s3://lab/{'a' * 700}"
    for place in (f"s3://lab/{'a' * 800}", "/" + "ü/" * 150):
        with pytest.raises(Refused, match="as a URL more than 800 characters"):
            spelled(place)


def test_what_is_gone_is_written_as_a_whole(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block alone would be in a volume that nothing describes."""
    from bossflow.workflows.transfer import TransferRequest

    making = Transferring(tmp_path, monkeypatch)
    voxels, dest = noise((16, 64, 64), "uint8"), tmp_path / "copy"
    volume = write_precomputed(tmp_path / "volume", voxels)
    asked = {"source": f"precomputed://{volume}", "dest": str(dest), **SMALL}
    (request,) = making.make(**asked)["plan"]["requests"]
    shutil.rmtree(dest)
    channel = (TransferRequest & {"request_id": request}).fetch1("channel_id")
    said = bossflow_says("invalidate", "--block", "0-1_0-1_0-1", "--channel", channel, "--yes")
    assert "1 TRANSFER_BLOCK" in said[1]
    notes = making.plan(stage=False, **asked)[0]["notes"]
    assert any(f"{dest.as_uri()} is empty, or gone: bring" in note for note in notes)
    alone = making.make(**asked)
    assert alone["states"] == ["failed"] and not dest.exists()
    assert f"{dest.as_uri()} is empty, or gone: " in alone["verdict"]["missing"]
    away = bossflow_says("verify", "--request", request, "--retire")
    assert away[0] != 0 and f"dest {dest.as_uri()} is empty, or gone: mount it" in away[1]
    assert "1 CREATE_VOLUME" in bossflow_says("invalidate", "--request", request, "--yes")[1]
    again = making.make(**asked)
    assert again["states"] == ["made"] * 5 and again["verdict"] == {"missing": None}
    np.testing.assert_array_equal(read_level(made_by(again)["transferred"], 0)[0], voxels)


def small(tmp_path: Path, dest: Path | str) -> dict[str, Any]:
    """Return what asks for a transfer of one block to a destination."""
    volume = tmp_path / "data" / "volume"
    if not volume.exists():
        write_precomputed(volume, noise((16, 32, 32), "uint8"))
    return {"source": f"precomputed://{volume}", "dest": str(dest), **SMALL}


def test_a_marker_of_another_database_or_of_none_is_not_ours(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same path may hold other data elsewhere. What older versions marked stays theirs."""
    making, dest = Transferring(tmp_path, monkeypatch), tmp_path / "copy"
    asked = small(tmp_path, dest)
    (request,) = making.make(**asked)["plan"]["requests"]
    marker = dest / "bossflow.json"
    own = json.loads(marker.read_text())
    assert own == {"request": request, "store": store_ids.store_id(making.store)}
    marker.write_text(json.dumps(own | {"store": "0" * 32}))
    assert "by who has another database" in making.make(**asked)["plan"]["problem"]

    marker.write_text(json.dumps({"request": request}))
    bossflow_says("invalidate", "--request", request, "--yes")
    again = making.make(**asked)
    assert again["states"] == ["made"] * 2 and again["verdict"] == {"missing": None}
    assert json.loads(marker.read_text()) == {"request": request}
    assert bossflow_says("verify", "--request", request)[0] == 0
    assert bossflow_says("forget", request, "--yes")[0] == 0
    assert "by who has another database" in making.make(**asked)["plan"]["problem"]


def test_another_store_of_the_same_database_goes_on(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, dest = Transferring(tmp_path, monkeypatch), tmp_path / "copy"
    asked = small(tmp_path, dest)
    (request,) = making.make(**asked)["plan"]["requests"]
    making.store.rename(tmp_path / "away")
    making.store = tmp_path / "another"
    assert making.make(**asked)["states"] == ["made"] * 2
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_who_is_killed_while_it_marks_leaves_no_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Destination(spelled(str(tmp_path / "copy")))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "hardlink_to", Mock(side_effect=KeyboardInterrupt))
        destination.claim("first", "a", ())
    assert len(list((tmp_path / "copy").iterdir())) == 1 and destination.found() is None
    with monkeypatch.context() as patched:  # as of a file system without links
        patched.setattr(Path, "hardlink_to", Mock(side_effect=PermissionError))
        assert destination.claim("second", "a", ())["request"] == "second"
    assert os.listdir(tmp_path / "copy") == ["bossflow.json"]


NEAR = {
    "store/copy": "lies in store file://{}/store",
    "results/copy": "lies in outdir",
    "data/volume/copy": "lies in source precomputed://file://{}/data/volume",
    "image/copy": "lies in image_source precomputed://file://{}/image",
    "link/volume": "is source precomputed://file://{}/data/volume",
    "first/inner": "lies in another one, whose marker is {}/first/bossflow.json",
    "parent": "holds store file://{}/parent/store",
    "data/volume/info": "can't be used: {}/data/volume/info is a file",
}


@pytest.mark.parametrize("dest", NEAR)
def test_a_destination_is_near_nothing_else(
    dest: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told before anything is written, whatever links lead there."""
    making = Transferring(tmp_path, monkeypatch)
    if dest == "parent":
        making.store = tmp_path / "parent" / "store"
    (tmp_path / "link").symlink_to("data")
    if dest.startswith("first"):
        Destination(spelled(str(tmp_path / "first"))).claim("first", "a", ())
    asked = small(tmp_path, tmp_path / dest)
    asked["source"] = asked["source"] if "info" not in dest else f"precomputed://{tmp_path}/other"
    if "info" in dest:
        write_precomputed(tmp_path / "other", noise((16, 32, 32), "uint8"))
    if dest == "image/copy":
        asked["image_source"] = f"precomputed://{tmp_path}/image"
        write_precomputed(tmp_path / "image", noise((16, 32, 32), "uint8"))
    problem = making.plan(stage=False, outdir="results", **asked)[0]["problem"]
    assert NEAR[dest].format(tmp_path) in problem and "(in the parameters)" in problem
    assert not making.store.exists()


def test_places_are_near_by_what_is_there(tmp_path: Path) -> None:
    """Also where one is mounted twice, and in buckets by whole names alone."""
    for name in ("a/b", "twice", "a%20b"):
        (tmp_path / name).mkdir(parents=True)
    urls = [(tmp_path / one).as_uri() for one in ("a/b", "a", "ab", "a%20b", "a b", "none/x")]
    urls += ["s3://lab/a/b", "s3://lab/a", "s3://lab/ab", "gs://lab/a/b", "file:///"]
    places = [Place(url) for url in urls]
    near = [(one.url, two.url) for one in places for two in places if one.lies_in(two)]
    expected = {(url, url) for url in urls} | {(urls[0], urls[1]), ("s3://lab/a/b", "s3://lab/a")}
    assert {*near} == expected | {(url, "file:///") for url in urls if url.startswith("file")}


@pytest.mark.faults
def test_a_directory_that_is_mounted_twice_is_one(tmp_path: Path) -> None:
    for name in ("a/b", "twice"):
        (tmp_path / name).mkdir(parents=True)
    mount("--bind", str(tmp_path / "a"), str(tmp_path / "twice"))
    try:
        one, other = (Place((tmp_path / name).as_uri()) for name in ("twice/b", "a"))
        assert one.lies_in(other) and not other.lies_in(one)
    finally:
        subprocess.run(["umount", "--lazy", tmp_path / "twice"], check=True)


def test_rows_have_each_a_destination_of_its_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, sheet = Transferring(tmp_path, monkeypatch), tmp_path / "sheet.csv"
    asked = small(tmp_path, "")
    del asked["dest"]
    for other, how in (("copies/a", "is"), ("copies/a/b", "lies in"), ("copies", "holds")):
        sheet.write_text(f'dest,x_range\ncopies/a,"0,32"\n{other},"0,16"\n')
        problem = making.plan(stage=False, sheet=sheet, **asked)[0]["problem"]
        assert f"{other} {how} the dest of line 2 of sheet.csv: give a place" in problem


def test_a_destination_that_is_away_is_not_damaged(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is what is recorded of others left unverified."""
    making, dest = Transferring(tmp_path, monkeypatch), tmp_path / "copy"
    asked = small(tmp_path, dest) | {"stage": True}
    (request,) = making.make(**asked)["plan"]["requests"]
    dest.rename(tmp_path / "unmounted")
    away = f"passed over: 2 bundles, as dest {dest.as_uri()} is empty, or gone: mount it"
    for _ in range(2):
        code, said = bossflow_says("verify", "--request", request, "--retire")
        assert code == 0 and away in said and "1 bundle as recorded" in said
        dest.mkdir(exist_ok=True)
    (dest / "bossflow.json").write_text('{"request": "another"}')
    assert "holds what is not of this request" in bossflow_says("verify", "--request", request)[1]
    shutil.rmtree(dest)
    (tmp_path / "unmounted").rename(dest)
    assert "3 bundles as recorded" in bossflow_says("verify", "--request", request)[1]
    assert making.make(**asked)["plan"]["tasks"] == []


@pytest.mark.faults
def test_a_full_or_readonly_disk_fails_what_meets_it_alone(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, place = Transferring(tmp_path, monkeypatch), tmp_path / "disk"
    volume = write_precomputed(tmp_path / "volume", noise((16, 64, 64), "uint8"))
    asked = {"source": f"precomputed://{volume}", "dest": str(place / "copy"), **SMALL}
    place.mkdir()
    with disk(place, "1m"):
        fill(place, 64 << 10)
        full = making.make(**asked)
        assert sorted(set(full["states"])) == ["failed", "made"]
        assert f"(the disk of {place}/copy is full, or" in full["verdict"]["missing"]
        (place / "filler").unlink()
        done = making.make(**asked)
        assert done["verdict"] == {"missing": None}
        assert sorted(done["states"]) == ["made"] * full["states"].count("failed")
        assert not [path for path in place.rglob("*") if "#" in path.name or ".tmp" in path.name]
        mount("-o", "remount,ro", str(place))
        assert making.make(**asked)["plan"]["tasks"] == []
        assert bossflow_says("verify", "--request", done["plan"]["requests"][0])[0] == 0
        other = asked | {"dest": str(place / "other")}
        problem = making.make(**other)["plan"]["problem"]
        assert f"can't be used: {place} can't be written to (in the parameters)" in problem


def test_a_destination_is_where_it_is_said_to_be(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """URLs are those that bossflow tells; what a shell would make of a path, nobody does here."""
    making, dest = Transferring(tmp_path, monkeypatch), tmp_path / "of mine"
    done = making.make(**small(tmp_path, dest.as_uri()))
    assert done["verdict"] == {"missing": None} and (dest / "info").exists()
    assert making.make(**small(tmp_path, dest))["plan"]["tasks"] == []
    for place, why in (("~/copy", "begins with ~"), ("a" * 300, "a name of more than 255 bytes")):
        assert why in making.plan(stage=False, **small(tmp_path, place))[0]["problem"]


def test_many_that_write_the_same_at_once_leave_it_whole(tmp_path: Path) -> None:
    """As two runs of a request do; what a killed one left of a file goes."""
    destination, made = Destination(spelled(str(tmp_path / "copy"))), tmp_path / "made"
    (made / "c").mkdir(parents=True)
    (made / "c" / "0").write_bytes(noise((80, 80, 80), "uint8").tobytes())
    destination.claim("first", "a", ())
    (tmp_path / "copy" / "c").mkdir()
    (tmp_path / "copy" / "c" / "0#1").write_bytes(b"half")
    with ThreadPoolExecutor(8) as pool:
        told = [*pool.map(lambda _: destination.put(made), range(100))]
    assert all(one == told[0] for one in told) and destination.problem(told[0][0]) is None
    assert os.listdir(tmp_path / "copy" / "c") == ["0"]


@pytest.mark.faults
def test_nothing_goes_with_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOSSFLOW_CONTAINER", "bossflow/cc3d:1")
    place = tmp_path / "a \\ disk"
    place.mkdir()
    with disk(place, "1m"):
        Destination(spelled(str(place / "copy"))).claim("first", "a", ())
    with pytest.raises(OSError, match="nowhere/copy is not mounted in this container"):
        Destination(spelled("/nowhere/copy")).claim("first", "a", ())
    assert not Path("/nowhere").exists()
