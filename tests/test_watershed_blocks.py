"""Workflow watershed: supervoxels of affinities on disk, against their definition."""

from collections import Counter
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pyarrow.parquet as pq
import pytest
import zarr
from flooding import Flooding, affinities, supervoxels, write_affinities, write_channels
from making import Transferring
from pipeline import bossflow_says
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


THRESHOLDS = {"low_threshold": 80, "high_threshold": 230}
BLOCKS = {"block_shape": "16,16,16"} | THRESHOLDS


def made_of(done: dict[str, Any]) -> Counter[str]:
    """Return how many units of each process a run recorded."""
    return Counter(done["recorded"][0]["recorded"]) if done["recorded"] else Counter()


def test_a_larger_cutout_finds_basins_of_blocks_that_end_elsewhere(
    flooding: Flooding, tmp_path: Path
) -> None:
    """A block at the end of a cutout is another one within a larger; what it read is not."""
    edges = affinities((16, 32, 48))
    asked = {"source": write_affinities(tmp_path / "affinities", edges), **BLOCKS, "stage": True}
    first = flooding.make(**asked, x_range="0,32")
    wanted = {"PULL_BLOCK": 12, "BASIN_BLOCK": 4, "JOIN_BLOCK": 4, "NUMBER_BASINS": 4}
    assert made_of(first) == wanted | {"MERGE_BASINS": 1}
    check(first, edges[..., :32], (0, 0, 0), asked)
    larger = flooding.make(**asked)
    wanted = {"PULL_BLOCK": 6, "BASIN_BLOCK": 4, "JOIN_BLOCK": 4, "NUMBER_BASINS": 6}
    assert made_of(larger) == wanted | {"MERGE_BASINS": 1}
    check(larger, edges, (0, 0, 0), asked)
    (request,) = larger["plan"]["requests"]
    for words, told in (
        (("verify", "--request", request), "37 bundles as recorded"),
        (("verify", "--deep", "--request", request), "37 units made again as recorded"),
        (("status", "--request", request), "supervoxels"),
        (("lineage", request), "BASIN_BLOCK"),
        (("channels", "--json"), "affinities"),
        (("reproduce", request, "--write-only", "--to", str(tmp_path / "again")), ""),
        (("diff", request, first["plan"]["requests"][0]), "segments"),
        (("export", request, "--format", "parquet", "--to", str(tmp_path / "taken")), ""),
    ):
        code, said = bossflow_says(*words)
        assert code == 0 and told in said, (words, said)
    taken = pq.read_table(tmp_path / "taken" / "supervoxels.parquet")
    assert taken.num_rows == len(rows_of(request))


