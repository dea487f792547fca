"""Merged regions in a store in a bucket: the same bundles as on disk."""

from pathlib import Path

import pytest
from agglomerating import Agglomerating, segmentation
from bucket import Server
from bucket import server as server
from bucket import started as started
from flooding import affinities, write_affinities
from making import write_precomputed
from pipeline import bossflow_says
from test_made_in_bucket import contents

pytestmark = pytest.mark.s3


def test_merged_regions_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    shape = (16, 32, 24)
    regions = write_precomputed(tmp_path / "regions", segmentation(shape))
    asked = {"source": f"precomputed://{regions}", "stage": True, "quantile": 75}
    asked |= {"affinities": write_affinities(tmp_path / "affinities", affinities(shape))}
    asked |= {"thresholds": "100,150", "block_shape": "16,16,16", "blocks_per_task": 3}
    on_disk, in_bucket = (
        Agglomerating(tmp_path / name, monkeypatch) for name in ("disk", "bucket")
    )
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(**asked)))

    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    assert bossflow_says("verify", "--request", done["plan"]["requests"][0])[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
