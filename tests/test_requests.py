"""Many requests in one run; more rows of what is recorded."""

import csv
from pathlib import Path
from typing import Any

import bossflow
import pytest
from bossflow import database
from bossflow.core.record import record
from bossflow.core.summary import sum_up
from bossflow.kit import bundles, locations, retiring
from bossflow.kit.texts import json_lines
from kit import units
from label_block import label
from machines import made, on
from pipeline import bossflow_says
from steps import Cutouts, write_volume

PROCESSES = ["PULL_BLOCK", "LABEL_BLOCK", "LINK_BLOCK", "STITCH", "RELABEL_BLOCK"]


@pytest.fixture
def cutouts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cutouts:
    made = Cutouts(tmp_path, monkeypatch)
    made.volume = write_volume(tmp_path / "volume.zarr", (16, 32, 128))
    bossflow.connect()
    return made


def sheet(cutouts: Cutouts, number: int, wide: int = 16) -> Path:
    """Write a sheet of cutouts side by side, of one block each unless they are wider."""
    path = cutouts.directory / f"{number}-{wide}.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["x_range", "y_range"])
        writer.writerows([f"{16 * x},{16 * x + wide}", "0,16"] for x in range(number))
    return path


SMALL = {"block_shape": [16, 16, 16]}


def test_tasks_are_cut_over_all_requests(cutouts: Cutouts) -> None:
    ran = cutouts.label(sheet=sheet(cutouts, 8), **SMALL)
    assert ran["verdict"] == {"missing": None}
    assert len(ran["plan"]["requests"]) == 8
    tasks = ran["plan"]["tasks"]
    assert sorted(task["process"] for task in tasks) == sorted(PROCESSES)
    assert [task["units"] for task in tasks] == [8] * 5
    # each cutout with its neighbour: blocks, but not segmentations, are there
    wider = cutouts.label(sheet=sheet(cutouts, 7, 32), **SMALL)
    assert wider["verdict"] == {"missing": None}
    planned = {task["process"]: task["units"] for task in wider["plan"]["tasks"]}
    assert planned == {"LINK_BLOCK": 7, "STITCH": 7, "RELABEL_BLOCK": 14}


def test_one_cutout_is_not_asked_for_in_two_places(cutouts: Cutouts) -> None:
    """In other words: the rows differ, the requests don't."""
    path = cutouts.directory / "twice.csv"
    path.write_text('x_range,y_range\n"0,16",\n"0,16","0,32"\n')
    planned, _ = cutouts.plan(sheet=path, **SMALL)
    said = "line 3 of twice.csv asks for the same as line 2 of twice.csv: remove one"
    assert (planned["problem"], planned["tasks"]) == (said, [])


def test_given_blocks_per_task_hold_over_all_requests(cutouts: Cutouts) -> None:
    ran = cutouts.label(sheet=sheet(cutouts, 5), blocks_per_task=2, **SMALL)
    assert ran["verdict"] == {"missing": None}
    units = [task["units"] for task in ran["plan"]["tasks"]]
    assert sorted(units) == sorted([2, 2, 1] * 5)
    for task in ran["plan"]["tasks"]:  # and what a task comes after is what it reads
        assert len(task["after"]) <= 2 * (task["process"] in PROCESSES[1:])


