"""What functions are called with: sheets of each kind, types, files, ids of calls."""

import csv
import datetime
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from functions.arguments import call_id, checked, read_rows, values
from functions.identity import Function, Parameter
from functions.sheets import Wrong, of_table
from kit.digests import canonical


def of(**types: str) -> Function:
    """Return a function of these parameters; `=` in front of a type is a default."""
    taken = [Parameter(name, kind.lstrip("="), kind[0] != "=", 0) for name, kind in types.items()]
    return Function("m", "f", {}, {}, "3.11", tuple(taken), "")


ALL = of(n="int", x="float", s="str", b="bool", p="Path", j="json")


def rows(tmp_path: Path, text: str, function: Function, name: str = "rows.csv") -> Any:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return read_rows(path, function)


def told(tmp_path: Path, text: str, function: Function, name: str = "rows.csv") -> list[str]:
    """Return what is wrong with a sheet, whether it is seen in reading or in checking."""
    with pytest.raises(ValueError) as said:
        checked(rows(tmp_path, text, function, name), function, tmp_path)
    return str(said.value).split("\n")


def one(value: Any, kind: str) -> Any:
    """Return an argument as JSON."""
    return checked([{"a": value}], of(a=kind), Path())[0]["a"]


def test_the_same_rows_of_each_kind_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("abc")
    given: dict[str, Any] = {
        "n": 2**63,
        "x": -0.5,
        "s": " ä,b ",
        "b": False,
        "p": "data/a.txt",
        "j": [1, None],
    }
    csv = (
        '\ufeffn, x,s,b,p,j\r\n9223372036854775808,-.5," ä,b ", FALSE,data/a.txt,"[1, null]"\r\n\n'
    )
    found = [rows(tmp_path, csv, ALL), rows(tmp_path, json.dumps(given) + "\n", ALL, "a.jsonl")]
    columns = {name: [value] for name, value in given.items()}
    columns["n"] = pa.array(columns["n"], pa.uint64())
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    found.append(read_rows(tmp_path / "a.parquet", ALL))
    assert found == [[given]] * 3
    arguments = checked(found[0], ALL, tmp_path)[0]
    assert arguments["p"] == {
        **{"path": str(tmp_path / "data/a.txt"), "bytes": 3},
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    }
    assert arguments["n"] == {"$int": "0x8000000000000000"}
    assert values(json.loads(canonical(arguments)), ALL.parameters) == {
        **given,
        "p": tmp_path / "data/a.txt",
    }


