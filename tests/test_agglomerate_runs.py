"""Workflow agglomerate under Nextflow: affinities on disk, their supervoxels, and these merged."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from flooding import affinities, write_affinities
from lab import Lab

pytestmark = pytest.mark.nextflow


def test_supervoxels_are_merged_in_a_run_of_their_own(tmp_path: Path) -> None:
    """Each is in a segment at each threshold."""
    corner, edges = (3, 10, 21), affinities((20, 40, 36), "uint8", 12)
    with Lab(tmp_path / "lab", np.ones((1, 1, 1), np.uint8), (0, 0, 0)).serving() as lab:
        source = write_affinities(lab.directory / "affinities", edges, corner)
        asked = {"workflow": "watershed", "source": source, "name": "pieces", "archive": None}
        lab.run(**asked, low_threshold=60, high_threshold=200, block_shape=[16, 32, 32]).ok()
        asked = {"workflow": "agglomerate", "source": "bossflow://pieces", "affinities": source}
        asked |= {"thresholds": [100, 140.5], "archive": None, "stage": True, "page": True}
        made = lab.nextflow(**asked, name="merged").ok()
        assert made.tasks.keys() >= {"PULL_BLOCK", "REGION_BLOCK", "MERGE_REGIONS"}, made.text
        results = lab.directory / "results"
        regions = pq.read_table(results / "merged" / "regions").num_rows
        segments = pq.read_table(results / "merged" / "segments").to_pylist()
        page = (results / "index.html").read_text("utf-8")
        assert "of which" in page and "by threshold" in page and "140.5" in page
    ids = Counter(row["threshold"] for row in segments)
    assert ids == dict.fromkeys(("100", "140.5"), regions)
    numbers = [
        len({row["segment_id"] for row in segments if row["threshold"] == text}) for text in ids
    ]
    assert 0 < numbers[0] < numbers[1] < regions
