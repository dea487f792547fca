"""Workflow agglomerate: regions merged by affinities on disk, against the whole at once."""

from collections import Counter
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pyarrow.parquet as pq
import pytest
from agglomerating import Agglomerating, check, rows, segmentation, table
from flooding import Flooding, affinities, supervoxels, write_affinities, write_channels
from making import write_precomputed
from pipeline import bossflow_says


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


BLOCKS = {"block_shape": "16,16,16", "thresholds": "90,120.5"}


def written(directory: Path, shape: tuple[int, int, int], seed: int) -> tuple[Any, Any, Any]:
    """Return regions, affinities, and what asks for them to be merged."""
    regions, edges = segmentation(shape, seed=seed), affinities(shape, seed=seed)
    source = write_precomputed(directory / "regions", regions)
    of_edges = write_affinities(directory / "affinities", edges)
    return regions, edges, {"source": f"precomputed://{source}", "affinities": of_edges} | BLOCKS


def made_of(done: dict[str, Any]) -> Counter[str]:
    """Return how many units of each process a run recorded."""
    return Counter(done["recorded"][0]["recorded"]) if done["recorded"] else Counter()


def test_other_thresholds_and_larger_cutouts_find_the_blocks_that_are_there(
    merging: Agglomerating, tmp_path: Path
) -> None:
    """Those that begin where they began; what was read is not read again."""
    regions, edges, asked = written(tmp_path, (16, 32, 48), 2)
    asked |= {"stage": True}
    first = merging.make(**asked, x_range="16,48", name="merged")
    wanted = {"PULL_BLOCK": 16, "REGION_BLOCK": 4, "MERGE_REGIONS": 1}
    assert made_of(first) == wanted
    check(first, regions[..., 16:], edges[..., 16:], ["90", "120.5"])
    other = asked | {"thresholds": "100", "quantile": 50}
    again = merging.make(**other, x_range="16,48")
    assert made_of(again) == {"MERGE_REGIONS": 1}
    check(again, regions[..., 16:], edges[..., 16:], ["100"], 50)
    larger = merging.make(**asked)
    assert made_of(larger) == {"PULL_BLOCK": 8, "REGION_BLOCK": 4, "MERGE_REGIONS": 1}
    check(larger, regions, edges, ["90", "120.5"])
    (request,) = larger["plan"]["requests"]
    for words, told in (
        (("verify", "--deep", "--request", request), "31 units made again as recorded"),
        (("status", "--request", request), " regions, merged to "),
        (("lineage", request), "REGION_BLOCK"),
        (("diff", request, first["plan"]["requests"][0]), "makes no segmentation"),
        (("export", request, "--format", "parquet", "--to", str(tmp_path / "taken")), ""),
    ):
        code, said = bossflow_says(*words)
        assert code == 0 and told in said, (words, said)
    taken = pq.read_table(tmp_path / "taken" / "agglomerated_segments.parquet").to_pydict()
    assert taken == table(rows(larger), "segments")


@pytest.mark.parametrize("stage", [True, False])
def test_a_block_that_goes_takes_those_along_that_saw_a_plane_of_it(
    merging: Agglomerating, tmp_path: Path, stage: bool
) -> None:
    regions, edges, asked = written(tmp_path, (16, 16, 48), 3 + stage)
    done = merging.make(**asked, stage=stage)
    (request,) = done["plan"]["requests"]
    (row,) = (bossflow.AgglomerateRequest & {"request_id": request}).to_dicts()
    for channel, seen in ((row["channel_id"], 2), (row["edges_x"], 1)):
        where = ("--channel", channel, "--block", "20-21_0-1_0-1")
        code, said = bossflow_says("invalidate", *where, "--yes")
        assert code == 0 and "MERGE_REGIONS" in said, said
        again = made_of(merging.make(**asked, stage=stage))
        assert again["REGION_BLOCK"] == seen and again["PULL_BLOCK"] == int(stage)
        assert again["MERGE_REGIONS"] == 1
    made = merging.make(**asked, stage=stage) | {"verdict": {"missing": None}}
    check(made, regions, edges, ["90", "120.5"])


