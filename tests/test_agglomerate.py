"""Workflow agglomerate: regions merged by affinities on disk, against the whole at once."""

from pathlib import Path
from typing import Any

import pytest
from agglomerating import Agglomerating, check, segmentation
from flooding import affinities, write_affinities
from making import write_precomputed


@pytest.fixture
def merging(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Agglomerating:
    return Agglomerating(tmp_path, monkeypatch)


CASES = [
    ("uint32", "uint8", 256, "16,16,16", False, (0, 0, 0), "100,140.5,180", None),
    ("uint64", "uint16", 6, "8,20,12", True, (-7, 13, 21), "20000,40000", 75),
    ("uint16", "uint8", 4, "7,16,32", False, (5, -3, 2), "127.25", 25),
    ("int32", "uint16", 256, "64,64,64", True, (1, 1, 1), "0", None),
]


@pytest.mark.parametrize(
    ("ids", "dtype", "values", "block_shape", "stage", "corner", "thresholds", "quantile"), CASES
)
def test_merges_are_those_of_the_whole(
    merging: Agglomerating,
    tmp_path: Path,
    ids: str,
    dtype: str,
    values: int,
    block_shape: str,
    stage: bool,
    corner: Any,
    thresholds: str,
    quantile: int | None,
) -> None:
    shape = (18, 30, 26)
    edges, regions = affinities(shape, dtype, values, len(block_shape)), segmentation(shape, ids)
    asked = {
        "source": f"precomputed://{write_precomputed(tmp_path / 'regions', regions, corner)}",
        "affinities": write_affinities(tmp_path / "affinities", edges, corner),
        **{"thresholds": thresholds, "quantile": quantile},
        **{"block_shape": block_shape, "stage": stage},
    }
    done = merging.make(**asked)
    check(done, regions.astype(f"u{regions.itemsize}"), edges, thresholds.split(","), quantile)
    assert merging.make(**asked)["plan"]["tasks"] == []
