"""What an agglomeration made is a table by which its segmentation is rewritten."""

from pathlib import Path

import bossflow
import numpy as np
import pytest
from agglomerating import Agglomerating, segmentation
from flooding import affinities, write_affinities
from making import write_precomputed
from remapping import Remapping, level_of

SHAPE = (12, 24, 28)


def test_the_regions_of_a_threshold_become_its_segments(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is what relabelling twice would give, and lineage leads to the merges."""
    regions, edges = segmentation(SHAPE, seed=8), affinities(SHAPE, seed=8)
    source = f"precomputed://{write_precomputed(tmp_path / 'regions', regions)}"
    merging = Agglomerating(tmp_path, monkeypatch)
    merged = merging.make(
        source=source, affinities=write_affinities(tmp_path / "affinities", edges),
        thresholds="90,120.5", block_shape="8,16,16", name="merged-by-two",
    )  # fmt: skip
    (request,) = merged["plan"]["requests"]
    asked = {"source": source, "table": "bossflow://merged-by-two", "block_shape": "8,16,16"}
    (tmp_path / "remap").mkdir()
    remapping = Remapping(tmp_path / "remap", monkeypatch)
    remapping.store = merging.store
    problems = {
        "90": None,
        "120.50": None,
        "100": "it has no threshold 100: it has 90, 120.5",
        None: "it has the thresholds 90, 120.5: give one as threshold",
    }
    for threshold, problem in problems.items():
        done = remapping.make(**asked, threshold=threshold)
        if problem:
            assert problem in done["plan"]["problem"] and done["plan"]["problem"].count("\n") == 0
            continue
        found = level_of(done, (0, 0, 0))
        steps = bossflow.Agglomeration.Merge & {"request_id": request}
        steps = steps & f"merge_score >= {threshold}"
        expected = regions.astype(np.uint64)
        for step in steps.to_dicts(order_by="merge_step"):
            expected[expected == int(step["merge_gone"])] = int(step["merge_kept"])
        np.testing.assert_array_equal(found, expected)
        assert len(np.unique(found)) < len(np.unique(regions))
        (own,) = done["plan"]["requests"]
        (made_by,) = (bossflow.RemappedVolume.Source & {"request_id": own}).to_dicts()
        maker = (bossflow.Agglomeration & {"request_id": request}).fetch1("agglomerated_by")
        assert made_by["table_made_by"] == maker
