"""Workflow skeleton under Nextflow: of an archive's channel, whose blocks are pulled."""

from pathlib import Path

import pytest
from lab import Lab
from skeletoning import FORK, PAIR, TUBE, lines, neurites

pytestmark = pytest.mark.nextflow


def test_skeletons_of_a_channel(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", neurites(), (3, 10, 21)).serving() as lab:
        asked = {"workflow": "skeleton", "buckets": 2, "block_shape": [16, 48, 32]}
        asked |= {"min_voxels": 30, "const_nm": 100}
        made = lab.nextflow(**asked, name="lines").ok()
        assert made.tasks.keys() >= {"PULL_BLOCK", "RUNS_BLOCK", "SKELETON_BUCKET"}
        assert "3 skeletons" in made.text
        directory = lab.directory / "results" / "lines" / "skeletons"
        for segment in (TUBE, FORK, PAIR):
            found = lines(directory, segment)
            assert found is not None and len(found.edges) > 10
        assert not lab.nextflow(**asked, name="lines").ok().tasks.keys() - {"DESCRIBE", "PLAN"}
