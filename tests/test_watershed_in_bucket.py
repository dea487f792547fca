"""Supervoxels in a store in a bucket: the same bundles as on disk."""

from pathlib import Path

import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from flooding import Flooding, affinities, write_affinities
from pipeline import bossflow_says
from test_made_in_bucket import contents

pytestmark = pytest.mark.s3


def test_supervoxels_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    source = write_affinities(tmp_path / "affinities", affinities((16, 32, 24)))
    asked = {"source": source, "low_threshold": 80, "high_threshold": 230, "stage": True}
    asked |= {"block_shape": "16,16,16", "blocks_per_task": 3}
    on_disk, in_bucket = (Flooding(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(**asked)))

    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    assert bossflow_says("verify", "--request", done["plan"]["requests"][0])[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
