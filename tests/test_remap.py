"""Workflow remap: segmentations on disk rewritten by tables, against their definition."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from kit import bundles, locations
from making import write_precomputed
from measuring import segments_of
from pipeline import bossflow_says
from remapping import Remapping, by_definition, level_of, write_table
from voxels.archives import Refused
from voxels.archives.mapped import with_table

WIDEST = 2**64 - 1


@pytest.fixture
def remapping(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remapping:
    return Remapping(tmp_path, monkeypatch)


def segmentation(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Return voxels of the ids 0 to 40, and of the largest that the type has, in runs."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, 41, shape).astype(dtype).repeat(3, 2)[:, :, : shape[2]]
    ids[random.random(shape) < 0.1] = np.iinfo(dtype).max
    return ids


def merges(voxels: np.ndarray, seed: int) -> dict[int, int]:
    """Return a table of all ids but 0, where several become one."""
    ids = np.unique(voxels[voxels > 0]).tolist()
    targets = np.random.default_rng(seed).integers(1, 20, len(ids)).tolist()
    return dict(zip(ids, [*targets[:-1], WIDEST], strict=True))


CASES = [
    ("uint8", "16,16,16", False, (0, 0, 0), ".csv", {}),
    ("uint16", "8,20,12", True, (-7, 13, 21), ".parquet", {"volume_format": "zarr"}),
    ("uint32", "7,16,32", False, (5, -3, 2), ".csv", {"encoding": "raw"}),
    ("uint64", "64,64,64", True, (1, 1, 1), ".parquet", {}),
]


@pytest.mark.parametrize(("dtype", "block_shape", "stage", "corner", "suffix", "how"), CASES)
def test_ids_are_those_of_the_whole(
    remapping: Remapping,
    tmp_path: Path,
    dtype: str,
    block_shape: str,
    stage: bool,
    corner: Any,
    suffix: str,
    how: dict[str, str],
) -> None:
    voxels = segmentation((18, 30, 26), dtype, len(block_shape))
    source = write_precomputed(tmp_path / "ids", voxels, corner, kind="segmentation")
    mapping = merges(voxels, 3)
    asked: dict[str, Any] = {"source": f"precomputed://{source}", "stage": stage}
    asked |= {"table": write_table(tmp_path / f"merges{suffix}", mapping)}
    asked |= {"block_shape": block_shape, **how}
    done = remapping.make(**asked)
    wanted = by_definition(voxels, mapping)
    start = (0, 0, 0) if how.get("volume_format") == "zarr" else corner
    found = level_of(done, start)
    np.testing.assert_array_equal(found[tuple(map(slice, wanted.shape))], wanted)
    assert found.dtype == np.uint64
    (request,) = done["plan"]["requests"]
    check_segments(request, voxels, wanted, corner)
    assert remapping.make(**asked)["plan"]["tasks"] == []


def check_segments(request: str, before: np.ndarray, after: np.ndarray, corner: Any) -> None:
    """Compare the table of a request's segments with the whole array."""
    from bossflow import RemappedSegments

    row = (RemappedSegments & {"request_id": request}).fetch1()
    wanted = segments_of(after, None, corner)
    counts = len(np.unique(before[before > 0])), len(wanted)
    assert (row["n_source_segments"], row["n_new_segments"]) == counts
    rows = pq.read_table(locations.local(row["remapped_segments"])).to_pylist()
    assert [one["segment_id"] for one in rows] == sorted(wanted)
    for one in rows:
        told = wanted[one["segment_id"]]
        assert one["segment_voxel_count"] == told["n"]
        for axis, name in enumerate("zyx"):
            assert (one[f"segment_{name}0"], one[f"segment_{name}1"]) == told["box"][axis]
            assert one[f"segment_centroid_{name}"] == pytest.approx(told["centroid"][axis])


def test_what_has_no_row_is_refused_or_kept(remapping: Remapping, tmp_path: Path) -> None:
    """And 0 is 0, unless the table has a row for it."""
    voxels = np.zeros((6, 8, 10), np.uint16)
    voxels[2, 3, 4:] = 7
    voxels[4:] = 500
    source = write_precomputed(tmp_path / "ids", voxels, (10, 20, 30), kind="segmentation")
    asked = {"source": f"precomputed://{source}", "table": str(tmp_path / "table.csv")}
    write_table(Path(asked["table"]), {500: 3, 9: 1})
    failed = remapping.make(**asked)
    said = "".join(path.read_text() for path in failed["receipts"])
    assert "the table has no row for id 7, such as of voxel x 34, y 23, z 12:" in said
    kept = remapping.make(**asked, missing="keep")
    corner = (10, 20, 30)
    np.testing.assert_array_equal(level_of(kept, corner), by_definition(voxels, {500: 3}))
    write_table(Path(asked["table"]), {500: 0, 7: 7, 0: 12})
    mapping = {500: 0, 7: 7, 0: 12}
    done = remapping.make(**asked)
    np.testing.assert_array_equal(level_of(done, corner), by_definition(voxels, mapping))
    check_segments(done["plan"]["requests"][0], voxels, by_definition(voxels, mapping), corner)