def test_blocks_that_hold_the_same_are_taken_from_a_smaller_cutout(
    flooding: Flooding, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not those where it ended, whose basins are others."""
    edges = affinities((48, 16, 16), seed=9)
    asked = {"source": write_affinities(tmp_path / "affinities", edges), **BLOCKS}
    first = flooding.make(**asked, z_range="0,32")
    check(first, edges[:, :32], (0, 0, 0), asked)
    capsys.readouterr()
    larger = flooding.make(**asked)
    check(larger, edges, (0, 0, 0), asked)
    (request,) = first["plan"]["requests"]
    said = capsys.readouterr().out
    assert said.count("is taken from") == 1
    assert f"0-16_0-16_0-16 is taken from request {request}" in said


@pytest.mark.parametrize("stage", [True, False])
def test_a_block_that_goes_takes_the_blocks_along_that_saw_a_plane_of_it(
    flooding: Flooding, tmp_path: Path, stage: bool
) -> None:
    edges = affinities((16, 16, 48), seed=3 + stage)
    asked = {"source": write_affinities(tmp_path / "affinities", edges), "stage": stage, **BLOCKS}
    done = flooding.make(**asked)
    (request,) = done["plan"]["requests"]
    (row,) = (bossflow.WatershedRequest & {"request_id": request}).to_dicts()
    for channel, seen in ((row["affinities_x"], 2), (row["affinities_y"], 1)):
        where = ("--channel", channel, "--block", "20-21_0-1_0-1")
        code, said = bossflow_says("invalidate", *where, "--yes")
        assert code == 0 and "MERGE_BASINS" in said, said
        again = made_of(flooding.make(**asked))
        assert again["BASIN_BLOCK"] == seen and again["PULL_BLOCK"] == int(stage)
        assert again["MERGE_BASINS"] == 1
    check(flooding.make(**asked) | {"verdict": {"missing": None}}, edges, (0, 0, 0), asked)


def test_a_channel_that_changes_in_place_is_noticed(flooding: Flooding, tmp_path: Path) -> None:
    """Each of the three, where chunks of each are files of their own."""
    edges = affinities((16, 16, 32), seed=5)
    asked = {"source": write_channels(tmp_path / "affinities", edges), **BLOCKS}
    asked |= {"affinity_channels": "2,0,1"}
    done = flooding.make(**asked)
    check(done, edges[[2, 0, 1]], (0, 0, 0), asked)
    for channel in range(3):
        edges[channel, 3, 3, 20] ^= 255
        array = zarr.open_group(tmp_path / "affinities", zarr_format=3)["0"]
        array[channel] = edges[channel]
        again = flooding.make(**asked)
        check(again, edges[[2, 0, 1]], (0, 0, 0), asked)
        assert made_of(again)["BASIN_BLOCK"] >= 1
    (request,) = again["plan"]["requests"]
    code, said = bossflow_says("verify", "--deep", "--request", request)
    assert code == 0 and "made again as recorded" in said, said


def test_floats_are_quantized_first_and_each_axis_is_a_volume_then(
    flooding: Flooding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made of a block of one of them goes with that, as any volume that was made here."""
    quantizing = Transferring(tmp_path / "quantized", monkeypatch)
    quantizing.directory.mkdir()
    quantizing.store = flooding.store
    floats = np.random.default_rng(11).random((3, 18, 20, 36), np.float32)
    how = {"dtype": "uint8", "value_range": "0,1", "chunk_shape": "8,8,8", "voxel_size": "4,4,40"}
    made = []
    for axis, edges in zip("zyx", floats, strict=True):
        np.save(tmp_path / f"{axis}.npy", edges)
        done = quantizing.make(source=f"npy://{tmp_path / axis}.npy", **how, name=f"edges-{axis}")
        made += done["plan"]["requests"]
    names = dict(zip(("source", "source_y", "source_x"), made, strict=True))
    asked = {name: f"bossflow://{one}" for name, one in names.items()} | BLOCKS
    done = flooding.make(**asked)
    edges = np.rint(floats.astype(np.float64) * 255).astype(np.uint8)
    check(done, edges, (0, 0, 0), asked)
    assert flooding.make(**asked)["plan"]["tasks"] == []
    (request,) = done["plan"]["requests"]
    for words, told in (
        (("verify", "--deep", "--request", request), "37 units made again as recorded"),
        (("lineage", request), str(tmp_path / "y.npy")),
        (("lineage", made[1], "--of"), f"request {request} (watershed)"),
    ):
        code, said = bossflow_says(*words)
        assert code == 0 and told in said.replace("\n", ""), (words, said)
    outputs = bossflow.MadeChannel * bossflow.Channel & {"request_id": made[2]}
    (channel,) = outputs.to_arrays("channel_id")
    code, said = bossflow_says("invalidate", "--channel", channel, "--yes")
    assert code == 0 and "MERGE_BASINS" in said, said
    assert "is not whole" in flooding.make(**asked)["plan"]["problem"]
    quantizing.make(source=f"npy://{tmp_path / 'x.npy'}", **how)
    again = flooding.make(**asked)
    check(again, edges, (0, 0, 0), asked)
    assert made_of(again)["BASIN_BLOCK"] == 12


def test_the_database_lists_as_many_rows_as_are_wanted(flooding: Flooding, tmp_path: Path) -> None:
    edges = affinities((16, 16, 16), seed=7)
    asked = {"source": write_affinities(tmp_path / "affinities", edges), **BLOCKS}
    done = flooding.make(**asked, max_component_rows=7)
    (request,) = done["plan"]["requests"]
    assert len(rows_of(request)) == 7 and "the database lists the first 7" in done["summary"]
    flooding.make(**asked)
    check(flooding.make(**asked) | {"verdict": {"missing": None}}, edges, (0, 0, 0), asked)


@pytest.mark.parametrize(
    ("dtype", "asked", "sentence"),
    [
        ("float32", {}, "has dtype float32, and affinities are uint8 or uint16: write them anew"),
        ("int16", {}, "has dtype int16, and affinities are uint8 or uint16"),
        ("uint8", {"channel": 1}, "channel 1 in the parameters is one, and affinities are three"),
        ("uint8", {"affinity_channels": "0,1"}, "affinity_channels must be three whole numbers"),
        ("uint8", {"affinity_channels": "0,1,1"}, "affinity_channels in the parameters name one"),
        ("uint8", {"affinity_channels": "0,1,3"}, "affinity_channels 3 is not one of"),
        ("uint8", {"low_threshold": 231}, "low_threshold 231 in the parameters is above high"),
        (
            "uint8",
            {"low_threshold": 300, "high_threshold": 300},
            "affinities of uint8 are 0",
        ),
        ("uint8", {"low_threshold": 0}, "low_threshold must be at least 1, not 0"),
        ("uint8", {"high_threshold": None}, "high_threshold is missing"),
        ("uint8", {"min_voxels": 1}, "min_voxels must be at least 2, not 1"),
        ("uint8", {"source": "bossflow://nobody"}, "is of one channel, as all that was made here"),
        ("uint8", {"source_y": "bossflow://nobody"}, "is of one axis: give source_x too"),
        ("uint8", {"source_y": "SAME", "source_x": "SAME"}, "source_y and source_x in the param"),
        ("uint8", {"block_shape": "0,1,1"}, "block_shape must be at least 1"),
    ],
)
def test_what_are_no_affinities_is_a_sentence(
    flooding: Flooding, tmp_path: Path, dtype: str, asked: dict[str, Any], sentence: str
) -> None:
    source = write_affinities(tmp_path / "affinities", np.ones((3, 8, 8, 8), dtype))
    asked = {name: source if one == "SAME" else one for name, one in asked.items()}
    said = flooding.make(**{"source": source, **BLOCKS} | asked)["plan"]["problem"]
    assert sentence in said and "\n" not in said
    assert not flooding.store.exists()
