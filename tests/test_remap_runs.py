"""Workflow remap under Nextflow: a sheet of tables, and what is measured of the result."""

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from lab import Lab
from making import read_level, write_precomputed
from remapping import by_definition, write_table

pytestmark = pytest.mark.nextflow


def test_new_ids_are_a_source_of_what_comes_next(tmp_path: Path) -> None:
    """A rerun has nothing to do, and the page shows how large segments are."""
    voxels = np.random.default_rng(3).integers(0, 30, (8, 24, 20)).astype(np.uint16)
    voxels = voxels.repeat(2, 0).repeat(2, 2)
    mapping = {name: 2**40 + name // 4 for name in range(1, 30)}
    with Lab(tmp_path / "lab", np.ones((1, 1, 1), np.uint8), (0, 0, 0)).serving() as lab:
        source = write_precomputed(lab.directory / "ids", voxels, kind="segmentation")
        write_table(lab.directory / "merges.csv", mapping)
        asked = {"workflow": "remap", "source": f"precomputed://{source}", "table": "merges.csv"}
        asked |= {"block_shape": [16, 16, 16], "archive": None, "name": "merged", "page": True}
        made = lab.nextflow(**asked).ok()
        assert made.tasks.keys() >= {"READ_TABLE", "REMAP_BLOCK", "SUM_REMAPPED"}, made.text
        results = lab.directory / "results"
        with (results / "requests.csv").open() as stream:
            (told,) = csv.DictReader(stream)
        table = pq.read_table(results / "merged" / "segments").to_pylist()
        page = (results / "index.html").read_text("utf-8")
        assert "How many segments have how many voxels" in page
        assert page.count('alt="segment ') == 8
        assert "nothing to compute" in lab.run(**asked).ok().text
    wanted = by_definition(voxels, mapping)
    found, _ = read_level(told["volume"], 0)
    np.testing.assert_array_equal(found[tuple(map(slice, wanted.shape))], wanted)
    ids, counts = np.unique(wanted[wanted > 0], return_counts=True)
    rows = [(row["segment_id"], row["segment_voxel_count"]) for row in table]
    assert rows == [*zip(ids.tolist(), counts.tolist(), strict=True)]
