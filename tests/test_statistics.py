"""Workflow statistics: segments of volumes on disk, against what the whole array gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import write_precomputed
from measuring import Measuring, contacts_of, segments_of
from pipeline import bossflow_says


@pytest.fixture
def measuring(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measuring:
    return Measuring(tmp_path, monkeypatch)


def rows_of(part: Any, request: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (part & {"request_id": request}).to_dicts()
    return rows


def check(
    done: dict[str, Any], voxels: np.ndarray, image: np.ndarray | None, corner: Any, bins: int
) -> None:
    """Compare rows and files of a run's only request with what the whole arrays have."""
    from bossflow.workflows.statistics import Statistics

    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    wanted = segments_of(voxels, image, corner)
    found = {int(row["measured_segment"]): row for row in rows_of(Statistics.Segment, request)}
    assert found.keys() == wanted.keys()
    size = {"z": 40, "y": 4, "x": 4}
    for segment, one in wanted.items():
        row = found[segment]
        assert row["segment_voxel_count"] == one["n"]
        for axis, ends, middle in zip("zyx", one["box"], one["centroid"], strict=True):
            assert (row[f"segment_{axis}0"], row[f"segment_{axis}1"]) == ends
            assert row[f"segment_centroid_{axis}"] == pytest.approx(middle, abs=1e-9)
            in_nm = row[f"segment_centroid_{axis}"] * size[axis]
            assert row[f"segment_centroid_{axis}_nm"] == in_nm
        if image is None:
            assert row["mean_intensity"] is row["max_intensity"] is None
            continue
        assert row["mean_intensity"] == pytest.approx(one["mean"], rel=1e-14)
        assert row["std_intensity"] == pytest.approx(one["std"], rel=1e-9, abs=1e-9)
        assert (row["min_intensity"], row["max_intensity"]) == (one["min"], one["max"])
    touching = {
        (int(row["touching_segment"]), int(row["touched_segment"])): row
        for row in rows_of(Statistics.Contact, request)
    }
    faces = contacts_of(voxels)
    assert {k: [row[f"faces_{axis}"] for axis in "zyx"] for k, row in touching.items()} == faces
    for key, (z, y, x) in faces.items():
        assert touching[key]["contact_area_nm2"] == z * 16 + (y + x) * 160
    row = (Statistics & {"request_id": request}).fetch1()
    assert (row["n_segments"], row["n_contacts"]) == (len(wanted), len(faces))
    if image is None:
        assert row["histograms"] is None
        return
    kind = np.iinfo(image.dtype)
    start, width = row["histogram_start"], row["histogram_bin_width"]
    assert (start, width * bins) == (kind.min, kind.max - kind.min + 1)
    table = pq.read_table(row["histograms"].removeprefix("file://")).to_pylist()
    counted = {(one["segment_id"], one["bin"]): one["voxel_count"] for one in table}
    for segment, one in wanted.items():
        numbers, _ = np.histogram(one["values"], start + width * np.arange(bins + 1))
        assert [counted.pop((segment, n), 0) for n in range(bins)] == numbers.tolist()
    assert not counted


CASES = [
    ("uint32", "uint8", 256, "16,16,16"),
    ("uint64", "uint16", 64, "64,64,64"),
    ("uint8", "int8", 16, "8,20,12"),
    ("uint16", "int16", 512, "7,16,32"),
    ("int32", None, 256, "32,8,16"),
]


@pytest.mark.parametrize(("ids", "values", "bins", "block_shape"), CASES)
def test_statistics_are_those_of_the_whole(
    measuring: Measuring, tmp_path: Path, ids: str, values: str | None, bins: int, block_shape: str
) -> None:
    random = np.random.default_rng(len(block_shape))
    corner, shape = (-7, 13, 21), (18, 30, 26)
    voxels = random.integers(0, 5, (9, 15, 13)).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    voxels = (voxels * (2**60 + 1 if ids == "uint64" else 21)).astype(ids)
    asked = {"histogram_bins": bins, "block_shape": block_shape}
    image = None
    if values:
        kind = np.iinfo(values)
        image = random.integers(kind.min, kind.max, shape, values, endpoint=True)
        path = write_precomputed(tmp_path / "image", image, corner)
        asked["intensity_source"] = f"precomputed://{path}"
    volume = write_precomputed(tmp_path / "volume", voxels, corner, "segmentation")
    asked["source"] = f"precomputed://{volume}"
    done = measuring.make(**asked)
    check(done, voxels, image, corner, bins)
    assert measuring.make(**asked)["plan"]["tasks"] == []
    code, said = bossflow_says("verify", "--request", done["plan"]["requests"][0])
    assert code == 0, said
