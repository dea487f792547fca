"""The core: plan, units, record and summary, on the toy workflow and a real database.

The same file runs on MySQL from test_mysql.py, as do test_record.py, test_watch.py, test_repair.py
and test_tables.py.
"""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import bossflow
import pytest
from count_words import count_words
from kit import locations, tasks, units
from pipeline import NUMBERS, PROGRAMS, Pipeline, rows
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


def test_a_run_records_every_unit_and_its_lineage(pipeline: Pipeline, files: list[Path]) -> None:
    done = pipeline.run(files)
    assert done["recorded"][0]["recorded"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}
    assert done["verdict"] == {"missing": None}
    toy = sys.modules["toy"]
    (request,) = done["plan"]["requests"]
    total = (toy.WordTotal & {"request_id": request}).fetch1()
    assert total["total"] == sum(len(path.read_text().split()) for path in files)
    assert Path(total["listing"].removeprefix("file://")).read_text()
    made = (
        toy.WordTotal.Source
        * toy.WordCount
        * bossflow.Execution.proj("process", counted_by="execution_id")
    )
    assert set((made & {"request_id": request}).to_arrays("process")) == {"COUNT_WORDS"}
    assert request in done["requests"]


def test_a_second_run_finds_all_recorded(pipeline: Pipeline, files: list[Path]) -> None:
    pipeline.run(files)
    again = pipeline.run(files)
    assert again["plan"]["tasks"] == []
    assert again["summary"].startswith("nothing to compute: 5 files recorded already (run run1, 20")


def test_a_larger_request_makes_only_what_is_new(pipeline: Pipeline, files: list[Path]) -> None:
    pipeline.run(files[:3])
    more = pipeline.run(files)
    assert more["recorded"][0]["recorded"] == {"COUNT_WORDS": 2, "ADD_WORDS": 1}


def test_a_changed_parameter_reuses_earlier_stages(pipeline: Pipeline, files: list[Path]) -> None:
    pipeline.run(files)
    changed = pipeline.run(files, suffix="x")
    assert changed["recorded"][0]["recorded"] == {"ADD_WORDS": 1}


