"""Statistics in a store in a bucket: the same bundles as on disk, also where ranges are many."""

from pathlib import Path

import numpy as np
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from making import noise, write_precomputed
from measuring import Measuring
from pipeline import bossflow_says
from test_made_in_bucket import contents
from voxels import totals

pytestmark = pytest.mark.s3


def test_statistics_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setattr(totals, "ROWS", 60)
    voxels = np.random.default_rng(1).integers(0, 9, (16, 40, 32), np.uint32)
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    image = write_precomputed(tmp_path / "image", noise(voxels.shape, "uint16"))
    asked = {"source": f"precomputed://{volume}", "intensity_source": f"precomputed://{image}"}
    asked |= {"block_shape": "16,16,16", "blocks_per_task": 3}
    on_disk, in_bucket = (Measuring(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(stage=False, **asked)))
    assert len([*on_disk.store.glob("MERGE_SEGMENTS/*/*/segments/*")]) > 3

    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    assert bossflow_says("verify", "--request", done["plan"]["requests"][0])[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
