"""Bulk inserts on a real database: every value comes back as it was, to the last bit.

The same file runs on MySQL from test_mysql.py.
"""

import math
import struct
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import watched
from bossflow import database
from bossflow.database import insert, insert_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)
FLOAT64 = st.floats(allow_nan=False, allow_infinity=False)
# PostgreSQL's text has no NUL, and neither backend lone surrogates
TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=20)
AWKWARD = st.text("'\"\\%,\n\r\t\b\x1a.;(){}:N a\u00e9\U0001f9e0", max_size=20)
HARD = [
    "",
    "NULL",
    "\\N",
    "\\.",
    "\n\\.\n",
    "%s",
    "%(x)s",
    "%%",
    "'",
    "''",
    '"',
    "\\'",
    " x ",
    "\r\n",
]

PLAIN = {
    "number": (pa.int64(), INT64),
    "segment": (pa.uint64(), st.none() | UINT64),
    "length": (pa.float64(), FLOAT64),
    "weight": (pa.float64(), st.none() | FLOAT64),
    "word": (pa.string(), TEXT | AWKWARD | st.sampled_from(HARD)),
    "note": (pa.string(), st.none() | TEXT | AWKWARD | st.sampled_from(HARD)),
    "flag": (pa.bool_(), st.booleans()),
}
SAVED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture(scope="module")
def tables(home: Path) -> Iterator[dict[str, Any]]:
    """Return tables of plain columns, and of columns that need DataJoint's own insert."""
    import datajoint as dj

    schema = dj.Schema(f"{database.schema_name()}_insert", connection=database.connection())

    @schema
    class Plain(dj.Manual):
        definition = """
        owner        : char(16)
        row          : int64
        ---
        number       : int64
        segment=null : decimal(20,0)
        length       : float64
        weight=null  : float64
        word         : varchar(80)
        note=null    : varchar(80)
        flag         : bool
        """

    @schema
    class Rich(dj.Manual):
        definition = """
        owner        : char(16)
        row          : int32
        ---
        made         : datetime
        about=null   : json
        single       : float64
        """

    yield {"plain": Plain(), "rich": Rich()}
    schema.drop(prompt=False)


def write(path: Path, rows: list[dict[str, Any]], kinds: dict[str, pa.DataType]) -> Path:
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()}
    pq.write_table(pa.table({"row": pa.array(range(len(rows)), pa.int64())} | columns), path)
    return path


def bits(number: float | None) -> bytes | None:
    return None if number is None else struct.pack("<d", number)


def stored(table: Any, owner: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (table & {"owner": owner}).to_dicts(order_by="row")
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=SAVED)
@given(
    rows=st.lists(st.fixed_dictionaries({name: s for name, (_, s) in PLAIN.items()}), max_size=30),
    packet=st.sampled_from([1, 300, 2**22]),
)
def test_every_value_comes_back_exactly(
    tables: dict[str, Any], tmp_path: Path, rows: list[dict[str, Any]], packet: int
) -> None:
    table, key = tables["plain"], {"owner": "o'\\%s\"" + "x" * 10}
    file = write(tmp_path / "a.parquet", rows, {name: kind for name, (kind, _) in PLAIN.items()})
    table.delete_quick()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(insert_parquet, "STATEMENT_BYTES", packet)
        assert insert_parquet.insert_parquet(table, key, [file]) == len(rows)
    found = table.to_dicts(order_by="row")
    assert [back["owner"] for back in found] == [key["owner"]] * len(rows)
    for row, back in zip(rows, found, strict=True):
        assert back["segment"] == (None if row["segment"] is None else Decimal(row["segment"]))
        for name in ("length", "weight"):
            # MySQL has no negative zero
            same = bits(back[name]) == bits(row[name])
            assert same or back[name] == row[name] == 0, (row[name], back[name])
        for name in ("number", "word", "note"):
            assert back[name] == row[name], name
        assert bool(back["flag"]) == row["flag"]


def test_the_extremes_come_back(tables: dict[str, Any], tmp_path: Path) -> None:
    floats = [5e-324, 1.7976931348623157e308, -2.2250738585072014e-308, 0.1, 1 / 3, 1e22, 1e23]
    floats += [math.nextafter(1, 2), math.nextafter(2**53, 0), 123456789012345680.0, 1e-5]
    base = {"number": 2**63 - 1, "segment": 2**64 - 1, "word": "", "note": None, "flag": False}
    rows = [base | {"length": x, "weight": -x} for x in floats] + [
        base | {"number": -(2**63), "segment": 2**63, "length": 0.0, "weight": None}
    ]
    file = write(tmp_path / "a.parquet", rows, {name: kind for name, (kind, _) in PLAIN.items()})
    insert_parquet.insert_parquet(tables["plain"], {"owner": "extremes"}, [file])
    found = stored(tables["plain"], "extremes")
    assert [bits(row["length"]) for row in found] == [bits(row["length"]) for row in rows]
    assert [row["number"] for row in found] == [row["number"] for row in rows]
    assert [int(row["segment"]) for row in found] == [row["segment"] for row in rows]
    assert {(row["word"], row["note"]) for row in found} == {("", None)}