def test_what_is_empty_is_not_given(tmp_path: Path) -> None:
    function = of(a="int?", b="=int", c="=str?", d="=json", e="int")
    assert rows(tmp_path, "a,b,c,d,e\n,,,,1\n", function) == [{"a": None, "e": 1}]
    table = pa.Table.from_pylist([{"a": None, "b": None, "c": None, "d": None, "e": 1}])
    pq.write_table(table, tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet", function) == [{"a": None, "e": 1}]
    text = '{"a": null, "c": null, "d": null, "e": 1}'
    assert rows(tmp_path, text, function, "a.ndjson") == [json.loads(text)]
    assert told(tmp_path, "e\n\n7\n", function) == [
        "row 1: a is missing: give it, as it has no default"
    ]
    assert told(tmp_path, '{"e": null, "a": 1}', function, "a.jsonl") == [
        "row 1: e is None, but must be a whole number"
    ]


def test_what_a_data_frame_lacks_is_not_given(tmp_path: Path) -> None:
    """It has NaN there, and whole numbers beside as floats; in memory, and written to Parquet."""
    function = of(n="=int", s="=str?", x="float", j="=json", b="=bool")
    rows = [{"n": 3, "s": "a", "x": 0.5, "j": 2.0, "b": True}, {"x": math.nan}, {"n": 2, "x": 1.0}]
    frame = pd.DataFrame(rows)
    assert str(frame["n"].dtype) == "float64"
    found = checked(of_table(frame.to_dict("records"), function.parameters), function, Path())
    first, second, third = (values(row, function.parameters) for row in found)
    assert first == rows[0] and type(first["n"]) is int and type(first["j"]) is float
    assert math.isnan(second.pop("x")) and math.isnan(second.pop("j")) and second == {}
    assert (third["n"], third["x"]) == (2, 1.0) and "s" not in third
    frame.drop(1).reset_index(drop=True).to_parquet(tmp_path / "a.parquet")
    assert read_rows(tmp_path / "a.parquet", function) == [rows[0], rows[2]]
    for number in (2.5, 2.0**53):
        with pytest.raises(Wrong, match="n is .*, but must be a whole number"):
            checked(of_table([{"n": number, "x": 0.0}], function.parameters), function, Path())


def test_floats_that_json_lacks_are_kept(tmp_path: Path) -> None:
    function = of(a="float", j="json")
    csv = rows(tmp_path, 'a,j\nNaN,1\n-inf,[Infinity]\n-0.0,"{""$int"": 1}"\n1e-400,2', function)
    arguments = json.loads(canonical(checked(csv, function, tmp_path)))
    back = [values(row, function.parameters) for row in arguments]
    assert math.isnan(back[0]["a"]) and back[1] == {"a": -math.inf, "j": [math.inf]}
    assert math.copysign(1, back[2]["a"]) == -1 and back[2]["j"] == {"$int": 1}
    assert back[3]["a"] == 0


def test_values_of_callers_are_taken_as_python_s() -> None:
    assert one(np.int16(3), "int") == 3 and type(one(np.float32(0.5), "float")) is float
    assert one(3, "float") == 3.0 and type(one(3, "float")) is float
    assert one((1, np.bool_(True)), "json") == [1, True]
    assert one(None, "bool?") is None


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (True, "int", "a is True, but must be a whole number"),
        (1, "bool", "a is 1, but must be true or false"),
        (5.0, "int", "a is 5.0, but must be a whole number"),
        ("5", "int", "a is '5', but must be a whole number"),
        (True, "float", "a is True, but must be a number"),
        (2**53 + 1, "float", "which is no float"),
        (10**400, "float", "which is no float"),
        ([{"a": 10**5000}], "json", "has a whole number of more than 4,300 digits"),
        pytest.param(-(10**4300), "int", "has a whole number of more than 4,300 dig", id="huge"),
        (5, "str", "a is 5, but must be a text"),
        (None, "str", "a is None, but must be a text"),
        (5, "Path", "a is 5, but must be a path"),
        ("", "Path", "a names no path"),
        ("no/such", "Path", "/no/such, no file"),
        ("~/such", "Path", "~ is not followed"),
        ("such ", "Path", "/such, no file: blanks at its ends count"),
        ("s3://a/b", "Path", "a is s3://a/b: have the file here, and give its path"),
        ("/", "Path", "a is /, a directory, but must be a file"),
        ("a\0b", "Path", "can't be printed"),
        (b"a", "json", "a has a bytes, which JSON has not"),
        ({1: 2}, "json", "a has a dict with the name 1, of a int: give texts"),
        (datetime.date(2026, 1, 1), "json", "a has a datetime.date, which JSON has not"),
        (np.ones(2), "json", "a has a numpy.ndarray, which JSON has not"),
        (1 + 0j, "float", "a has a complex, which JSON has not"),
        ("a" * 2**21, "str", "has 2,097,160 bytes, and at most 1,048,576 can be: give a file"),
    ],
)
def test_an_argument_of_another_type_is_refused(value: Any, kind: str, words: str) -> None:
    with pytest.raises(Wrong, match="row 1: ") as said:
        one(value, kind)
    assert words in str(said.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.txt", "n\n1", "a.txt must be CSV, JSON Lines or Parquet"),
        ("a.csv", "", "a.csv has no rows"),
        ("a.csv", "n\n\n", "a.csv has no rows"),
        ("a.csv", "n,q\n1,2", "has a column q, which the function does not take: it takes n, x"),
        ("a.csv", "n,n\n1,2", "has the column n twice"),
        ("a.csv", "n,\n1,2", "has a column without a name"),
        ("a.csv", "n,x\n1", "row 1: has 1 cell, but the header 2 cells"),
        ("a.csv", 'n,x\n"1', "line 2 of a.csv is no CSV"),
        ("a.csv", "n\n1.0", "row 1: n is 1.0, but must be a whole number"),
        ("a.csv", "n\n1_0", "row 1: n is 1_0, but"),
        ("a.csv", "n\n\u0663", "row 1: n is \u0663, but"),
        ("a.csv", "x\n1e999", "row 1: x has 1e999, which is larger than any float"),
        ("a.csv", "x\n0x1", "row 1: x is 0x1, but must be a number"),
        ("a.csv", "b\n1", "row 1: b is 1, but must be true or false"),
        ("a.csv", "j\nabc", "row 1: j is no JSON at character 1: Expecting value; a text is"),
        ("a.jsonl", "[1]", "row 1: is no object"),
        ("a.jsonl", '{"n": 1}\n{"n": 1, "n": 2}', "row 2: gives n twice: remove one"),
        ("a.jsonl", '{"x": 1e999}', "row 1: has 1e999, which is larger"),
        (
            "a.csv",
            f"n\n{'1' * 5000}",
            "row 1: n has a whole number of more than 4,300 digits: give",
        ),
        ("a.csv", f"j\n[{'1' * 5000}]", "row 1: j has a whole number of more than 4,300 digits"),
        ("a.jsonl", f'{{"n": -{"1" * 5000}}}', "row 1: has a whole number of more than 4,300"),
        ("a.jsonl", '{"n": 1', "row 1: is no JSON at character 8"),
        ("a.jsonl", '{"q": 1}', "row 1: q is not for f, which takes n, x, s, b, p, j"),
        ("a.jsonl", "[" * 100_000, "row 1: is nested too deeply"),
        ("a.parquet", "no", "a.parquet is no Parquet"),
    ],
)
def test_a_sheet_that_is_wrong_is_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    assert words in told(tmp_path, text, ALL, name)[0]


