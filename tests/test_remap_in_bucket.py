"""Rewritten segmentations in a store in a bucket: the same bundles as on disk."""

from pathlib import Path

import numpy as np
import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from making import write_precomputed
from pipeline import bossflow_says
from remapping import Remapping, write_table
from test_made_in_bucket import contents

pytestmark = pytest.mark.s3


def test_new_ids_in_a_bucket_are_those_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    voxels = np.random.default_rng(2).integers(0, 9, (16, 32, 24)).astype(np.uint32)
    source = write_precomputed(tmp_path / "ids", voxels, kind="segmentation")
    table = write_table(tmp_path / "table.csv", {name: 2**50 + name // 2 for name in range(1, 9)})
    asked = {"source": f"precomputed://{source}", "table": table, "blocks_per_task": 3}
    asked |= {"block_shape": "16,16,16", "stage": False}
    on_disk, in_bucket = (Remapping(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(**asked)))

    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.make(store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there
    (request,) = done["plan"]["requests"]
    assert bossflow_says("verify", "--request", request)[0] == 0
    assert in_bucket.make(store=store, **asked)["plan"]["tasks"] == []
    again = in_bucket.make(
        store=store, **asked | {"source": f"bossflow://{request}"}, missing="keep"
    )
    assert again["verdict"] == {"missing": None}, again["summary"]
