"""What the files of a volume look like changes with each file that holds a box, and no other."""

import os
from pathlib import Path

import bucket as s3
import numpy as np
import pytest
from conftest import sample
from file_server import Server
from file_server import server as server
from formats import FORMATS, written
from kit import buckets
from steps import Cutouts, write_volume
from voxels import files
from voxels.archives import archive_of
from voxels.archives.volumes import opening
from voxels.boxes import Box, grid

started, bucket = s3.started, s3.server  # fixtures
ABOUT = ("info", "attributes.json", "zarr.json", ".zarray", ".zattrs", ".zgroup")


def looks(uri: str, box: Box, chosen: dict[str, int] | None = None) -> str:
    opening.opened_level.cache_clear()
    told = archive_of(uri).files(uri, 0, "", "", [box], chosen or {})
    assert told is not None
    return next(files.seen(told, [box]))


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_counts_for_the_boxes_that_it_holds(tmp_path: Path, form: str) -> None:
    voxels = np.random.default_rng(4).integers(1, 255, (20, 22, 24), np.uint8)
    dtype = "uint32" if "segmentation" in form else "uint8"
    uri, corner = written(form, tmp_path / "volume", voxels, (8, 8, 8))
    box = grid(Box.of(corner, voxels.shape), (10, 9, 11), corner)[3]
    before, counted, held = looks(uri, box), 0, 0
    for path in sorted(path for path in (tmp_path / "volume").rglob("*") if path.is_file()):
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
        counts = looks(uri, box) != before
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        counted += counts
        if path.name in ABOUT:
            assert counts, path
            continue
        hidden = path.rename(path.with_name("hidden"))
        opening.opened_level.cache_clear()
        read = archive_of(uri).read(uri, 0, "", "", dtype, box)
        hidden.rename(path)
        holds = not np.array_equal(read, voxels[box.slices(corner)])
        held += holds
        # which of the shards holds a chunk is told by a hash: all of them count
        assert counts == holds or (form == "sharded" and counts), path
    assert looks(uri, box) == before
    assert counted > held > 0


@pytest.mark.parametrize("form", ["raw", "ome 0.5"])
def test_over_http_the_metadata_stand_for_all(tmp_path: Path, server: Server, form: str) -> None:
    voxels = np.ones((8, 8, 8), np.uint8)
    uri, corner = written(form, tmp_path / "volume", voxels, (8, 8, 8))
    box, uri = Box.of(corner, (8, 8, 8)), server.over_http(uri)
    before = looks(uri, box)
    assert looks(uri, box) == before
    about = next(path for path in (tmp_path / "volume").rglob("*") if path.name in ABOUT)
    about.write_text(about.read_text() + " ")
    assert looks(uri, box) != before


def upload(server: s3.Server, volume: Path, name: str, *paths: Path) -> None:
    for path in paths or [path for path in volume.rglob("*") if path.is_file()]:
        key = f"s3://{s3.BUCKET}/{name}/{path.relative_to(volume)}"
        server.put(buckets.local(key), path.read_bytes())


@pytest.mark.s3
@pytest.mark.parametrize("form", sample(["raw", "sharded", "zarr 2", "zarr 3", "ome 0.4", "n5"], 3))
def test_an_object_counts_as_a_file_does(tmp_path: Path, bucket: s3.Server, form: str) -> None:
    voxels = np.random.default_rng(4).integers(1, 255, (20, 22, 24), np.uint8)
    volume = tmp_path / "volume"
    on_disk, corner = written(form, volume, voxels, (8, 8, 8))
    box = grid(Box.of(corner, voxels.shape), (10, 9, 11), corner)[3]
    name = form.replace(" ", "-")
    upload(bucket, volume, name)
    uri = f"{on_disk.partition('://')[0]}://s3://{s3.BUCKET}/{name}"
    here, there = looks(on_disk, box), looks(uri, box)
    assert looks(uri, box) == there
    for path in sorted(path for path in volume.rglob("*") if path.is_file()):
        content = path.read_bytes()
        path.write_bytes(content + b" ")
        upload(bucket, volume, name, path)
        counts = looks(on_disk, box) != here
        assert (looks(uri, box) != there) == counts, path
        path.write_bytes(content)
        upload(bucket, volume, name, path)
        here, there = looks(on_disk, box), looks(uri, box)