def test_a_file_that_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"n\n\xff")
    with pytest.raises(ValueError, match=r"a.csv is no UTF-8 from byte 2"):
        read_rows(tmp_path / "a.csv", ALL)
    for name in ("b.csv", "b.parquet"):
        with pytest.raises(ValueError, match=rf"{name} can't be read: No such file"):
            read_rows(tmp_path / name, ALL)


def test_what_parquet_has_beyond_json_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"j": [datetime.datetime(2026, 1, 1)]}), tmp_path / "a.parquet")
    with pytest.raises(Wrong, match="row 1: j has a datetime.datetime"):
        checked(read_rows(tmp_path / "a.parquet", ALL), of(j="json"), tmp_path)


def test_a_long_cell_is_an_argument_of_any_kind_of_sheet(tmp_path: Path) -> None:
    limit, long = csv.field_size_limit(), "x" * 200_000
    assert rows(tmp_path, f"s\n{long}\n", of(s="str")) == [{"s": long}]
    assert csv.field_size_limit() == limit


def test_all_that_is_wrong_is_told_and_rows_may_be_there_twice(tmp_path: Path) -> None:
    text = "n,x\n1,a\n2,2\nb,3\n"
    assert [line.split(":")[0] for line in told(tmp_path, text, ALL)] == ["row 1", "row 3"]
    (tmp_path / "a.csv").write_text("n\n1\n1\n")
    assert read_rows(tmp_path / "a.csv", ALL) == [{"n": 1}] * 2


def test_a_call_is_known_by_content_and_name(tmp_path: Path) -> None:
    function = of(p="Path", j="=json")

    def call(name: str, text: str, **more: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        (found,) = checked([{"p": path, **more}], function, tmp_path)
        return call_id("ab", found)

    first = call("a/x.txt", "1")
    assert first == call("b/x.txt", "1") and len(first) == 16
    others = [call("a/y.txt", "1"), call("a/x.txt", "2"), call("b/x.txt", "1", j=None)]
    others += [call("b/x.txt", "1", j=one) for one in (1, 1.0, True, "1", [], {})]
    assert len({first, *others}) == 10
    assert call_id("ac", {"p": None}) != call_id("ab", {"p": None})


def test_json_that_looks_like_a_file_is_none(tmp_path: Path) -> None:
    looks = {"path": "/etc/a", "sha256": "0", "bytes": 1}
    (given,) = checked([{"j": looks}], of(j="json"), tmp_path)
    assert values(given, of(j="json").parameters) == {"j": looks}
    (other,) = checked([{"j": looks | {"path": "/home/a"}}], of(j="json"), tmp_path)
    assert call_id("ab", given) != call_id("ab", other)
