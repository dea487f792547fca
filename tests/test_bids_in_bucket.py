"""BIDS Apps with a store in a bucket: recorded as on disk, and a group of what is there."""

from pathlib import Path
from typing import Any

import pytest
from bucket import Server
from bucket import server as server
from bucket import started as started
from participants import Apps, dataset
from pipeline import bossflow_says

pytestmark = pytest.mark.s3


def test_what_runs_left_goes_to_a_bucket(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    from bossflow.core import installed
    from bossflow.workflows import bids

    installed.open_schema([bids.workflow])
    apps = Apps(tmp_path, monkeypatch)
    store: Any = f"s3://lab/{tmp_path.name.replace('_', '-')}"
    apps.store = store
    root = dataset(tmp_path / "ds", 2)
    done = apps.run(root)
    assert done["verdict"] == {"missing": None}, done["summary"]
    (row,) = (bids.Derivatives() & {"request_id": done["plan"]["requests"][0]}).to_dicts()
    assert row["derivatives"].startswith(store) and row["n_derivatives"] == 4
    outputs = bids.GroupRun.Output() & {"request_id": done["plan"]["requests"][0]}
    assert [one["group_file"] for one in outputs.to_dicts()] == ["group_trials.tsv"]
    assert bossflow_says("verify", "--request", done["plan"]["requests"][0])[0] == 0
    assert apps.run(root)["plan"]["tasks"] == []