def test_supervoxels_are_merged_by_the_affinities_that_they_are_of(
    merging: Agglomerating, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel of the affinities that changes where it lies is noticed."""
    flooding = Flooding(tmp_path / "flooded", monkeypatch)
    flooding.directory.mkdir()
    flooding.store = merging.store
    edges = affinities((16, 20, 36), seed=6)
    source = write_channels(tmp_path / "affinities", edges)
    asked = {"low_threshold": 150, "high_threshold": 250, "block_shape": "16,16,16"}
    flooded = flooding.make(source=source, **asked, name="pieces-to-be-merged")
    regions = supervoxels(flooded, (0, 0, 0))
    asked = {"source": "bossflow://pieces-to-be-merged", "affinities": source} | BLOCKS
    done = merging.make(**asked, max_component_rows=5)
    check(done, regions, edges, ["90", "120.5"])
    assert "the database lists the first 5 merges" in done["summary"]
    assert rows(done)["n_merge_rows"] == 5
    more = merging.make(**asked) | {"verdict": {"missing": None}}
    check(more, regions, edges, ["90", "120.5"])
    assert rows(more)["n_merge_rows"] == rows(more)["n_merges"] > 5
    assert table(rows(more), "segments") == table(rows(done), "segments")
    edges[2, 3, 3, 20] ^= 255
    write_channels(tmp_path / "changed", edges)
    (tmp_path / "affinities").rename(tmp_path / "before")
    (tmp_path / "changed").rename(tmp_path / "affinities")
    again = merging.make(**asked)
    check(again, regions, edges, ["90", "120.5"])
    assert made_of(again) == {"REGION_BLOCK": 1, "MERGE_REGIONS": 1}
    code, said = bossflow_says("lineage", again["plan"]["requests"][0])
    assert code == 0 and "BASIN_BLOCK" in said and "REGION_BLOCK" in said, said


def test_regions_that_do_not_touch_are_told(merging: Agglomerating, tmp_path: Path) -> None:
    """And those of which none reaches a threshold; an empty segmentation has none at all."""
    _, edges, asked = written(tmp_path, (16, 16, 16), 8)
    for name, regions, note in (
        ("apart", np.kron([[[5, 0, 7]]], np.ones((16, 16, 4))), "no two regions touch"),
        ("nothing", np.zeros((16, 16, 12)), "no two regions touch"),
        ("far", np.kron([[[5, 7, 9]]], np.ones((16, 16, 4))), "no two regions reach a threshold"),
    ):
        voxels = np.pad(regions, ((0, 0), (0, 0), (0, 4)), mode="edge").astype(np.uint8)
        source = write_precomputed(tmp_path / name, voxels)
        one = asked | {"source": f"precomputed://{source}", "thresholds": "240,255"}
        done = merging.make(**one)
        assert note in done["summary"], done["summary"]
        check(done, voxels, edges, ["240", "255"])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"affinities": None}, "affinities is missing"),
        ({"thresholds": None}, "thresholds is missing"),
        ({"thresholds": "0.5,x"}, "thresholds must be a list of numbers (at least 1"),
        ({"thresholds": "7,7.0"}, "thresholds in the parameters name one twice"),
        ({"thresholds": "300"}, "have 300, which merges nothing, as affinities of uint8 are 0"),
        ({"quantile": 100}, "quantile must be at most 99, not 100"),
        ({"affinities": "SOURCE"}, "affinity_channels 1 is not one of"),
        ({"affinities_y": "SOURCE"}, "affinities_y in the parameters is of one axis"),
        ({"affinities_y": "SOURCE", "affinities_x": "SOURCE"}, "affinities_y and affinities_x in"),
        ({"affinities": "bossflow://nobody"}, "is of one channel, as all that was made here"),
        ({"affinity_channels": "0,1,1"}, "affinity_channels in the parameters name one twice"),
        ({"affinity_channels": "0,1,3"}, "affinity_channels 3 is not one of"),
        ({"affinities": "FLOATS"}, "have dtype float32, and affinities are uint8 or uint16: write"),
        ({"affinities": "SMALL"}, "have voxels 0-16_0-16_0-8, and not all of the cutout"),
        ({"source": "COARSE"}, "have voxels of 4,4,40 nm (x,y,z), and precomputed://"),
    ],
)
def test_what_can_not_be_merged_is_a_sentence(
    merging: Agglomerating, tmp_path: Path, asked: dict[str, Any], sentence: str
) -> None:
    _, _, fine = written(tmp_path, (16, 16, 16), 9)
    floats = np.full((3, 16, 16, 16), 0.5, np.float32)
    coarse = write_precomputed(
        tmp_path / "coarse", np.ones((16, 16, 16), np.uint8), resolution=[8, 8, 40]
    )
    others = {
        "SOURCE": fine["source"],
        "FLOATS": write_affinities(tmp_path / "floats", floats),
        "SMALL": write_affinities(tmp_path / "small", np.ones((3, 8, 16, 16), np.uint8)),
        "COARSE": f"precomputed://{coarse}",
    }
    asked = {name: others.get(one, one) for name, one in asked.items()}
    done = merging.make(**fine | asked)
    said = done["plan"]["problem"]
    assert sentence in said and "\n" not in said
    assert not merging.store.exists()
