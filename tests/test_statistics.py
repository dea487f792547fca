"""Workflow statistics: segments of volumes on disk, against what the whole array gives."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from making import Transferring, noise, write_precomputed
from measuring import Measuring, contacts_of, segments_of
from pipeline import bossflow_says
from steps import Cutouts


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


def made_of(done: dict[str, Any]) -> Counter[str]:
    """Return how many units of each process a run recorded."""
    return Counter(done["recorded"][0]["recorded"]) if done["recorded"] else Counter()


BLOCKS = {"block_shape": "16,16,16"}


def blobs(shape: tuple[int, int, int]) -> np.ndarray:
    random = np.random.default_rng(shape)
    coarse = random.integers(0, 4, [-(-side // 4) for side in shape], np.uint32)
    return coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)[tuple(map(slice, shape))]


def test_a_larger_cutout_measures_its_new_blocks_only(measuring: Measuring, tmp_path: Path) -> None:
    voxels, image = blobs((20, 40, 36)), noise((20, 40, 36), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    asked = {"source": f"precomputed://{volume}", **BLOCKS}
    asked["intensity_source"] = f"precomputed://{write_precomputed(tmp_path / 'image', image)}"
    first = measuring.make(**asked, y_range="0,32", x_range="0,32")
    assert made_of(first) == {"PULL_BLOCK": 8, "MEASURE_BLOCK": 8, "MERGE_SEGMENTS": 1}
    check(first, voxels[:, :32, :32], image[:, :32, :32], (0, 0, 0), 256)
    larger = measuring.make(**asked, y_range="0,32")
    assert made_of(larger) == {"PULL_BLOCK": 4, "MEASURE_BLOCK": 4, "MERGE_SEGMENTS": 1}
    check(larger, voxels[:, :32], image[:, :32], (0, 0, 0), 256)
    without = measuring.make(**asked | {"intensity_source": None}, y_range="0,32")
    assert made_of(without) == {"MEASURE_BLOCK": 12, "MERGE_SEGMENTS": 1}
    check(without, voxels[:, :32], None, (0, 0, 0), 256)
    code, said = bossflow_says("clean", "--store", str(measuring.store), "--pulled", "--yes")
    assert code == 0 and "deleted 12 pulled" in said, said
    whole = measuring.make(**asked)
    assert made_of(whole) == {"PULL_BLOCK": 6, "MEASURE_BLOCK": 6, "MERGE_SEGMENTS": 1}
    check(whole, voxels, image, (0, 0, 0), 256)
    (request,) = whole["plan"]["requests"]
    code, said = bossflow_says("lineage", request)
    assert code == 0 and str(tmp_path / "image") in said.replace("\n", ""), said
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0 and "37 units made again as recorded" in said, said


def test_of_what_was_made_here_a_block_that_goes_takes_what_was_made_of_it(
    measuring: Measuring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the segmentation as of the image; and all commands know what there is."""
    import bossflow

    label, copy = (
        Cutouts(tmp_path / "label", monkeypatch),
        Transferring(tmp_path / "c", monkeypatch),
    )
    for made in (label, copy):
        made.directory.mkdir()
        made.store = measuring.store
    label.volume = tmp_path
    mask, image = (blobs((32, 32, 36)) == 1).astype(np.uint8), noise((32, 32, 36), "uint16")
    of_image = f"precomputed://{write_precomputed(tmp_path / 'image', image)}"
    of_mask = f"precomputed://{write_precomputed(tmp_path / 'mask', mask)}"
    of_label = {"source": of_mask, "component_of": "foreground", "connectivity": 6, "stage": False}
    of_label |= {"block_shape": [16, 16, 16]}
    of_copy = {"source": of_image, "chunk_shape": "8,8,8", "block_shape": "16,16,32"}
    labelled, copied = label.label(**of_label), copy.make(**of_copy)
    cells, pixels = (one["plan"]["requests"][0] for one in (labelled, copied))
    asked = {"source": f"bossflow://{cells}", "intensity_source": f"bossflow://{pixels}"}
    asked |= {**BLOCKS, "histogram_bins": 1024}
    done = measuring.make(**asked)
    assert made_of(done) == {"MEASURE_BLOCK": 12, "MERGE_SEGMENTS": 1}
    (request,) = done["plan"]["requests"]
    assert measuring.make(**asked)["plan"]["tasks"] == []
    components = (bossflow.Segmentation.Component & {"request_id": cells}).to_dicts()
    segments = {
        int(row["measured_segment"]): row for row in rows_of(bossflow.Statistics.Segment, request)
    }
    assert len(segments) == len(components) > 9
    for row in components:
        found = segments[row["component_id"]]
        assert found["segment_voxel_count"] == row["voxel_count"]
        assert found["segment_centroid_z_nm"] == row["centroid_z_nm"]
    total = sum(row["mean_intensity"] * row["segment_voxel_count"] for row in segments.values())
    assert total == pytest.approx(float(image[mask > 0].sum(dtype=np.int64)), rel=1e-12)

    for words, wanted in (
        (("lineage", request), of_image),
        (("lineage", cells, "--of"), f"request {request} (statistics)"),
        (("status", "--request", request), f"{len(segments)} segments"),
        (("verify", "--request", request), "13 bundles as recorded"),
        (("verify", "--deep", "--request", request), "13 units made again as recorded"),
        (("diff", request, request), "equal"),
    ):
        code, said = bossflow_says(*words)
        assert code == 0 and wanted in said.replace("file://", ""), (words, said)
    taken = tmp_path / "taken"
    code, said = bossflow_says("export", request, "--format", "parquet", "--to", str(taken))
    assert code == 0, said
    row = (bossflow.Statistics & {"request_id": request}).fetch1()
    for name in ("segments", "contacts", "histograms"):
        whole = pq.read_table(row[name].removeprefix("file://"))
        assert pq.read_table(taken / f"{name}.parquet").equals(whole) and len(whole)

    gone = {"MEASURE_BLOCK": 1, "MERGE_SEGMENTS": 1}
    for maker, made, process in (
        (pixels, copied, "TRANSFER_BLOCK"),
        (cells, labelled, "RELABEL_BLOCK"),
    ):
        outputs = bossflow.MadeChannel * bossflow.Channel & {"request_id": maker, "resolution": 0}
        (channel,) = outputs.to_arrays("channel_id")
        where = "--channel", channel, "--block", "34-35_0-1_0-1"
        code, said = bossflow_says("invalidate", *where, "--yes")
        assert code == 0 and "3 bundles are in .retired" in said and process in said, said
        assert "is not whole" in measuring.make(**asked)["plan"]["problem"]
        again = copy.make(**of_copy) if made is copied else label.label(**of_label)
        assert made_of(again) == {process: 1}
        assert made_of(measuring.make(**asked)) == gone
    assert {
        int(row["measured_segment"]) for row in rows_of(bossflow.Statistics.Segment, request)
    } == {*segments}


