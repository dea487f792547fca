"""Skeletons in a store in a bucket: the same bundles as on disk, and a viewer finds them."""

from pathlib import Path

import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from pipeline import bossflow_says
from skeletoning import Skeletonizing, rows
from test_made_in_bucket import contents
from test_skeleton import HOW, neurites, taken, written

pytestmark = pytest.mark.s3


def test_skeletons_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    from bossflow.look import view

    asked = {"source": written(tmp_path / "volume", neurites()), "block_shape": "16,32,64"} | HOW
    asked |= {"buckets": 2}
    on_disk, in_bucket = (Skeletonizing(tmp_path / name, monkeypatch) for name in ("disk", "s3"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(stage=False, **asked)))
    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    (request,) = done["plan"]["requests"]
    assert bossflow_says("verify", "--request", request)[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
    more = in_bucket.make(store=store, **asked, x_range=[21, 84])
    buckets = taken(more, "SKELETON_BUCKET", "skeleton_bucket")
    assert more["verdict"] == {"missing": None} and len(buckets) == 2
    assert bossflow_says("page", "-o", str(tmp_path / "index.html"))[0] == 0
    page = (tmp_path / "index.html").read_text()
    assert page.count('alt="the skeleton of segment ') == len(rows(more)) > 0
    assert "could not be painted" not in page
    (skeletons,) = on_disk.store.glob("INDEX_RUNS/*/*/skeleton")
    (one,) = view.opened([request], "public")[0]
    for path in filter(Path.is_file, skeletons.rglob("*")):
        content, name = path.read_bytes(), path.relative_to(skeletons).as_posix()
        assert one.volume.answer(f"skeleton/{name}") == ("file", (content, None))
        part = content[3:7], "bytes 3-6/*"
        assert one.volume.answer(f"skeleton/{name}", "bytes=3-6") == ("file", part)
    words = ("--segment", "3", "--format", "swc", "--to", str(tmp_path / "swc"))
    assert bossflow_says("export", request, *words)[0] == 0