def test_only_the_first_rows_of_all_files(tables: dict[str, Any], tmp_path: Path) -> None:
    kinds = {name: kind for name, (kind, _) in PLAIN.items()}
    row = {"segment": None, "length": 1.0, "weight": None, "word": "w", "note": None, "flag": True}
    files = []
    for start in (0, 4, 8):
        rows = [row | {"number": number} for number in range(start, start + 4)]
        path = write(tmp_path / f"{start}.parquet", rows, kinds)
        table = pq.read_table(path)
        numbers = pa.array(range(start, start + 4), pa.int64())
        pq.write_table(table.set_column(0, "row", numbers), path)
        files.append(path)
    for limit, expected in ((0, 0), (3, 3), (4, 4), (9, 9), (12, 12), (99, 12), (None, 12)):
        owner = {"owner": f"limit {limit}"}
        assert insert_parquet.insert_parquet(tables["plain"], owner, files, limit) == expected
        numbers = [row["number"] for row in stored(tables["plain"], owner["owner"])]
        assert numbers == list(range(expected))


def test_other_types_go_through_datajoint(tables: dict[str, Any], tmp_path: Path) -> None:
    """A single-precision number is widened, a struct is JSON, a time is a time."""
    single = struct.unpack("<f", struct.pack("<f", 0.1))[0]
    rows = [
        {"made": datetime(2026, 1, 2, 3, 4, 5), "about": {"a": [1, 2], "b": "x'%s"}, "single": 0.1},
        {"made": datetime(1999, 12, 31), "about": None, "single": -2.5},
    ]
    about = pa.struct({"a": pa.list_(pa.int64()), "b": pa.string()})
    kinds = {"made": pa.timestamp("us"), "about": about, "single": pa.float32()}
    file = write(tmp_path / "a.parquet", rows, kinds)
    assert insert_parquet.insert_parquet(tables["rich"], {"owner": "rich"}, [file]) == 2
    found = stored(tables["rich"], "rich")
    assert [row["single"] for row in found] == [single, -2.5]
    assert [row["made"] for row in found] == [row["made"] for row in rows]
    assert [row["about"] for row in found] == [row["about"] for row in rows]


def test_a_transaction_takes_all_or_nothing(tables: dict[str, Any], tmp_path: Path) -> None:
    kinds = {name: kind for name, (kind, _) in PLAIN.items()}
    row = {"number": 1, "segment": 1, "length": 1.0, "weight": 1.0, "word": "", "flag": True}
    good = write(tmp_path / "a.parquet", [row | {"note": None}], kinds)
    wrong = write(tmp_path / "b.parquet", [row | {"note": "x" * 81}], kinds)
    conn = tables["plain"].connection
    with pytest.raises(Exception, match="too long"), conn.transaction:
        insert_parquet.insert_parquet(tables["plain"], {"owner": "half"}, [good])
        insert_parquet.insert_parquet(tables["plain"], {"owner": "other half"}, [wrong])
    assert not stored(tables["plain"], "half")
    insert_parquet.insert_parquet(tables["plain"], {"owner": "half"}, [good])  # it lives
    with pytest.raises(Exception, match="(?i)duplicate"):
        insert_parquet.insert_parquet(tables["plain"], {"owner": "half"}, [good])


def test_rows_that_are_there_stay(tables: dict[str, Any]) -> None:
    table = tables["plain"]
    row = {"number": 1, "segment": 2**64 - 1, "length": 0.1, "word": "it's 100%", "flag": True}
    rows = [{"owner": "absent", "row": number} | row for number in range(4500)]
    insert.insert_absent(table, [])
    insert.insert_absent(table, rows[:10])
    insert.insert_absent(table, [one | {"word": "other"} for one in rows])
    found = stored(table, "absent")
    assert [one["row"] for one in found] == list(range(4500))
    assert [one["word"] for one in found] == ["it's 100%"] * 10 + ["other"] * 4490
    assert {one["segment"] for one in found} == {Decimal(2**64 - 1)}


def test_no_statement_grows_with_what_rows_hold(
    tables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.limits, "PACKET_BYTES", 2**13)
    long = "'\"\\%\n\r\u20ac\U0001f9e0" * 10
    row = {"number": 1, "length": 0.1, "word": long, "note": long, "flag": True}
    about = {"made": datetime(2026, 1, 2), "about": {"a": [long, long]}, "single": 0.5}
    plain, rich = ([one | {"owner": "long", "row": n} for n in range(90)] for one in (row, about))
    with watched.noting() as noted:
        insert.insert_absent(tables["plain"], plain)
        insert.insert_all(tables["rich"], rich)
    assert [one["note"] for one in stored(tables["plain"], "long")] == [long] * 90
    assert [one["about"] for one in stored(tables["rich"], "long")] == [about["about"]] * 90
    lengths = [event["length"] for event in noted if event.get("sql") == "INSERT"]
    assert len(lengths) < 90 and max(lengths) < 2**13
