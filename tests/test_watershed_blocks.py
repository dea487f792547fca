"""Workflow watershed: supervoxels of affinities on disk, against their definition."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flooding import Flooding, affinities, supervoxels, write_affinities
from test_watershed import by_definition


@pytest.fixture
def flooding(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flooding:
    return Flooding(tmp_path, monkeypatch)


def rows_of(request: str) -> list[dict[str, Any]]:
    from bossflow import Supervoxels

    rows: list[dict[str, Any]] = (Supervoxels.Supervoxel & {"request_id": request}).to_dicts(
        order_by="supervoxel_id"
    )
    return rows


def check(done: dict[str, Any], edges: np.ndarray, corner: Any, asked: dict[str, Any]) -> None:
    """Compare the volume and the table of a run's one request with the definition."""
    low, high = (int(asked[f"{name}_threshold"]) for name in ("low", "high"))
    wanted = by_definition(edges, low, high, asked.get("min_voxels", 2))
    np.testing.assert_array_equal(supervoxels(done, corner), wanted)
    (request,) = done["plan"]["requests"]
    rows = rows_of(request)
    assert [row["supervoxel_id"] for row in rows] == [*range(1, int(wanted.max()) + 1)]
    for row in rows:
        places = np.argwhere(wanted == row["supervoxel_id"]) + np.array(corner)
        assert row["supervoxel_voxel_count"] == len(places)
        for axis, name in enumerate("zyx"):
            ends = row[f"supervoxel_{name}0"], row[f"supervoxel_{name}1"]
            assert ends == (places[:, axis].min(), places[:, axis].max() + 1)
            middle = row[f"supervoxel_centroid_{name}"]
            assert middle == pytest.approx(places[:, axis].mean(), rel=1e-14)
            assert row[f"supervoxel_centroid_{name}_nm"] == middle * (40 if name == "z" else 4)


CASES = [
    ("uint8", 256, "16,16,16", False, (0, 0, 0), 2),
    ("uint16", 6, "8,20,12", True, (-7, 13, 21), 2),
    ("uint8", 4, "7,16,32", False, (5, -3, 2), 9),
    ("uint8", 256, "64,64,64", True, (1, 1, 1), 2),
]


@pytest.mark.parametrize(("dtype", "values", "block_shape", "stage", "corner", "dust"), CASES)
def test_supervoxels_are_those_of_the_whole(
    flooding: Flooding,
    tmp_path: Path,
    dtype: str,
    values: int,
    block_shape: str,
    stage: bool,
    corner: Any,
    dust: int,
) -> None:
    edges = affinities((18, 30, 26), dtype, values, len(block_shape))
    source = write_affinities(tmp_path / "affinities", edges, corner)
    most = np.iinfo(dtype).max
    asked = {"low_threshold": most // 3, "high_threshold": most * 9 // 10, "min_voxels": dust}
    asked |= {"source": source, "block_shape": block_shape, "stage": stage}
    done = flooding.make(**asked)
    check(done, edges, corner, asked)
    assert flooding.make(**asked)["plan"]["tasks"] == []
