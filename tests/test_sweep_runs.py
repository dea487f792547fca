"""A sweep under real Nextflow: blocks are made once for all points, and a second run makes none."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from stage import NO_REPORTS
from steps import write_volume

pytestmark = pytest.mark.nextflow


def test_points_of_a_sweep_share_all_but_what_differs(home: Path, tmp_path: Path) -> None:
    volume = write_volume(tmp_path / "volume", (12, 15, 18))
    asked = {"source": f"zarr://{volume}", "stage": True, "block_shape": [4, 5, 6]}
    file = tmp_path / "sweep.json"
    swept = {"min_voxels": {"from": 2, "to": 10, "step": 2}}
    file.write_text(json.dumps(asked | {"store": str(tmp_path / "store"), "sweep": swept}))
    program = "from bossflow.command.main import main; main()"
    command = [sys.executable, "-W", "ignore", "-c", program, "sweep", "run", str(file)]
    environment = os.environ | {"NXF_ANSI_LOG": "false", "PYTHONPATH": str(ROOT / "schema")}

    def run(*options: str) -> str:
        done = subprocess.run(
            [*command, *options], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    dry = run(*NO_REPORTS, "--dry_run")
    assert "to make    27 PULL_BLOCK, 27 LABEL_BLOCK, 27 LINK_BLOCK, 5 STITCH" in dry
    assert not [*tmp_path.glob("results/*")] and not (tmp_path / "store").exists()
    first = run(*NO_REPORTS)
    assert "recorded    27 PULL_BLOCK, 27 LABEL_BLOCK, 27 LINK_BLOCK, 5 STITCH" in first
    assert "5 of 5 points complete" in first
    bundles = (path.parent for path in (tmp_path / "store").glob("*/*/*/bundle.json"))
    made = Counter(path.parents[1].name for path in bundles)
    assert (made["PULL_BLOCK"], made["LABEL_BLOCK"], made["STITCH"]) == (27, 27, 5)
    (listed,) = tmp_path.glob("results/sweep-*/round-1/label/requests.csv")
    assert len(listed.read_text().splitlines()) == 6
    again = run()
    assert "5 of 5 points complete" in again and "N E X T F L O W" not in again
