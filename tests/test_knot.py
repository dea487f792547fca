"""Functions mapped from Python: futures, and what is refused before a run begins."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pandas
import psutil
import pytest
from bossflow.upkeep.begun import Begun
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
    futures = knot.find(pandas.DataFrame(rows).assign(file=math.nan))  # missing: not given
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
    (lost,) = futures.failures().to_dict("records")
    assert (lost["x"], lost["how"], str(lost["exception"])) == (3, "raise", str(failed.exception()))
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


def test_what_old_runs_left_goes_and_what_goes_on_stays(tmp_path: Path) -> None:
    """Of each request the last run keeps its log for a month; all keep what they were asked for."""

    def run(place: str, name: str, days: float, process: psutil.Process | None = None) -> Path:
        directory = tmp_path / place / name
        (directory / "work" / "task").mkdir(parents=True)
        (directory / "sources").mkdir()
        about = {"pid": process.pid if process else 2**22 + 1, "since": "2026-01-01T00:00:00"}
        about["created"] = process.create_time() if process else 0.0
        (directory / "run.json").write_text(json.dumps(about))
        for log in ("log", "nextflow.log", "nextflow.log.1"):
            (directory / log).write_text("said")
        then = time.time() - days * 24 * 3600
        os.utime(directory / "log", (then, then))
        return directory

    here = psutil.Process()
    runs = [run("a", "1", 99), run("a", "2", 99, here), run("a", "3", 1), run("b", "1", 31)]
    (tmp_path / "c" / "begins").mkdir(parents=True)
    Begun.tidy(tmp_path)
    Begun.tidy(tmp_path / "none")
    left = [sorted(path.name for path in directory.iterdir()) for directory in runs]
    all_of_it = ["log", "nextflow.log", "nextflow.log.1", "run.json", "sources", "work"]
    asked = ["run.json", "sources"]
    assert left == [asked, all_of_it, all_of_it, asked]
    assert (tmp_path / "c" / "begins").is_dir()
    last = Begun.last(tmp_path / "b")
    assert last and last.directory == runs[-1] and not last.goes_on()
