"""Where no chunk is: said, and refused where the chunks are there under other names."""

import json
import re
from pathlib import Path
from typing import Any

import bucket as s3
import numpy as np
import pytest
import zarr
from conftest import sample
from file_server import Server
from file_server import server as server
from formats import CHUNK, FORMATS, SHAPE, describe, n5, pattern, plain_zarr, precomputed, written
from steps import Cutouts, write_volume
from test_files import upload
from test_stated import change
from unwritten import said, strip
from voxels.archives import Refused, volumes
from voxels.archives.volumes import absent_chunks
from voxels.boxes import Box

started, bucket = s3.started, s3.server  # fixtures


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("over_http", [False, True], ids=["file", "http"])
def test_a_volume_of_which_no_chunk_is_there_is_zero_with_a_note(
    tmp_path: Path, server: Server, form: str, over_http: bool
) -> None:
    path = tmp_path / "volume"
    uri, corner = written(form, path, pattern())
    away = server.over_http(uri) if over_http else uri
    assert said(away) is None
    strip(path)
    box = Box.of(corner, SHAPE)
    assert re.fullmatch(
        f"none of the chunks( that were asked for)? of {box.name} of {away} is there: what was "
        "never written is zero, and it is taken for that",
        str(said(away)),
    )


def test_a_volume_that_was_written_all_black_is_no_error(tmp_path: Path) -> None:
    for form in ("raw", "n5", "zarr 3", "ome 0.4"):
        uri, _ = written(form, tmp_path / form, np.zeros(SHAPE, "uint32"))
        assert "is there: what was never written is zero" in str(said(uri))


def test_a_part_that_was_never_written_is_said_where_others_are(tmp_path: Path) -> None:
    voxels = pattern()
    voxels[8:] = 0
    uri = plain_zarr(tmp_path / "volume", voxels, 2)
    low, high = Box.of((0, 0, 0), (8, 24, 28)), Box.of((8, 0, 0), (12, 24, 28))
    assert said(uri, low) is None
    assert f"of {high.name} of" in str(said(uri, low, high))
    both = Box.of((9, 0, 0), (1, 1, 1))
    assert f"of 2 cutouts (first: {high.name}) of" in str(said(uri, high, both))