@pytest.mark.s3
def test_a_volume_may_be_a_whole_bucket(tmp_path: Path, bucket: s3.Server) -> None:
    voxels = np.ones((8, 8, 16), np.uint8)
    volume, box = tmp_path / "volume", Box.of((0, 0, 0), (8, 8, 16))
    written("zarr 2", volume, voxels, (8, 8, 8))

    def put(path: Path, content: bytes) -> None:
        key = f"s3://{s3.BUCKET}/{path.relative_to(volume)}"
        bucket.put(buckets.local(key), content)

    files_of_it = [path for path in volume.rglob("*") if path.is_file()]
    for path in files_of_it:
        put(path, path.read_bytes())
    uri = f"zarr://s3://{s3.BUCKET}"
    before = looks(uri, box)
    chunks = [path for path in files_of_it if path.name not in ABOUT]
    assert len(chunks) == 2
    for path in chunks:
        put(path, path.read_bytes() + b" ")
        assert looks(uri, box) != before
        put(path, path.read_bytes())
    assert looks(uri, box) == before


@pytest.mark.s3
def test_objects_are_listed_a_thousand_at_a_time(tmp_path: Path, bucket: s3.Server) -> None:
    """And few of them one by one; where they may not be, the metadata stand for all."""
    voxels = np.ones((12, 12, 24), np.uint8)
    uri, _ = written("zarr 2", tmp_path / "volume", voxels, (1, 2, 2))
    upload(bucket, tmp_path / "volume", "many")
    uri = f"zarr://s3://{s3.BUCKET}/many"
    opening.opened_level.cache_clear()
    archive_of(uri).describe(uri, 0, "", "")

    def asked(box: Box) -> int:
        archive_of(uri).files(uri, 0, "", "", [box])
        bucket.asked.clear()
        told = archive_of(uri).files(uri, 0, "", "", [box])
        assert told is not None and "found" in told
        return len(bucket.asked) - len(told["about"])

    assert asked(Box(0, 24, 0, 12, 0, 12)) == 1, "864 chunks"
    assert asked(Box(0, 2, 0, 2, 0, 1)) == 1
    assert asked(Box(0, 24, 0, 12, 0, 1)) == 1
    bucket.answer = lambda method, path: "403 Forbidden" if path == f"/{s3.BUCKET}" else None
    told = archive_of(uri).files(uri, 0, "", "", [Box(0, 24, 0, 12, 0, 12)])
    assert told is not None and list(told) == ["stamp"]


@pytest.mark.s3
def test_a_volume_in_a_bucket_that_changed_is_made_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: s3.Server
) -> None:
    cutouts = Cutouts(tmp_path, monkeypatch)
    cutouts.volume = write_volume(tmp_path / "volume", (32, 16, 16))
    upload(bucket, cutouts.volume, "changing")
    asked = {"source": f"zarr://s3://{s3.BUCKET}/changing", "block_shape": [16, 16, 16]}
    asked["stage"] = False
    cutouts.label(**asked)
    assert "nothing to compute" in cutouts.label(**asked)["summary"]
    write_volume(tmp_path / "another", (32, 16, 16), seed=3)
    changed = tmp_path / "another/0/1.0.0"
    key = f"s3://{s3.BUCKET}/changing/0/1.0.0"
    bucket.put(buckets.local(key), changed.read_bytes())
    again = cutouts.label(**asked)
    assert "1 of 2 blocks (first: 0-16_0-16_16-32) changed" in "".join(again["plan"]["notes"])
    assert again["recorded"][0]["recorded"]["LABEL_BLOCK"] == 1
    assert "nothing to compute" in cutouts.label(**asked)["summary"]
