"""What is asked of the database: as much for many requests as for one, and only rows of these.

The same file runs on MySQL from test_mysql.py.
"""

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow import database
from bossflow.core import ledger, registry, states, work
from bossflow.core.summary import sum_up
from bossflow.upkeep import status, watch
from bossflow.volumes.tables import Channel, RequestImage
from bossflow.workflows.label import workflow
from conftest import ROOT
from steps import Cutouts, write_volume

sys.path.append(str(ROOT / "benchmarks"))  # last: a benchmark and a program share a name

import lookups  # noqa: E402


class Sheet:
    """So many cutouts of a block each, of two volumes by turns, that are planned."""

    def __init__(self, cutouts: Cutouts, first: int, number: int) -> None:
        self.cutouts = cutouts
        self.file = cutouts.directory / f"{first}.csv"
        with self.file.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["source", "x_range"])
            for n in range(first, first + number):
                volume = cutouts.directory / ("one", "two")[n % 2]
                writer.writerow([f"zarr://{volume}", f"{16 * (n // 2)},{16 * (n // 2) + 16}"])
        self.planned = self.plan()

    def plan(self, **params: Any) -> dict[str, Any]:
        params = {"block_shape": [16, 16, 16]} | params
        planned, _ = self.cutouts.plan(sheet=self.file, **params)
        assert planned["problem"] is None
        return planned

    @property
    def units(self) -> list[work.UnitPlan]:
        groups = ledger.with_units(workflow, self.planned["requests"])
        return [unit for group in groups for _, units in group for unit in units]

    def record(self) -> None:
        store, tables = self.cutouts.store, registry.stage_tables([workflow])
        lookups.record(tables, self.units, store, self.planned["run_id"])


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cutouts]:
    found = Cutouts(tmp_path, monkeypatch)
    found.volume = tmp_path / "one"
    for name in ("one", "two"):
        write_volume(tmp_path / name, (16, 16, 272))
    bossflow.connect()
    before = ids()
    yield found
    new = {name: there - before[name] for name, there in ids().items()}
    for part in reversed(lookups.every_table()):  # other tests count what is there
        for name in new.keys() & set(part().heading.names):
            (part() & [{name: one} for one in new[name]]).delete_quick()


def ids() -> dict[str, set[str]]:
    tables = (bossflow.Run, bossflow.Request, bossflow.Execution, bossflow.Channel)
    names = [table().primary_key[0] for table in tables]
    return {
        name: set(table.to_arrays(name).tolist()) for name, table in zip(names, tables, strict=True)
    }


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Note statements, and how many rows each gave."""
    found: list[tuple[str, int]] = []
    conn = database.connection()
    query = conn.query

    def noting(statement: str, *args: Any, **kwargs: Any) -> Any:
        cursor = query(statement, *args, **kwargs)
        found.append((statement, cursor.rowcount if statement.startswith("SELECT") else 0))
        return cursor

    monkeypatch.setattr(conn, "query", noting)
    return found


class Asks:
    """What is asked about a sheet; nothing of it is to be computed, but some with other sets."""

    def __init__(self, sheet: Sheet) -> None:
        anew = sheet.plan(min_voxels=5)  # of which the blocks are recorded
        assert anew["planned"].keys() == {"STITCH", "RELABEL_BLOCK"}
        directory = sheet.cutouts.directory
        self.ways: dict[str, Callable[[], Any]] = {
            "SUMMARY": lambda: sum_up(sheet.planned, [], directory),
            "SUMMARY, missing": lambda: sum_up(anew, [], directory),
            "status of these": lambda: states.requests(sheet.planned["requests"]),
            "status, missing": lambda: states.requests(anew["requests"]),
            "status": status.report,
            "runs": status.runs,
            "watch": lambda: next(watch.watch(1)),
            "nothing to compute": sheet.plan,
        }

    def __call__(self, noted: list[tuple[str, int]]) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many statements each takes, and how many rows come but those of runs."""
        statements, rows = {}, {}
        for name, function in self.ways.items():
            runs = len(bossflow.Run())
            listed = {"status": runs, "runs": runs, "watch": min(runs, 100)}.get(name, 0)
            noted.clear()
            result = function()
            statements[name] = len(noted)
            rows[name] = sum(number for _, number in noted) - listed
        assert (result["planned"], result["tasks"]) == ({}, [])
        return statements, rows


def fail(sheet: Sheet, *units: str) -> None:
    failed = {"run_id": sheet.planned["run_id"], "failed_process": "x", "failed_key": {}}
    bossflow.Run.Failure.insert([failed | {"unit_id": name, "error": "no"} for name in units])


def test_more_requests_are_no_more_statements_and_other_channels_no_more_rows(
    cutouts: Cutouts, noted: list[tuple[str, int]]
) -> None:
    # the headings of tables are read once
    status.report(), RequestImage().to_dicts(), Channel.Citation().to_dicts()
    found = []
    for first, number in ((0, 1), (2, 2), (4, 30)):
        sheet = Sheet(cutouts, first, number)
        sheet.record()
        fail(sheet, "0" * 32)
        asks = Asks(sheet)
        found.append(asks(noted))
    one, two, many = (statements for statements, _ in found)
    assert two == many
    del one["nothing to compute"], two["nothing to compute"]  # each channel is asked about
    assert one == two

    lookups.multiply(10, requests=False)
    fail(sheet, *(f"{n:032}" for n in range(1, 50)))
    assert asks(noted) == found[-1]


def test_in_pieces_it_is_the_same(cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet(cutouts, 0, 7)
    sheet.record()
    anew = sheet.plan(min_voxels=5)["requests"]
    asked = [*anew, *sheet.planned["requests"]]
    whole = states.requests(asked)
    assert [one["state"] for one in whole] == ["complete"] * 7 + ["missing"] * 7
    monkeypatch.setattr(database.limits, "PIECE", 3)
    monkeypatch.setattr(ledger, "UNITS_AT_ONCE", 12)
    assert states.requests(asked) == whole
    assert sheet.plan()["tasks"] == []


def test_pieces_are_as_long_as_a_statement_may_be() -> None:
    keys = ["x", "é'\\" * 50_000, *(f"{n:0400}" for n in range(2000))]
    pieces = [*database.pieces(keys)]
    assert [key for piece in pieces for key in piece] == keys
    assert max(map(len, pieces)) < len(keys) / 3
    assert max(sum(len(key.encode()) for key in piece) for piece in pieces) < 2**19
