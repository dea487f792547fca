"""Functions mapped from Python: futures, and what is refused before a run begins."""

import math
from typing import Any

import bossflow
import numpy as np
import pandas
import pytest
from bossflow.workflows.map.calls import CallFailed
from mapping import Mapping
from mapping import mapping as mapping


def test_futures_are_what_the_database_tells(mapping: Mapping) -> None:
    """Found by whoever has function and rows: each kind of result, and a call that raised."""
    hows = ["", "none", "nan", "array", "file", "long", "raise"]
    rows = [{"x": 3, "how": how} for how in hows]
    mapping.map(*rows)
    knot = bossflow.Knot(f"{mapping.module}:twice", project=mapping.directory)
    with pytest.raises(ValueError, match="was not mapped over these rows: have `map` do it"):
        knot.find(rows[:3])
    futures = knot.find(pandas.DataFrame(rows))
    assert [*bossflow.as_completed(futures, 0)] == [*futures]
    *results, failed = futures
    doubled, none, nan, array, file, long = (one.result(0) for one in results)
    assert (doubled, none, long) == (6, None, ["y" * 5000]) and math.isnan(nan)
    np.testing.assert_array_equal(array, np.arange(6, dtype="u1"), strict=True)
    assert file.name == "receipts.jsonl" and file.read_text() == "xxx"
    with pytest.raises(CallFailed, match=r'^ValueError: no 3 \(called with how="raise", x=3\)$'):
        failed.result(0)
    found = futures.rows()
    assert found["how"].tolist() == hows[:-1] and found["result"].tolist()[0] == 6
    again = knot.map(rows[:2])  # another request, of which all is recorded
    assert [one.result(0) for one in again] == [6, None] and again.calls.run is None
    assert again[0].arguments == rows[0]
    assert [one.result(0) for one in knot.map([rows[1], rows[0], rows[1]])] == [None, 6, None]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"x": 1}, "rows is a dict: give a list with a dict for each call"),
        (5, "rows is 5: give a list of dicts, or a table"),
        ([1], "row 1 is 1: give a dict of arguments by name"),
        ([{"x": 1}, {"y": 1}, {"x": "a"}], "row 2: y is not for twice, .*\nrow 3: x is 'a', but"),
        ([], "rows has no rows: give at least one"),
        ("none.csv", "none.csv can't be read: No such file"),
    ],
)
def test_rows_that_are_none_begin_no_run(mapping: Mapping, rows: Any, said: str) -> None:
    knot = bossflow.Knot(f"{mapping.module}:twice", project=mapping.directory)
    with pytest.raises(ValueError, match=said):
        knot.map(rows)


def test_options_are_words() -> None:
    with pytest.raises(ValueError, match=r"give a list of words, such as \['-profile', 'slurm'\]"):
        bossflow.Knot("a:b", options="-profile slurm")