def test_a_workflow_that_recalls_another_request_is_told_so(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.core import given, registry, states
    from bossflow.upkeep import verify

    done = pipeline.run(files, suffix="x")
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    toy = sys.modules["toy"]
    (right,) = given.recalled(toy.workflow, [request])
    (bossflow.Request.Given() & {"request_id": request}).delete_quick()  # as of an older version
    wrong = toy._request(right.given["contents"], "y")
    recalling = replace(toy.workflow, recall=lambda names: dict.fromkeys(names, wrong))
    monkeypatch.setattr(registry, "load", lambda name: recalling)
    why = f"workflow toy recalls request {request} as "
    with pytest.raises(ValueError, match=why):
        verify.made_for(request)
    (left,) = states.left_out({request: "toy"})
    assert left["request"] == request and left["why"].startswith(why)
    assert states.requests([request]) == []
    given.fill(recalling)  # keeps nothing of it
    monkeypatch.undo()
    with pytest.raises(ValueError, match=f"what request {request} was given is not recorded: ask"):
        verify.made_for(request)
    assert pipeline.run(files, suffix="x")["plan"]["tasks"] == []
    assert [one["state"] for one in states.requests([request])] == ["complete"]


def test_a_dry_run_writes_nothing(pipeline: Pipeline, files: list[Path]) -> None:
    before = rows(bossflow.Run), rows(bossflow.Request), rows(bossflow.ParamSet)
    plan, work_dir = pipeline.plan(files, dry_run=True)
    assert "5 COUNT_WORDS" in plan["text"] and "pull" not in plan["text"]
    assert before == (rows(bossflow.Run), rows(bossflow.Request), rows(bossflow.ParamSet))
    assert not pipeline.store.exists()
    assert not (work_dir / "tasks").exists()
    told = re.search(r"\n  to run     (\d+) tasks, about \d+ s on one core", plan["text"])
    assert told and int(told[1]) == len(pipeline.plan(files)[0]["tasks"])


def test_a_dry_run_says_how_long_it_takes_on_how_many_cores(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared by the cores, but no shorter than what has to wait for each other."""
    from bossflow.core import registry

    slow = replace(sys.modules["toy"].workflow, seconds=lambda unit: 100.0)
    monkeypatch.setattr(registry, "load", lambda name: slow)
    for cores, words in {1: "10 min on one core", 4: "3 min on the 4 here"}.items():
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        text = pipeline.plan(files, blocks_per_task=1, dry_run=True)[0]["text"]
        assert text.endswith(words), text


def test_a_mistake_writes_nothing(pipeline: Pipeline, files: list[Path]) -> None:
    before = rows(bossflow.Run), rows(bossflow.Request)
    assert "does not exist" in pipeline.run([*files, Path("/nope")])["plan"]["problem"]
    pipeline.store.write_text("in the way")
    problem = pipeline.run(files)["plan"]["problem"]
    assert problem.startswith(f"store {pipeline.store} can't be written")
    assert before == (rows(bossflow.Run), rows(bossflow.Request))
    assert "://" in pipeline.run(files, store="s3://bucket/x")["plan"]["problem"]


def test_a_failed_unit_leaves_the_others_recorded(pipeline: Pipeline, files: list[Path]) -> None:
    files[2].write_text(f"broken test{next(NUMBERS)}")
    done = pipeline.run(files)
    assert done["states"] == ["blocked", "failed", *["made"] * 4]
    assert done["recorded"][0]["recorded"] == {"COUNT_WORDS": 4}
    assert "is broken" in done["verdict"]["missing"]
    assert rows(lambda: bossflow.Run.Failure & {"run_id": done["plan"]["run_id"]}) == 1
    from bossflow.core import states

    (one,) = states.requests(done["plan"]["requests"])
    assert one["state"] == "failed"
    assert one["units"]["COUNT_WORDS"] == {"recorded": 4, "total": 5}


def test_whatever_text_a_failed_unit_leaves_the_others_are_recorded(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure is told, also by a name of its own where no key names a block."""
    from bossflow.command.main import main
    from bossflow.core import states
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up
    from click.testing import CliRunner

    errors = ["no \udcff UTF-8", "a \0 \x1b[1m", "two\u2028 or\x85more\x0b lines", "é" * 2000]

    def count_or_fail(unit: units.Unit, bundle: units.Bundle) -> None:
        number = int(Path(unit.arguments["path"]).stem.removeprefix("file"))
        if number < len(errors):
            raise ValueError(errors[number])
        count_words(unit, bundle)

    monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", count_or_fail)
    plan, work_dir = pipeline.plan(files)
    receipts = pipeline.compute(plan, work_dir)
    lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
    told = {line["key"]["file_id"]: line["error"] for line in lines if line["state"] == "failed"}
    assert sorted(told.values()) == sorted(
        ["no \\udcff UTF-8", "a \\x00 \\x1b[1m", "two or more lines", "é" * 999 + "…"]
    )
    # the same from a program in another language
    for path, text in zip(receipts, ("\u2028", "a\0\x1b", "\udcff"), strict=False):
        given = [json.loads(line) for line in path.read_text().splitlines()]
        given = [
            line | ({"error": line["error"] + text} if "error" in line else {}) for line in given
        ]
        raw = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in given)
        path.write_bytes(raw.encode("utf-8", "surrogateescape"))
    result = record(plan, receipts)
    assert result["recorded"] == {"COUNT_WORDS": 1}
    assert result["blocked"] == {"ADD_WORDS": 1}
    kept = (bossflow.Run.Failure & {"run_id": plan["run_id"]}).to_dicts()
    assert {row["failed_key"]["file_id"] for row in kept} == told.keys()
    for row in kept:
        assert row["error"].isprintable() and len(row["error"]) <= 1000
        assert row["error"].startswith(told[row["failed_key"]["file_id"]][:12])
    (one,) = states.requests(plan["requests"])
    names = {f"COUNT_WORDS file_id={name}" for name in told}
    assert one["errors"].keys() == names
    sum_up(plan, [json.loads(json.dumps(result))], work_dir)
    summary = (work_dir / "summary.txt").read_text()
    last = json.loads((work_dir / "verdict.json").read_text())["missing"]
    listed, ending = ({name for name in names if name in text} for text in (summary, last))
    assert (len(listed), len(ending), listed | ending) == (1, 3, names), "and none twice"
    shown = CliRunner(charset="ascii").invoke(main, ["status"])
    assert shown.exit_code == 0, shown.output
    assert all(f"failed: {name}: " in shown.output for name in names)


def test_the_numbers_of_a_summary_add_up(pipeline: Pipeline, files: list[Path]) -> None:
    """Whatever other runs record meanwhile, and in whatever order the receipts come."""
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up

    files[2].write_text(f"broken test{next(NUMBERS)}")
    pipeline.run(files[4:])
    plan, work_dir = pipeline.plan(files, blocks_per_task=1)
    pipeline.run(files[:1])
    receipts = pipeline.compute(plan, work_dir)
    receipts.remove(next(path for path in receipts if '"made"' in path.read_text()))  # it died
    sum_up(plan, [record(plan, [path]) for path in receipts], work_dir)
    lines = (work_dir / "summary.txt").read_text().splitlines()
    assert lines[:7] == [
        "asked for   1 request (5 COUNT_WORDS, 1 ADD_WORDS): 0 complete",
        "found       1 COUNT_WORDS",
        "recorded    1 COUNT_WORDS",
        "meanwhile   1 COUNT_WORDS, recorded by another run",
        "blocked     1 ADD_WORDS, whose inputs are missing",
        "not made    1 COUNT_WORDS, whose tasks ended early or never began",
        "failed      1 COUNT_WORDS",
    ]

    files[2].write_text(f"mended test{next(NUMBERS)}")
    plan, work_dir = pipeline.plan(files)
    *first, last = pipeline.compute(plan, work_dir)
    sum_up(plan, [record(plan, [last]), record(plan, first)], work_dir)
    lines = (work_dir / "summary.txt").read_text().splitlines()
    assert lines[1:3] == ["found       3 COUNT_WORDS", "recorded    2 COUNT_WORDS, 1 ADD_WORDS"]
    assert lines[3].endswith("  complete")


def test_a_failure_mended_needs_only_what_depends(pipeline: Pipeline, files: list[Path]) -> None:
    text = files[2].read_text()
    PROGRAMS["COUNT_WORDS"] = lambda unit, bundle: (
        count_words(unit, bundle) if "file2" not in unit.arguments["path"] else 1 / 0
    )
    try:
        assert pipeline.run(files)["verdict"]["missing"]
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    assert files[2].read_text() == text
    done = pipeline.run(files)
    assert done["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert done["verdict"] == {"missing": None}


def test_one_directory_is_one_store_however_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    for written in ("/home/me/store/", "~/lab/../store", "file:///home/me/lab/../store"):
        assert locations.local(written) == Path("/home/me/store")


def test_receipts_of_a_later_stage_bring_their_inputs(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files)
    receipts = pipeline.compute(plan, work_dir)
    last = [path for path in receipts if path.parent.name.startswith("ADD_WORDS")]
    assert record(plan, last)["recorded"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}
    again = record(plan, receipts)
    assert again["recorded"] == {}
    assert again["known"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}


def test_two_runs_at_once_record_each_unit_once(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record

    first, first_dir = pipeline.plan(files)
    second, second_dir = pipeline.plan(files)
    receipts = pipeline.compute(first, first_dir), pipeline.compute(second, second_dir)
    assert record(first, receipts[0])["recorded"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}
    other = record(second, receipts[1])
    assert (other["recorded"], other["failed"]) == ({}, [])
    assert other["known"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}


def test_a_unit_that_failed_names_the_log_of_its_task(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Nextflow's task directories are; the sentence is cut, and not the path."""

    def fail(*_: Any) -> None:
        raise ValueError("no words " * 200)

    monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", fail)
    plan, work_dir = pipeline.plan(files[:1])
    file = work_dir / "tasks" / "COUNT_WORDS-00000.jsonl"
    task_dir = work_dir / "3f" / ("70944c" + "0" * 24)
    task_dir.mkdir(parents=True)
    monkeypatch.chdir(task_dir)
    monkeypatch.setattr(sys, "argv", ["program", str(file)])
    tasks.main("COUNT_WORDS", fail)
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up

    recorded = record(plan, [task_dir / "receipts.jsonl"])
    sum_up(plan, [recorded], work_dir)
    (kept,) = (bossflow.Run.Failure & {"run_id": plan["run_id"]}).to_arrays("error")
    assert len(kept) == 1000 and kept.endswith(f"… (log: {task_dir}/.command.log)")
    for place in ("requests.csv", "verdict.json"):
        assert f"(log: {task_dir}/.command.log)" in (work_dir / place).read_text(), place