def test_the_database_lists_as_many_rows_as_are_wanted(
    measuring: Measuring, tmp_path: Path
) -> None:
    """More are added later from the files, which have all."""
    from bossflow.workflows.statistics import Statistics

    voxels = np.arange(1, 101, dtype=np.uint16).reshape(4, 5, 5)
    volume = write_precomputed(tmp_path / "volume", voxels, kind="segmentation")
    asked = {"source": f"precomputed://{volume}", **BLOCKS}
    done = measuring.make(**asked, max_component_rows=7)
    (request,) = done["plan"]["requests"]
    listed = [int(row["measured_segment"]) for row in rows_of(Statistics.Segment, request)]
    assert listed == [*range(1, 8)] and len(rows_of(Statistics.Contact, request)) == 7
    row = (Statistics & {"request_id": request}).fetch1()
    assert (row["n_segments"], row["n_segment_rows"]) == (100, 7)
    assert "the database lists the first 7 segments, the other 93" in done["summary"]
    assert pq.read_table(row["segments"].removeprefix("file://")).num_rows == 100
    more = measuring.make(**asked, max_component_rows=120)
    assert more["recorded"][0]["recorded"] == {"MERGE_SEGMENTS": 1}
    assert len(rows_of(Statistics.Segment, request)) == 100
    assert len(rows_of(Statistics.Contact, request)) == 120
    assert measuring.make(**asked, max_component_rows=50)["plan"]["tasks"] == []


@pytest.mark.parametrize(
    ("image", "asked", "sentence"),
    [
        ("float32", {}, "has dtype float32, and only uint8, int8, uint16, int16 are measured"),
        ("uint8", {"histogram_bins": 100}, "histogram_bins 100 in the parameters does not cut"),
        ("uint8", {"histogram_bins": 512}, "histogram_bins 512 in the parameters are more than"),
        ("uint8", {"resolution": [8, 8, 40]}, "has voxels of 8,8,40 nm (x,y,z), and"),
        ("uint8", {"shape": (8, 8, 7)}, "has voxels 0-7_0-8_0-8, and not all of the cutout 0-8_0"),
        ("uint8", {"intensity_resolution": 3}, "intensity_resolution 3 is not one of"),
        (None, {"intensity_source": "bossflow://nobody"}, "no request has an id starting with"),
        (None, {}, "is the segmentation: give an image"),
        (None, {"histogram_bins": 16}, "are of an image, and none is given"),
        (None, {"block_shape": "0,1,1"}, "block_shape must be at least 1"),
    ],
)  # fmt: skip
def test_what_can_not_be_measured_is_a_sentence(
    measuring: Measuring, tmp_path: Path, image: str | None, asked: dict[str, Any], sentence: str
) -> None:
    ids = np.ones((8, 8, 8), np.uint32 if image or len(asked) else np.uint8)
    given = {
        "source": f"precomputed://{write_precomputed(tmp_path / 'v', ids, kind='segmentation')}"
    }
    if image:
        values = np.ones(asked.pop("shape", ids.shape), image)
        scale = {"resolution": asked.pop("resolution")} if "resolution" in asked else {}
        path = write_precomputed(tmp_path / "image", values, **scale)
        given["intensity_source"] = f"precomputed://{path}"
    if not image and not asked:
        given["intensity_source"] = given["source"]
    said = measuring.make(**given | asked)["plan"]["problem"]
    assert sentence in said and "\n" not in said
    assert not measuring.store.exists()


def test_what_is_given_of_the_voxels_holds_for_both(measuring: Measuring, tmp_path: Path) -> None:
    voxels = (noise((6, 20, 20), "uint8") % 5).astype("uint32")
    image = noise((6, 20, 20), "uint16", 2)
    for name, one in {"cells": voxels, "image": image}.items():
        np.save(tmp_path / f"{name}.npy", one)
    asked = {
        "source": f"npy://{tmp_path / 'cells.npy'}",
        "intensity_source": f"npy://{tmp_path / 'image.npy'}",
        "voxel_size": "4,4,40",
        "offset": "5,-7,3",
    }
    done = measuring.make(**asked, block_shape="8,8,4")
    check(done, voxels, image, (3, -7, 5), 256)