WRONG = [
    ("ids.txt", "from,to\n1,2\n", "ends in neither .csv nor .parquet"),
    ("a.csv", "from,to\n1,2\n1,3\n", "says that id 1 becomes 2 and 3: leave one of them"),
    ("b.csv", "from,to\n1,2\n-1,3\n", "has from -1, and ids are whole numbers from 0"),
    ("c.csv", "to,from\n1,2\n1.5,3\n", "has to 1.5, and ids are whole numbers"),
    ("d.csv", "from,to\n1,18446744073709551616\n", "has to 18446744073709551616, and ids are"),
    ("e.csv", "from,to\n,3\n", "has from nothing, and ids are whole numbers"),
    ("f.csv", "from,to\nnan,3\n", "has from nan, and ids are whole numbers"),
    ("g.csv", "from,to\n", "has no rows: it must say of at least one id"),
    ("h.csv", "", "has no column from, but none: give from_column and to_column"),
    ("i.csv", "id,becomes\n1,2\n", "has no column from, but id, becomes: give from_column"),
    ("j.csv", "from,to,from\n1,2,3\n", "has 2 columns from, but from, to, from"),
    ("k.csv", "from,to\n1\n", "can't be read: CSV parse error: Row #2: Expected 2 columns"),
    ("l.csv", b"from,to\n\xff,2\n", "is not text in UTF-8"),
    ("m.parquet", "from,to\n", "can't be read: Parquet"),
    ("n.parquet", {"from": [1.0], "to": [2]}, "has column from of type double"),
    ("o.parquet", {"from": [1, None], "to": [2, 2]}, "has an empty from: each row must have an id"),
    ("p.parquet", {"from": [1, 2], "to": [2, -9]}, "has to -9, and ids are whole numbers"),
    ("q.parquet", {"from": [Decimal(2**64)], "to": [1]}, "has from 18446744073709551616, and"),
]


@pytest.mark.parametrize(("name", "content", "said"), WRONG)
def test_bad_tables_are_one_sentence(tmp_path: Path, name: str, content: Any, said: str) -> None:
    path = tmp_path / name
    if isinstance(content, dict):
        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    row = {"table": str(path), "where": "the parameters", "threshold": None}
    row |= {"from_column": None, "to_column": None}
    with pytest.raises(Refused) as refused:
        with_table(row, {})
    told = str(refused.value)
    assert told.startswith("table ") and said in told and told.endswith("(in the parameters)")
    assert "\n" not in told


def test_what_a_table_says_names_the_request(remapping: Remapping, tmp_path: Path) -> None:
    """Whatever file, order, columns beside and rows that say the same twice."""
    voxels = np.arange(4, dtype=np.uint8).repeat(64).reshape(4, 8, 8)
    source = write_precomputed(tmp_path / "ids", voxels, kind="segmentation")
    (tmp_path / "one.csv").write_text("from,to\n3,1\n1,9\n2,9\n")
    rows = {"note": ["a", "b", "c", "b"], "old": [1, 2, 3, 2], "new": [9, 9, 1, 9]}
    pq.write_table(pa.table(rows), tmp_path / "two.parquet")
    asked: dict[str, Any] = {"source": f"precomputed://{source}", "stage": False}
    first = remapping.make(**asked, table=str(tmp_path / "one.csv"))
    columns = {"from_column": "old", "to_column": "new"}
    same, _ = remapping.plan(**asked, table=str(tmp_path / "two.parquet"), **columns)
    assert same["requests"] == first["plan"]["requests"] and same["tasks"] == []
    (tmp_path / "one.csv").write_text("from,to\n3,1\n1,9\n2,8\n")
    other, _ = remapping.plan(**asked, table=str(tmp_path / "one.csv"))
    assert other["requests"] != first["plan"]["requests"]


