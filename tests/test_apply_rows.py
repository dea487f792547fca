"""Workflow apply: rows that a function returns of blocks, as one table."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from applying import Applying
from applying import applying as applying
from functions.results import write
from functions.rows import table_of, united
from kit import locations
from making import noise, write_precomputed
from pipeline import bossflow_says
from voxels.boxes import Box, grid

CORNER = (-7, 13, 21)


def rows_of(applying: Applying, done: dict[str, Any]) -> pa.Table:
    """Return the table of a run's request."""
    url = applying.made(done, "AppliedRows")["applied_rows"]
    return pq.read_table(locations.local(url))


def test_what_a_function_tells_of_blocks_is_one_table(applying: Applying, tmp_path: Path) -> None:
    """Rows of dicts and of data frames, of some blocks none; and what stands for their places."""
    voxels = noise((20, 16, 40), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, CORNER)
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,16,16"}
    done = applying.apply("points", **asked)
    table = rows_of(applying, done)
    assert 0 < table.num_rows == applying.made(done, "AppliedRows")["n_applied_rows"]
    assert table.column_names == ["block", "z", "value"]
    boxes = [Box.parse(name) for name in table["block"].to_pylist()]
    assert boxes == sorted(boxes, key=lambda box: box.corner_zyx) and len({*boxes}) > 2
    counted = 0
    for box in grid(Box.of(CORNER, voxels.shape), (8, 16, 16), CORNER):
        own = voxels[box.slices(CORNER)]
        values = [int(value) for value in own[own > 190]]
        values = values if len(values) % 3 else []
        own_rows = table.filter(pc.field("block") == box.name)
        assert own_rows["value"].to_pylist() == values
        counted += len(values)
    assert counted == table.num_rows
    code, said = bossflow_says(
        "export", done["plan"]["requests"][0], "--format", "parquet", "--to", str(tmp_path / "out")
    )
    assert code == 0, said
    assert pq.read_table(tmp_path / "out" / "applied_rows.parquet").equals(table)


def test_a_function_is_told_where_it_is_and_how_wide_its_halo(
    applying: Applying, tmp_path: Path
) -> None:
    voxels = noise((20, 16, 40), "uint8")
    volume = write_precomputed(tmp_path / "volume", voxels, CORNER)
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,16,16"}
    done = applying.apply("told", **asked, halo="3,5,8")
    found = rows_of(applying, done).to_pylist()
    boxes = [Box.parse(row["block"]) for row in found]
    assert [row["place"] for row in found] == [str([*box.corner_zyx]) for box in boxes]
    assert [row["sum"] for row in found] == [voxels[box.slices(CORNER)].sum() for box in boxes]
    assert {row["size"] for row in found} == {40.0}


def test_numbers_of_other_types_are_united_where_none_changes(
    applying: Applying, tmp_path: Path
) -> None:
    """Blocks have 1, 2.5, and then a whole number that no float is, a text, and nothing."""
    volume = write_precomputed(tmp_path / "volume", noise((8, 8, 80), "uint8"))
    asked = {"source": f"precomputed://{volume}", "chunk_shape": "8,8,8", "block_shape": "8,8,16"}
    done = applying.apply("kinds", **asked, x_range="0,32")
    assert rows_of(applying, done)["x"].to_pylist() == [1.0, 2.5]
    done = applying.apply("kinds", **asked, x_range="0,48")
    assert (
        "column x of block 32-48_0-8_0-8 is no double, as elsewhere" in done["verdict"]["missing"]
    )
    done = applying.apply("kinds", **asked, x_range="32,64")
    assert (
        "rows of block 48-64_0-8_0-8 have other types than those before"
        in done["verdict"]["missing"]
    )
    done = applying.apply("kinds", **asked, x_range="64,80")
    assert rows_of(applying, done)["x"].to_pylist() == [None]
    asked |= {"function": f"{applying.module}:points", "x_range": "0,8", "z_range": "0,1"}
    asked |= {"block_shape": "8,8,8", "y_range": "0,1"}
    (tmp_path / f"{applying.module}.py").write_text("def points(block):\n    return []\n")
    done = applying.run([], **{"stage": False} | asked)
    assert rows_of(applying, done).column_names == ["block"]


def kept(result: Any, directory: Path) -> pa.Table:
    """Return the rows of what a function returned."""
    kind, value = write(result, directory)
    return table_of({"kind": kind, "value": value}, directory)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ({}, "the rows have no column: return None where there are no rows"),
        ([{}, {}], "the rows have no column"),
        (pd.DataFrame(index=range(3)), "the rows have no column"),
        ({"a\0": 1}, r"a column a\\x00, a name that can't be printed: rename it"),
        ({"\ud800": 1}, r"a column \\ud800, a name that can't be printed"),
        (pa.table({"a\n": [1]}), "a name that can't be printed"),
        ({"a": "\ud800"}, "column a has values that are of no one type"),
        ({"block": 1}, "the rows have a column block, which every table gets"),
    ],
)
def test_rows_that_no_table_has_fail_with_a_sentence(
    tmp_path: Path, returned: Any, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        kept(returned, tmp_path)


def test_rows_are_not_numbered_by_the_frame_that_they_were_picked_of(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 4]})
    assert kept(frame[frame.a.isin([1, 2, 4])], tmp_path / "1").to_pylist() == [
        {"a": 1},
        {"a": 2},
        {"a": 4},
    ]
    named = pd.DataFrame({"a": [1]}, index=pd.Index([7], name="cell"))
    assert kept(named, tmp_path / "2").to_pylist() == [{"a": 1, "cell": 7}]
    texts = pd.DataFrame({"a": [1]}, index=["x"])
    assert kept(texts, tmp_path / "3").to_pylist() == [{"a": 1, "__index_level_0__": "x"}]


def test_types_of_tables_without_rows_hold_where_no_block_has_others(tmp_path: Path) -> None:
    """Such as a frame of empty lists, whose columns are floats, where others have texts."""
    none = kept(pd.DataFrame({"a": [], "b": []}), tmp_path / "1").schema
    some = kept([{"c": True, "a": "x"}], tmp_path / "2").schema
    for blocks in ([("1", 0, none), ("2", 1, some)], [("2", 1, some), ("1", 0, none)]):
        types = {field.name: str(field.type) for field in united(blocks)}
        assert types == {"block": "string", "a": "string", "b": "double", "c": "bool"}
    assert united([("1", 0, none)]).types[1:] == [pa.float64()] * 2
