"""What functions return: kept, and read again exactly, or refused."""

import enum
import json
import math
import warnings
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import examples
from functions.results import read, write
from functions.rows import table_of
from functions.spelling import spelled, unspelled
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.digests import canonical


def again(result: Any, directory: Path) -> tuple[str, Any]:
    """Return a result's kind, and the result as it is read when its JSON was kept as text."""
    kind, value = write(result, directory / "kept")
    return kind, read(kind, json.loads(canonical(value)), directory / "kept")


def same(one: Any, other: Any) -> bool:
    """Say whether values are of the same types and equal; NaN is, and -0.0 is not 0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return repr(one) == repr(other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


texts = st.one_of(
    st.text(), st.text(st.characters()), st.sampled_from(["$float", "$", "\0", "\ud83d\ude00"])
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inside: st.lists(inside) | st.dictionaries(texts, inside),
    max_leaves=20,
)


@settings(max_examples=examples(1000))
@given(anything)
def test_any_json_value_is_the_same_again(value: Any) -> None:
    text = canonical(spelled(value))
    assert "\\u0000" not in text and text.encode()
    assert same(unspelled(json.loads(text)), value)


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 0, 2**64, -(2**63), -(2**63) - 1, 10**5000, "", "\udcff", "\ud83d\ude00"),
        *(math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, [], {}, [[]]),
        *({"$float": "nan"}, {"$dict": []}, {"a": {"$int": "0x1", "b": None}}, {"\0": "\\"}),
        {"path": "a", "sha256": "b", "bytes": 1},
    ],
    ids=lambda value: hex(value)[:20] if type(value) is int else None,
)
def test_these_too(tmp_path: Path, value: Any) -> None:
    kind, back = again(value, tmp_path)
    assert kind == "json" and same(back, value)
    assert not [*tmp_path.iterdir()]


def test_what_others_change_is_spelled() -> None:
    """Databases have a zero without a sign, and numbers of 64 bits."""
    given = [-0.0, 0.0, 2**63, 2**63 - 1, {"$a": "\0"}]
    there = [{"$float": "-0.0"}, 0.0, {"$int": "0x8000000000000000"}, 2**63 - 1]
    assert spelled(given) == [*there, {"$dict": [["$a", {"$str": "\\x00"}]]}]


def test_tuples_are_lists_and_scalars_of_numpy_python_s(tmp_path: Path) -> None:
    value = ((1,), np.uint8(2), np.float32(0.1), np.bool_(False), np.str_("a"), np.int64(-1))
    expected = [[1], 2, 0.10000000149011612, False, "a", -1]
    assert same(again(value, tmp_path)[1], expected)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3.5),
        np.zeros((0, 3), np.float16),
        np.array(["2026-11-30", "NaT"], "datetime64[ns]"),
        np.array(["é", ""]),
        np.array([b"a\0b"]),
        np.array([1 + 2j, math.nan]),
        np.array([(1, 2.5)], [("a", "<i4"), ("b", ">f8")]),
        np.arange(4, dtype=">u2")[::-2],
        np.array([True]),
    ],
    ids=lambda array: f"{array.dtype.str} {array.shape}",
)
def test_arrays_are_the_same_again(tmp_path: Path, array: np.ndarray[Any, Any]) -> None:
    kind, back = again(array, tmp_path)
    assert kind == "numpy" and back.dtype == array.dtype and back.shape == array.shape
    assert back.tobytes() == array.tobytes()
    if array.flags.c_contiguous or array.flags.f_contiguous:
        assert back.flags.f_contiguous == array.flags.f_contiguous


def test_an_array_in_a_file_is_an_array(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "a", np.uint8, "w+", shape=(2, 2))
    kind, back = again(mapped, tmp_path)
    assert kind == "numpy" and type(back) is np.ndarray and not back.any()


@pytest.mark.parametrize("rows", [0, 2])
def test_tables_are_the_same_again(tmp_path: Path, rows: int) -> None:
    columns = {
        "a": pa.array([1, None], pa.uint64()),
        "b": pa.array([math.nan, -0.0]),
        "c": pa.array([[1], None]),
        "d": pa.array([1, 2], pa.timestamp("ns", "UTC")),
        "e": pa.array(["x", "y"]).dictionary_encode(),
    }
    table = pa.table(columns).slice(0, rows).replace_schema_metadata({"k": "v"})
    kind, value = write(table, tmp_path / "kept")
    back = read(kind, value, tmp_path / "kept")
    assert kind == "arrow" and value["rows"] == rows and value["columns"]["a"] == "uint64"
    assert back.schema.equals(table.schema, check_metadata=True)
    assert repr(back.to_pylist()) == repr(table.to_pylist())


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["x", None, "y"], dtype="category").cat.add_categories("unused"),
        pd.Series([7, 5, None], dtype="category").cat.as_ordered(),
        pd.to_datetime(pd.Series(["2026-12-01", None])).dt.as_unit("s"),
        pa.array([1, None], pa.time32("s")),
        pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
        pa.array([{}], pa.struct([])),
    ],
    ids=lambda column: str(column.type if isinstance(column, pa.Array) else column.dtype),
)
def test_tables_of_types_that_parquet_changes_are_the_same_again(
    tmp_path: Path, column: Any
) -> None:
    frame = pd.DataFrame({"a": column}) if isinstance(column, pd.Series) else None
    table = pa.table({"a": column}) if frame is None else pa.Table.from_pandas(frame)
    kind, back = again(table if frame is None else frame, tmp_path)
    assert kind == "arrow" and back.equals(table, check_metadata=True)
    if frame is not None:
        pd.testing.assert_frame_equal(back.to_pandas(), frame)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["result.arrow"]


def test_rows_of_blocks_have_what_categories_stand_for(tmp_path: Path) -> None:
    """Those of another block may be others; types that Parquet lacks are refused by column."""
    frame = pd.DataFrame({"a": pd.Categorical([7, 5]), "b": pd.Categorical(["x", None])})
    kind, value = write(frame, tmp_path / "made")
    rows = table_of({"kind": kind, "value": value}, tmp_path / "made")
    assert rows.to_pylist() == [{"a": 7, "b": "x"}, {"a": 5, "b": None}]
    pq.write_table(rows, tmp_path / "kept.parquet")
    assert pq.read_schema(tmp_path / "kept.parquet").equals(rows.schema)
    kind, value = write(pa.table({"a": pa.array([1], pa.time32("s"))}), tmp_path / "other")
    with pytest.raises(ValueError, match=r"column a is of time32\[s\], which Parquet has not"):
        table_of({"kind": kind, "value": value}, tmp_path / "other")


def test_a_data_frame_is_a_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=pd.Index([5, 7], name="i"))
    kind, back = again(frame, tmp_path)
    assert kind == "arrow" and isinstance(back, pa.Table)
    pd.testing.assert_frame_equal(back.to_pandas(), frame)


def test_files_are_kept_under_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    one, other = Path("one.txt"), tmp_path / "a/ö 2.txt"
    one.write_text("1")
    other.write_text("2")
    kept = tmp_path / "kept/files"
    for result, expected in (
        (one, kept / one),
        ([one, other, one], [kept / one, kept / "ö 2.txt", kept / one]),
        ({"$x": (other,), "y": {"one": one}}, {"$x": [kept / "ö 2.txt"], "y": {"one": kept / one}}),
        ({"fa": other, "mean": np.float64(0.5), "$file": "one.txt"}, None),
    ):
        kind, back = again(result, tmp_path)
        expected = expected or {"fa": kept / "ö 2.txt", "mean": 0.5, "$file": "one.txt"}
        assert kind == "files" and back == expected
    one.write_text("changed")
    assert ((kept / one).read_text(), (kept / "ö 2.txt").read_text()) == ("1", "2")


class Colour(enum.IntEnum):
    RED = 1


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (b"a", "the result has a bytes, which JSON has not: return JSON values, an array"),
        ({1, 2}, "has a set"),
        ([np.ones(2)], "has a numpy.ndarray"),
        (PurePosixPath("a"), "PurePosixPath, which JSON has not"),
        ({1: 2}, "has a dict with the name 1, of a int: give texts"),
        (1j, "has a complex"),
        (np.datetime64("2026"), "has a numpy.datetime64"),
        (np.longdouble(1), "has a numpy.longdouble"),
        (pd.NA, "has a pandas"),
        (pd.Series([1]), "has a pandas"),
        (Colour.RED, "of an enumeration: take its value"),
        (LOOP, "is nested more than 100 deep, or holds itself"),
        (nested(101), "is nested more than 100 deep"),
        (np.array([None]), "an array of objects"),
        (np.array([(1, None)], [("a", "i4"), ("b", "O")]), "an array of objects"),
        (np.ma.masked_array([1], [True]), "MaskedArray, which has more than an array"),
        (np.rec.array([(1,)], [("a", "i4")]), "has more than an array"),
        (pd.DataFrame({"a": [1, "x"]}, dtype=object), "a data frame that Arrow can't hold"),
    ],
)
def test_what_would_not_be_the_same_is_refused(tmp_path: Path, result: Any, words: str) -> None:
    with pytest.raises(TypeError) as said, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(result, tmp_path)
    assert words in str(said.value)
    assert not [*tmp_path.rglob("*")]


def test_files_that_are_not_there_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(folder)
    for result, words in [
        (tmp_path / "none", "which is no file"),
        ([tmp_path / "a"], "which is a directory"),
        ([tmp_path / "a/x.txt", tmp_path / "b/x.txt"], "two files x.txt"),
    ]:
        with pytest.raises(ValueError, match=words):
            write(result, tmp_path / "kept")
    with pytest.raises(ValueError, match="no kind of results pickle"):
        read("pickle", None, tmp_path)
    assert not (tmp_path / "kept").exists()