def test_parameters_that_can_not_be(remapping: Remapping, tmp_path: Path) -> None:
    volume = write_precomputed(tmp_path / "ids", np.zeros((4, 4, 4), np.float32))
    table = write_table(tmp_path / "table.csv", {1: 2})
    for params, said in (
        ({"table": "s3://lab/table.csv"}, "is no file here: give the path of one"),
        ({"table": table, "threshold": "0.5"}, "threshold is for a table that was made here"),
        ({"table": "bossflow://a", "to_column": "x"}, "to_column is for a file"),
        ({"table": table}, "has dtype float32, and a table is of segment ids"),
        ({"table": f"{table}.gz"}, "is not there"),
    ):
        plan, _ = remapping.plan(source=f"precomputed://{volume}", stage=False, **params)
        assert said in (plan["problem"] or ""), (params, plan["problem"])


def test_a_larger_cutout_takes_what_is_there_of_its_source(
    remapping: Remapping, tmp_path: Path
) -> None:
    """A remap of a remap whose cutout has grown; and what `verify --deep` makes again."""
    voxels = segmentation((32, 16, 16), "uint16", 5)
    source = write_precomputed(tmp_path / "ids", voxels, kind="segmentation")
    table = write_table(tmp_path / "table.csv", merges(voxels, 1))
    asked = {"block_shape": "16,16,16", "table": table, "missing": "keep"}
    own = {"source": f"precomputed://{source}"}
    (small,) = remapping.make(**asked, **own, z_range=[0, 16])["plan"]["requests"]
    of_small = remapping.make(**asked, source=f"bossflow://{small}")
    (large,) = remapping.make(**asked, **own)["plan"]["requests"]
    done = remapping.make(**asked, source=f"bossflow://{large}")
    mapping = merges(voxels, 1)
    wanted = by_definition(by_definition(voxels, mapping), mapping)
    np.testing.assert_array_equal(level_of(done, (0, 0, 0)), wanted)
    assert blocks_taken(done) == {"0-16_0-16_0-16": True, "0-16_0-16_16-32": False}
    (request,) = of_small["plan"]["requests"]
    code, said = bossflow_says("lineage", request, "--json")
    told = json.loads(said)
    processes = {one["process"] for one in told["executions"].values()}
    assert code == 0 and processes == {"READ_TABLE", "REMAP_BLOCK", "SUM_REMAPPED"}
    (tmp_path / "table.csv").unlink()
    code, said = bossflow_says("verify", "--deep", "--request", request, "--json")
    told = json.JSONDecoder().raw_decode(said)[0]
    assert (code, told["differ"], told["passed_over"]) == (0, [], {}), told
    assert told["same"] == 3


def blocks_taken(run: dict[str, Any]) -> dict[str, bool]:
    """Return by block whether it was taken from an earlier request."""
    lines = [json.loads(line) for path in run["receipts"] for line in path.read_text().splitlines()]
    made = [
        bundles.read(locations.local(line["url"]))
        for line in lines
        if line["process"] == "REMAP_BLOCK"
    ]
    return {one.key["block"]: "taken_from" in one.manifest for one in made}


def test_what_is_made_of_a_block_goes_with_it(remapping: Remapping, tmp_path: Path) -> None:
    from bossflow import RemappedBlock, RemappedSegments

    voxels = segmentation((16, 16, 32), "uint32", 6)
    source = write_precomputed(tmp_path / "ids", voxels, kind="segmentation")
    asked = {"source": f"precomputed://{source}", "block_shape": "16,16,16", "stage": True}
    asked |= {"table": write_table(tmp_path / "table.csv", merges(voxels, 1))}
    done = remapping.make(**asked)
    key = {"request_id": done["plan"]["requests"][0]}
    (channel,) = {row["channel_id"] for row in (RemappedBlock & key).to_dicts()}
    arguments = ("--block", "16-32_0-16_0-16", "--channel", channel, "--yes")
    assert bossflow_says("invalidate", *arguments)[0] == 0
    assert len(RemappedBlock & key) == 1 and len(RemappedSegments & key) == 0
    again = remapping.make(**asked)
    assert again["verdict"] == {"missing": None}, again["summary"]
    counts = Counter(task["process"] for task in again["plan"]["tasks"])
    assert counts == {"PULL_BLOCK": 1, "REMAP_BLOCK": 1, "SUM_REMAPPED": 1}
    np.testing.assert_array_equal(
        level_of(again, (0, 0, 0)), by_definition(voxels, merges(voxels, 1))
    )
