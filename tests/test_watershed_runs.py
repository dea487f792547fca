"""Workflow watershed under Nextflow: of affinities on disk, on to what is measured of them."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from flooding import affinities, write_affinities
from lab import Lab
from making import read_level
from test_watershed import by_definition

pytestmark = pytest.mark.nextflow


def test_supervoxels_are_a_source_of_what_comes_next(tmp_path: Path) -> None:
    """Their sizes in the table are those that statistics measure; a rerun has nothing to do."""
    corner, edges = (3, 10, 21), affinities((20, 40, 36), "uint8", 12)
    with Lab(tmp_path / "lab", np.ones((1, 1, 1), np.uint8), (0, 0, 0)).serving() as lab:
        source = write_affinities(lab.directory / "affinities", edges, corner)
        asked = {"workflow": "watershed", "source": source, "low_threshold": 60}
        asked |= {"high_threshold": 200, "block_shape": [16, 32, 32], "stage": True}
        asked |= {"archive": None, "name": "pieces", "page": True}
        made = lab.nextflow(**asked).ok()
        processes = {"PULL_BLOCK", "BASIN_BLOCK", "JOIN_BLOCK", "MERGE_BASINS", "NUMBER_BASINS"}
        assert made.tasks.keys() >= processes and "1 complete" in made.text, made.text
        results = lab.directory / "results"
        with (results / "requests.csv").open() as stream:
            (told,) = csv.DictReader(stream)
        table = pq.read_table(results / "pieces" / "supervoxels").to_pylist()
        page = (results / "index.html").read_text("utf-8")
        assert "How many supervoxels have how many voxels" in page
        assert page.count('alt="supervoxel ') == 8 and "The largest supervoxels" in page
        assert "nothing to compute" in lab.run(**asked).ok().text
        measured = {"workflow": "statistics", "source": "bossflow://pieces", "name": "measured"}
        lab.run(**measured, archive=None).ok()
        with (results / "requests.csv").open() as stream:
            (of_segments,) = csv.DictReader(stream)
    segments = pq.read_table(of_segments["segments"].removeprefix("file://")).to_pylist()
    voxels, start = read_level(told["volume"], 0)
    own = tuple(slice(low - at, None) for low, at in zip(corner, start, strict=True))
    wanted = by_definition(edges, 60, 200)
    np.testing.assert_array_equal(voxels[own], wanted)
    counts = np.bincount(wanted.reshape(-1))[1:].tolist()
    assert [row["supervoxel_voxel_count"] for row in table] == counts
    assert [row["segment_voxel_count"] for row in segments] == counts