def test_another_fill_value_is_named(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    about = {"resolution": [40, 8, 4], "units": "nm"}
    zarr.create_array(path, shape=SHAPE, dtype="u1", chunks=CHUNK, fill_value=7, attributes=about)
    assert "what was never written is 7, the fill value, and" in str(said(f"zarr://file://{path}"))


def test_a_server_is_not_asked_for_whole_chunks(tmp_path: Path, server: Server) -> None:
    """Shards may have gigabytes."""
    uri = server.over_http(plain_zarr(tmp_path / "volume", pattern(), shards=(16, 18, 20)))
    assert said(uri) is None
    asked = [told for path, told in zip(server.asked, server.headers, strict=True) if "/c/" in path]
    assert len(asked) == 1 and "bytes=0-0" in asked[0]


def renamed(path: Path, old: str, new: str) -> None:
    """Give all chunks other names: with another sign between their numbers, or in a directory."""
    for file in [file for file in path.rglob("*") if file.is_file() and file.name[0].isdigit()]:
        name = str(file.relative_to(path)).replace(old, new)
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        file.rename(path / name)


def nested(path: Path) -> str:
    """Zarr 2 with chunks in directories, of which .zarray says nothing, as of old stores."""
    uri = plain_zarr(path, pattern(), 2, chunk_key_encoding={"name": "v2", "separator": "/"})
    metadata = json.loads((path / ".zarray").read_text())
    del metadata["dimension_separator"]
    (path / ".zarray").write_text(json.dumps(metadata))
    return uri


def moved(path: Path) -> str:
    uri = precomputed(path, pattern())
    (path / "4_8_40").rename(path / "4_4_40")
    return uri


def shifted(path: Path) -> str:
    """By one chunk: most names are still those of chunks."""
    uri = precomputed(path, pattern())
    scale = json.loads((path / "info").read_text())["scales"][0]
    x, y, z = scale["voxel_offset"]
    change(path / "info", scale={"voxel_offset": [x - scale["chunk_sizes"][0][0], y, z]})
    return uri


def other_chunks(path: Path) -> str:
    uri = precomputed(path, pattern())
    change(path / "info", scale={"chunk_sizes": [[7, 9, 8]]})
    return uri


def not_sharded(path: Path) -> str:
    uri = precomputed(path, pattern(), sharded=True)
    change(path / "info", scale={"sharding": None})
    return uri


def flat(path: Path) -> str:
    uri = n5(path, pattern())
    renamed(path, "/", ".")
    return uri


def plain(path: Path) -> str:
    uri = plain_zarr(path, pattern())
    for one in (path / "c").iterdir():
        one.rename(path / one.name)
    return uri


def packed(path: Path) -> str:
    uri = plain_zarr(path, pattern(), 2)
    for one in path.glob("*.*.*"):
        one.rename(path / f"{one.name}.gz")
    return uri


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (nested, "there is 0/0/0, but its .zarray states no dimension_separator .* like 0.0.0"),
        (plain, "there is 0/0/0, but its zarr.json states the chunk_key_encoding default, and so "
         "names like c/0/0/0"),
        (flat, "there is 0.0.0, but its attributes.json states blocks .* names like 0/0/0"),
        (packed, "there is 0.0.0.gz, but its .zarray states .* names like 0.0.0"),
        (moved, "there is 4_4_40/.*, but its info states no sharding and chunks of .* in 4_8_40"),
        (shifted, "there is .*, but its info states no sharding and chunks of "),
        (other_chunks, r"there is .*, but its info states no sharding and chunks of \[7, 9, 8\]"),
        (not_sharded, r"there is \w+.shard, but its info states no sharding"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("over_http", [False, True], ids=["file", "http"])
def test_chunks_under_other_names_are_named(
    tmp_path: Path, server: Server, make: Any, says: str, over_http: bool
) -> None:
    uri = make(tmp_path / "volume")
    if over_http and make is shifted:  # nothing can be listed there
        return
    if over_http and make in (packed, moved, other_chunks, not_sharded):
        assert "is there" in str(said(server.over_http(uri)))
        return
    if over_http:  # the chunk in the middle is asked for
        uri, says = server.over_http(uri), says.replace("0", r"\d")
    with pytest.raises(Refused, match=f"has chunks under other names than its.*{says}"):
        said(uri)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("which", ["all", "one"])
def test_a_chunk_that_is_a_link_to_nothing_is_not_zero(
    tmp_path: Path, form: str, which: str
) -> None:
    path = tmp_path / "volume"
    uri, _ = written(form, path, pattern())
    before = {file for file in path.rglob("*") if file.is_file()}
    strip(path)
    chunks = sorted(file for file in before if not file.exists())
    there = tmp_path / "annex"
    there.mkdir()
    for number, chunk in enumerate(chunks):  # as git-annex has them
        chunk.symlink_to(there / str(number))
    if which == "one":
        uri, _ = written(form, tmp_path / "second", pattern())
        for number, chunk in enumerate(chunks):
            (tmp_path / "second" / chunk.relative_to(path)).rename(there / str(number))
        uri = uri.replace("second", "volume")
        told = describe(uri)
        whole = Box.of(told["offset_zyx"], told["shape_zyx"])
        assert said(uri) is None
        voxels = volumes.read(uri, 0, "", "", told["dtype"], whole)
        assert (voxels == pattern()).all()
        (there / str(len(chunks) - 1)).unlink()
        absent_chunks.refuse_absent_shards.cache_clear()
    with pytest.raises(Refused, match="is a link to nothing, and would be read as never written"):
        if which == "all":
            said(uri)
        else:
            volumes.read(uri, 0, "", "", told["dtype"], whole)


@pytest.mark.s3
@pytest.mark.parametrize("form", sample(["raw", "sharded", "zarr 2", "zarr 3", "ome 0.4", "n5"], 3))
@pytest.mark.parametrize("listed", [True, False])
def test_buckets_are_listed_for_chunks(
    tmp_path: Path, bucket: s3.Server, form: str, listed: bool
) -> None:
    path = tmp_path / "volume"
    on_disk, corner = written(form, path, pattern())
    name = f"{form.replace(' ', '')}{listed}"
    upload(bucket, path, f"{name}/whole")
    where = f"{on_disk.partition('://')[0]}://s3://{s3.BUCKET}/{name}"
    assert said(f"{where}/whole", listed=listed) is None
    strip(path)
    upload(bucket, path, f"{name}/bare")
    assert "is there: what was never written" in str(said(f"{where}/bare", listed=listed))


@pytest.mark.s3
def test_buckets_with_chunks_under_other_names_are_refused(
    tmp_path: Path, bucket: s3.Server
) -> None:
    for make, name in ((nested, "nested"), (not_sharded, "not_sharded")):
        make(tmp_path / name)
        upload(bucket, tmp_path / name, name)
        scheme = "zarr" if make is nested else "precomputed"
        with pytest.raises(Refused, match="has chunks under other names .* there is .*0"):
            said(f"{scheme}://s3://{s3.BUCKET}/{name}")


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (32, 16, 16))
    return made


@pytest.mark.parametrize("stage", [False, True])
def test_a_run_on_nothing_says_so_in_summary_and_status(cutouts: Cutouts, stage: bool) -> None:
    from bossflow.core import states

    strip(cutouts.volume)
    ran = cutouts.label(stage=stage)
    assert ran["plan"]["problem"] is None
    (note,) = ran["plan"]["notes"]
    assert "none of the chunks of 0-16_0-16_0-32 of zarr://file://" in note
    (request,) = states.requests(ran["plan"]["requests"])
    said = "1 of 1 pulled blocks hold only zeros" if stage else "all of its voxels are zero: are "
    assert said in request["note"] and said in ran["summary"]


def test_why_there_is_no_component_is_said(cutouts: Cutouts) -> None:
    from bossflow.core import states

    ran = [
        cutouts.label(stage=False, min_voxels=10**6),
        cutouts.label(stage=False, component_of="foreground", foreground_above=200),
    ]
    asked = [name for one in ran for name in one["plan"]["requests"]]
    notes = sorted(request["note"] for request in states.requests(asked))
    assert notes == [
        "all of its components have fewer than 1000000 voxels",
        "none of its voxels is above 200",
    ]


def test_chunks_under_other_names_end_a_run_before_it_begins(cutouts: Cutouts) -> None:
    cutouts.volume = Path(nested(cutouts.directory / "nested").removeprefix("zarr://file://"))
    problem = cutouts.label(stage=False)["plan"]["problem"]
    assert "has chunks under other names than its metadata say" in problem
    assert "its .zarray states no dimension_separator" in problem and "\n" not in problem