def test_planning_asks_no_more_of_the_database_for_more_requests(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = database.connection()
    asked: list[str] = []
    query = conn.query

    def counted(statement: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(statement)
        return query(statement, *args, **kwargs)

    monkeypatch.setattr(conn, "query", counted)
    cutouts.plan(**SMALL)  # the channel is there
    numbers = []
    for y, number in enumerate((2, 8)):
        asked.clear()
        params = SMALL | {"y_range": [16 * y, 16 * y + 16], "sheet": sheet(cutouts, number)}
        found, _ = cutouts.plan(**params)
        assert (found["problem"], len(found["requests"])) == (None, number)
        numbers.append(len(asked))
    assert numbers[0] == numbers[1], "\n".join(asked)


def test_stitching_asks_for_memory_by_the_labels_of_its_blocks(cutouts: Cutouts) -> None:
    before = len(bossflow.BlockLabels())
    planned, _ = cutouts.plan(**SMALL)
    assert planned["asks"]["STITCH"][0]["memory"] > 2**29 + 16 * 4096  # by what few tissues reach
    ran = cutouts.label(**SMALL)
    asked = bossflow.LabelRequest & {"request_id": ran["plan"]["requests"][0]}
    made = bossflow.BlockLabels & {"channel_id": asked.fetch1("channel_id")}
    assert len(made) == 16 == len(bossflow.BlockLabels()) - before
    again, _ = cutouts.plan(min_voxels=5, **SMALL)
    n_labels = int(made.to_arrays("n_labels").sum())
    assert again["asks"]["STITCH"][0]["memory"] == 2**29 + 16 * 4096 + 100 * n_labels


def test_what_is_made_is_kept_apart_from_what_killed_its_task(cutouts: Cutouts) -> None:
    """Of a task that was killed nothing was recorded: one bad block must not keep all others."""
    params = SMALL | {"sheet": sheet(cutouts, 6)}
    planned, work_dir = cutouts.plan(**params)
    cutouts.compute(planned, work_dir)  # and no receipt arrives
    bad = next(locations.every(cutouts.store, "LABEL_BLOCK"))
    retiring.retire(cutouts.store, [bad])
    told, _ = cutouts.plan(**params, dry_run=True)
    again, _ = cutouts.plan(**params)
    assert f"\n  to run     {len(again['tasks'])} tasks, " in told["text"]
    of_it = [task for task in again["tasks"] if task["process"] == "LABEL_BLOCK"]
    assert sorted(task["units"] for task in of_it) == [1, 5]
    ran = cutouts.label(**params)
    assert ran["verdict"] == {"missing": None}
    assert ran["states"].count("made") == 1


def test_what_a_batch_takes_in_was_recorded_by_no_other_run(cutouts: Cutouts) -> None:
    """What was made of it may be recorded before the receipt of it comes."""
    plan, work_dir = cutouts.plan(blocks_per_task=1, sheet=sheet(cutouts, 2), **SMALL)
    receipts = cutouts.compute(plan, work_dir)
    lines = {path: json_lines(path)[0] for path in receipts}
    link, _ = (path for path, line in lines.items() if line["process"] == "LINK_BLOCK")
    (label,) = (
        path
        for path, line in lines.items()
        if line["process"] == "LABEL_BLOCK" and line["key"]["block"] == lines[link]["key"]["block"]
    )
    sum_up(plan, [record(plan, [link]), record(plan, [label])], work_dir)  # all others died
    said = (work_dir / "summary.txt").read_text().splitlines()
    assert said[2] == "recorded    1 PULL_BLOCK, 1 LABEL_BLOCK, 1 LINK_BLOCK"
    assert said[3].startswith("not made    1 PULL_BLOCK, 1 LABEL_BLOCK, 1 LINK_BLOCK, 2 STITCH")


def test_a_failed_block_is_told_once_of_all_requests_that_share_it(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(unit: units.Unit, bundle: units.Bundle) -> None:
        if unit.key["block"].startswith(("16-32", "48-64")):
            raise ValueError("no voxels today")
        label(unit, bundle)

    monkeypatch.setattr(Cutouts, "programs", Cutouts.programs | {"LABEL_BLOCK": fail})
    missing = cutouts.label(sheet=sheet(cutouts, 5, 48), **SMALL)["verdict"]["missing"]
    told = missing.removeprefix("4 of 5 requests not complete: ").partition(". ")[0]
    blocks = ("16-32_0-16_0-16", "48-64_0-16_0-16")
    assert sorted(told.split("; ")) == [f"LABEL_BLOCK {one} (no voxels today)" for one in blocks]


# ---- more rows ----


def component_rows(request: str) -> tuple[int, int, int]:
    """Return how many components a request has, are said to be rows, and are."""
    (row,) = (bossflow.Segmentation() & {"request_id": request}).to_dicts()
    there = bossflow.Segmentation.Component() & {"request_id": request}
    numbers = sorted(there.to_arrays("component_id"))
    assert numbers == list(range(1, len(numbers) + 1))
    return row["n_components"], row["n_component_rows"], len(numbers)


def test_more_rows_are_added_without_computing(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cutouts.label(max_component_rows=3)
    (request,) = ran["plan"]["requests"]
    total, *rows = component_rows(request)
    assert rows == [3, 3] and total > 20
    made_by = (bossflow.Segmentation() & {"request_id": request}).fetch1("stitched_by")

    more = cutouts.label(max_component_rows=20)
    assert [(task["process"], task["units"]) for task in more["plan"]["tasks"]] == [("STITCH", 1)]
    assert more["states"] == ["reused"]
    assert more["recorded"][0]["recorded"] == {"STITCH": 1}
    assert "rows are added to recorded results (1)" in more["plan"]["notes"][0]
    assert component_rows(request) == (total, 20, 20)
    assert (bossflow.Segmentation() & {"request_id": request}).fetch1("stitched_by") == made_by
    for limit in (20, 5):
        assert "nothing to compute" in cutouts.label(max_component_rows=limit)["summary"]
    assert component_rows(request) == (total, 20, 20)

    cutouts.label(max_component_rows=total + 100)
    assert component_rows(request) == (total, total, total)
    assert "nothing to compute" in cutouts.label()["summary"]


def test_more_rows_of_a_result_whose_store_is_away(
    cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content is that of the first rows, whatever was added since, and made here before."""
    on(monkeypatch, "two")
    other = cutouts.directory / "other"
    planned, work_dir = cutouts.plan(max_component_rows=30, store=str(other))
    cutouts.compute(planned, work_dir)  # and no receipt arrives
    on(monkeypatch, "one")
    (request,) = cutouts.label(max_component_rows=3)["plan"]["requests"]
    total, *_ = component_rows(request)
    cutouts.label(max_component_rows=7)
    cutouts.store.rename(cutouts.store.with_name("away"))
    on(monkeypatch, "two")
    cutouts.store = other
    numbers = made(cutouts.label(max_component_rows=5))
    assert numbers == (2, 5), "what holds other rows is made again"
    assert component_rows(request) == (total, 7, 7)
    other.rename(other.with_name("away, too"))
    on(monkeypatch, "three")
    numbers = made(cutouts.label(max_component_rows=20))
    assert numbers == (5, 4), "all of it is made again in the store that is here"
    assert component_rows(request) == (total, 20, 20)


def test_a_run_has_its_rows_of_what_a_killed_one_made(cutouts: Cutouts) -> None:
    planned, work_dir = cutouts.plan(max_component_rows=3)
    cutouts.compute(planned, work_dir)  # and no receipt arrives
    assert made(cutouts.label(max_component_rows=20)) == (0, 0)
    assert component_rows(*planned["requests"])[1:] == (20, 20)


def test_rows_to_be_added_are_checked(cutouts: Cutouts, monkeypatch: pytest.MonkeyPatch) -> None:
    (request,) = cutouts.label(max_component_rows=3)["plan"]["requests"]
    stitched = next(locations.every(cutouts.store, "STITCH"))
    (file,) = (stitched / "components").glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-9] + bytes(9))
    damaged = cutouts.label(max_component_rows=20)
    (failed,) = damaged["recorded"][0]["failed"]
    assert "is not what its bundle says" in failed["error"]
    assert component_rows(request)[1:] == (3, 3)
    # what is recorded is not RECORD's to set aside, and fewer rows than asked for are no success
    assert bundles.there(stitched) and "`bossflow verify --retire" in failed["error"]
    assert "rows could not be added: STITCH request_id=" in damaged["verdict"]["missing"]
    assert bossflow_says("verify", "--retire", "--store", str(cutouts.store))[0] == 0
    assert cutouts.label(max_component_rows=20)["verdict"] == {"missing": None}
    assert component_rows(request)[1:] == (20, 20)
