"""A subject in a store in a bucket: the same bundles as on disk."""

from pathlib import Path

import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from diffusion import subject
from pipeline import bossflow_says
from subjects_asked import Subjects
from test_made_in_bucket import contents

pytestmark = pytest.mark.s3


def test_a_subject_in_a_bucket_is_as_on_disk(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    one = {"sub-01": subject(tmp_path / "sub-01", (8, 9, 7), 48, voxel_size=15)}
    asked = {"seed_groups": 2, "response_fa": "0.4", "min_length_mm": 1, "trk": True}
    on_disk, in_bucket = (Subjects(tmp_path / name, monkeypatch) for name in ("disk", "bucket"))
    on_disk.directory.mkdir()
    in_bucket.directory.mkdir()
    there = contents(on_disk.compute(*on_disk.plan(one, **asked)))

    store = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    done = in_bucket.run(one, store=store, **asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    assert contents(done["receipts"]) == there and len(there) == 9
    assert bossflow_says("verify", "--request", done["plan"]["requests"][0])[0] == 0
    assert in_bucket.plan(one, store=store, **asked)[0]["tasks"] == []
