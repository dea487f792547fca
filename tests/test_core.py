"""The core: plan, units, record, summary, invalidate, on the toy workflow and a real database.

The same file runs on MySQL from test_mysql.py.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations, count
from pathlib import Path
from typing import Any

import bossflow
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from add_words import add_words
from conftest import sample
from count_words import count_words
from kit import bundles, digests, locations, store_ids, tasks, units

NUMBERS = count()


@pytest.fixture(scope="module")
def toy(home: Path) -> Any:
    """Return the toy workflow, its tables bound."""
    import toy
    from bossflow.core import installed, work

    installed.open_schema([*work.load_all(), toy])  # on a team's server, test_mysql.py deploys it
    return toy


PROGRAMS: dict[str, units.Work] = {"COUNT_WORDS": count_words, "ADD_WORDS": add_words}


def run_of(number: int, directory: Path) -> dict[str, str]:
    """Return what Nextflow tells PLAN of a run."""
    return {
        "name": f"run{number}",
        "session": str(directory),
        "start": datetime.now(UTC).isoformat(),
        "nextflow": "25.04.0",
        "launch_dir": str(directory),
    }


class Pipeline:
    """What Nextflow does with the toy workflow, a step at a time."""

    programs = PROGRAMS

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.store = directory / "store"
        self.monkeypatch = monkeypatch
        self.runs = 0

    def plan(
        self, files: list[Path], suffix: str = "", compared: Any = None, **params: Any
    ) -> tuple[dict[str, Any], Path]:
        from bossflow.core.plan import plan

        self.runs += 1
        work_dir = self.directory / f"run{self.runs}"
        work_dir.mkdir()
        given = {"files": [str(path) for path in files], "suffix": suffix, "blocks_per_task": 2}
        asked = {
            "workflow": "toy",
            "params": given | {"store": str(self.store)} | params,
            "run": run_of(self.runs, self.directory),
        }
        plan(asked, {"problem": None, "rows": [], "channels": []}, "0" * 16, work_dir, compared)
        return json.loads((work_dir / "plan.json").read_text()), work_dir

    def compute(self, plan: dict[str, Any], work_dir: Path) -> list[Path]:
        """Run the tasks, each after those it names; return the receipts."""
        todo, done = list(plan["tasks"]), []
        while todo:
            ready = [t for t in todo if not {o["task"] for o in todo} & set(t["after"])]
            for task in ready:
                task_dir = work_dir / task["task"]
                task_dir.mkdir()
                self.monkeypatch.chdir(task_dir)
                file = work_dir / "tasks" / f"{task['task']}.jsonl"
                self.monkeypatch.setattr(sys, "argv", ["program", str(file)])
                tasks.main(task["process"], self.programs[task["process"]], software=("pyarrow",))
                done.append(task_dir / "receipts.jsonl")
            todo = [task for task in todo if task not in ready]
        return done

    def run(self, files: list[Path], **params: Any) -> dict[str, Any]:
        """Run it all; return plan, receipts by state, what RECORD said, verdict and summary."""
        from bossflow.core import changes
        from bossflow.core.record import record
        from bossflow.core.summary import sum_up

        plan, work_dir = self.plan(files, **params)
        compared = None
        if plan["compare"] and not plan["problem"]:
            compared = changes.receipts(self.compute(plan, work_dir))
            plan, work_dir = self.plan(files, compared=compared, **params)
        if plan["problem"]:
            return {"plan": plan, "compared": compared}
        receipts = self.compute(plan, work_dir)
        lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
        recorded = [record(plan, receipts)] if receipts else []
        sum_up(plan, recorded, work_dir)
        return {
            "plan": plan,
            "compared": compared,
            "receipts": receipts,
            "states": sorted(line["state"] for line in lines),
            "recorded": recorded,
            "verdict": json.loads((work_dir / "verdict.json").read_text()),
            "summary": (work_dir / "summary.txt").read_text(),
            "requests": (work_dir / "requests.csv").read_text(),
        }


@pytest.fixture
def pipeline(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    return Pipeline(tmp_path, monkeypatch)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Return five files that no other test has."""
    paths = []
    for number in range(5):
        path = tmp_path / f"file{number}.txt"
        path.write_text(f"a b c {'d ' * number} test{next(NUMBERS)}")
        paths.append(path)
    return paths


def rows(table: Any) -> int:
    return len(table())


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
    assert again["summary"].startswith("nothing to compute: 5 files are recorded (run run1, 20")


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
    from bossflow.upkeep import status, verify

    done = pipeline.run(files, suffix="x")
    assert done["verdict"] == {"missing": None}
    (request,) = done["plan"]["requests"]
    toy = sys.modules["toy"]
    right = toy.recall([request])[request]
    wrong = toy._request(right.given["contents"], "y")
    monkeypatch.setattr(toy, "recall", lambda names: dict.fromkeys(names, wrong))
    for ask in (lambda: status.requests([request]), lambda: verify.made_for(request)):
        with pytest.raises(ValueError, match=f"workflow toy recalls request {request} as "):
            ask()


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
    monkeypatch.setattr(sys.modules["toy"], "seconds", lambda unit: 100.0)
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
    from bossflow.upkeep import status

    (one,) = status.requests(done["plan"]["requests"])
    assert one["state"] == "failed"
    assert one["units"]["COUNT_WORDS"] == {"recorded": 4, "total": 5}


def test_whatever_text_a_failed_unit_leaves_the_others_are_recorded(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure is told, also by a name of its own where no key names a block."""
    from bossflow.command.main import main
    from bossflow.core.record import record
    from bossflow.core.summary import sum_up
    from bossflow.upkeep import status
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
    (one,) = status.requests(plan["requests"])
    names = {f"COUNT_WORDS file_id={name}" for name in told}
    assert one["errors"].keys() == names
    sum_up(plan, [json.loads(json.dumps(result))], work_dir)
    summary = (work_dir / "summary.txt").read_text()
    assert all(f"            {name}: " in summary for name in names), summary
    assert "COUNT_WORDS file_id=" in json.loads((work_dir / "verdict.json").read_text())["missing"]
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


def test_an_emptied_database_is_filled_from_the_store(
    pipeline: Pipeline, files: list[Path]
) -> None:
    first = pipeline.run(files)
    toy = sys.modules["toy"]
    made = toy.WordCount & (toy.WordTotal.Source & {"request_id": first["plan"]["requests"][0]})
    executions = [{"execution_id": name} for name in made.to_arrays("counted_by")]
    (bossflow.Execution & executions).delete(prompt=False, part_integrity="cascade")
    again = pipeline.run(files)
    assert again["states"] == ["reused"] * 6
    assert again["recorded"][0]["recorded"]["COUNT_WORDS"] == 5


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


def bundle_of(receipts: list[Path], process: str) -> Path:
    lines = [json.loads(line) for path in receipts for line in path.read_text().splitlines()]
    return next(locations.local(line["url"]) for line in lines if line["process"] == process)


def test_an_altered_file_is_not_recorded(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files)
    receipts = pipeline.compute(plan, work_dir)
    with (bundle_of(receipts, "COUNT_WORDS") / "word.parquet").open("r+b") as stream:
        stream.seek(10)
        stream.write(b"\xff")
    result = record(plan, receipts)
    assert result["recorded"] == {"COUNT_WORDS": 4}
    assert [one["process"] for one in result["failed"]] == ["COUNT_WORDS", "ADD_WORDS"]
    assert "is not what its bundle says" in result["failed"][0]["error"]
    mended = pipeline.run(files)
    assert mended["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert mended["verdict"] == {"missing": None}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"attributes": {"n_words": "three"}}, "n_words is 'three'"),
        ({"attributes": {}}, "lacks n_words"),
        ({"attributes": {"n_words": 1, "extra": 2}}, "has extra, which the table has not"),
        ({"parts": {"Wrong": "word.parquet"}}, "has no part Wrong"),
        ({"parts": {"Word": "bundle.json"}}, "is neither a file nor a directory"),
        ({"part_rows": {"Wrong": 1}}, "part_rows names Wrong"),
        ({"files": [{"path": "../../etc/passwd", "bytes": 1, "sha256": "0" * 64}]}, "files/0/path"),
        ({"process": "UNKNOWN"}, "another unit"),
    ],
)
def test_a_bundle_that_does_not_fit_is_refused(
    pipeline: Pipeline, files: list[Path], change: dict[str, Any], problem: str
) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files[:1])
    receipts = pipeline.compute(plan, work_dir)
    path = bundle_of(receipts, "COUNT_WORDS") / "bundle.json"
    manifest = json.loads(path.read_text()) | change
    manifest["content_sha256"] = digests.content_digest(manifest)
    path.write_text(json.dumps(manifest))
    result = record(plan, receipts)
    assert result["recorded"] == {}
    assert problem in result["failed"][0]["error"]


def in_pieces(numbers: list[float], limit: int | None = None) -> units.Work:
    """Return COUNT_WORDS with its part as a directory, a file for each word."""

    def count(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        (bundle.directory / "words").mkdir()
        for place, number in enumerate(numbers):
            table = pa.table({"word": [f"w{place}"], "frequency": [number]})
            pq.write_table(table, bundle.directory / "words" / f"{place}.parquet")
        bundle.parts["Word"] = "words"
        bundle.part_rows = {} if limit is None else {"Word": limit}

    return count


def test_a_part_may_be_a_directory_and_its_first_rows_enough(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = sys.modules["toy"]
    nan = float("nan")
    for number, limit, words in ((0.5, None, "w0w1w2w3"), (0.5, 3, "w0w1w2"), (nan, 3, "w0w1w2")):
        monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", in_pieces([0.5, 0.5, 0.5, number], limit))
        files[0].write_text(f"one test{next(NUMBERS)}")
        done = pipeline.run(files[:1])
        assert done["verdict"] == {"missing": None}
        (source,) = (toy.WordTotal.Source & {"request_id": done["plan"]["requests"][0]}).to_dicts()
        found = toy.WordCount.Word & {"file_id": source["file_id"]}
        assert "".join(sorted(found.to_arrays("word"))) == words
        bundle = bundles.read(bundle_of(done["receipts"], "COUNT_WORDS"))
        assert bundle.manifest["part_rows"] == ({} if limit is None else {"Word": limit})
        text = bundle.manifest | {"part_rows": {"Word": 1}}
        assert digests.content_digest(text) == bundle.content_sha256


@pytest.mark.parametrize(
    ("numbers", "problem"),
    [
        ([0.5, float("inf")], "1.parquet: frequency holds a value that is not finite"),
        ([0.5, 1], "1.parquet has other columns or types than"),
        ([], "is neither a file nor a directory of .parquet files"),
    ],
)
def test_a_directory_that_is_no_part_is_refused(
    pipeline: Pipeline,
    files: list[Path],
    numbers: list[float],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from bossflow.core.record import record

    monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", in_pieces(numbers))
    plan, work_dir = pipeline.plan(files[:1])
    result = record(plan, pipeline.compute(plan, work_dir))
    assert result["recorded"] == {}
    assert problem in result["failed"][0]["error"]


def test_a_value_that_is_not_finite_is_refused(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record

    def count_nan(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        table = pa.table({"word": ["x"], "frequency": [float("nan")]})
        pq.write_table(table, bundle.directory / "word.parquet")

    PROGRAMS["COUNT_WORDS"] = count_nan
    try:
        plan, work_dir = pipeline.plan(files[:1])
        result = record(plan, pipeline.compute(plan, work_dir))
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    assert result["recorded"] == {}
    assert "frequency holds a value that is not finite" in result["failed"][0]["error"]


def test_a_bundle_the_database_refuses_does_not_hold_back_the_rest(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow import database
    from bossflow.core.record import record

    def count_twice(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        for name, words in {"file0": ["x", "x"], "file1": ["x", "a\0b"]}.items():
            if name in unit.arguments["path"]:
                table = pa.table({"word": words, "frequency": [0.5, 0.5]})
                pq.write_table(table, bundle.directory / "word.parquet")

    PROGRAMS["COUNT_WORDS"] = count_twice
    try:
        plan, work_dir = pipeline.plan(files)
        result = record(plan, pipeline.compute(plan, work_dir))
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    refused = 2 if database.connection().adapter.backend == "postgresql" else 1  # it takes no NUL
    assert result["recorded"] == {"COUNT_WORDS": 5 - refused}
    failed = [one["process"] for one in result["failed"]]
    assert failed == [*["COUNT_WORDS"] * refused, "ADD_WORDS"]


def test_a_bundle_of_other_arguments_is_not_reused(pipeline: Pipeline, files: list[Path]) -> None:
    plan, work_dir = pipeline.plan(files)
    receipts = pipeline.compute(plan, work_dir)
    total = bundle_of(receipts, "ADD_WORDS") / "bundle.json"
    manifest = json.loads(total.read_text()) | {"arguments": {"suffix": "other"}}
    manifest["content_sha256"] = digests.content_digest(manifest)
    total.write_text(json.dumps(manifest))
    done = pipeline.run(files)
    assert done["states"] == ["made", *["reused"] * 5]


def forget_what_is_missing() -> None:
    """Delete the requests that other tests left incomplete."""
    from bossflow.upkeep import status

    for one in status.requests():
        if one["state"] != "complete":
            (bossflow.Request & {"request_id": one["request"]}).delete(prompt=False)


def test_watching_ends_when_nothing_is_missing(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record
    from bossflow.upkeep.watch import in_words, watch

    forget_what_is_missing()
    assert not list(watch(0))
    first, first_dir = pipeline.plan(files[:2], store="elsewhere")
    looks = watch(0)
    look = next(looks)
    assert look["ended"] is None
    (one,) = look["requests"]
    assert (one["request"], one["what"]) == (first["requests"][0], "toy")
    assert one["stages"]["COUNT_WORDS"] == {
        "total": 2,
        "recorded": 0,
        "made": 0,
        "voxels_per_second": None,
    }
    assert in_words(look["total"]) == (
        "COUNT_WORDS 0 of 2; ADD_WORDS 0 of 1; 0 of 3 units recorded, 0 more made"
    )
    counts = {**first, "tasks": [t for t in first["tasks"] if t["process"] == "COUNT_WORDS"]}
    receipts = pipeline.compute(counts, first_dir)
    made = next(looks)["total"]
    assert (made["total"], made["recorded"], made["made"]) == (3, 0, 2)
    assert made["seconds_left"] is not None
    record(first, receipts)
    look = next(looks)["total"]
    assert (look["recorded"], look["made"]) == (2, 0)
    second = pipeline.run(files)  # another request, of which two units are recorded already
    assert second["verdict"] == {"missing": None}
    look = next(looks)
    assert [one["request"] for one in look["requests"]] == first["requests"], "complete: left out"
    pipeline.run(files[:2])
    look = next(looks)
    assert look["total"]["recorded"] == look["total"]["total"] == 3
    assert not list(looks)


def end_all_runs() -> None:
    """Have all runs ended that other tests began, and this one."""
    from bossflow.core import summary

    for name in bossflow.Run.to_arrays("run_id"):
        summary._note_end(str(name), 0)


def test_watching_ends_when_nothing_can_come(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.upkeep import watch

    forget_what_is_missing()
    files[0].write_text(f"broken test{next(NUMBERS)}")
    failed = pipeline.run(files[:2])
    assert failed["verdict"]["missing"]
    end_all_runs()
    (look,) = watch.watch(0)
    assert look["ended"].startswith("2 units are missing, and no run that has planned its tasks")
    code, text = bossflow_says("status", "--watch")
    assert (code, text.splitlines()[-1]) == (1, f"Error: {look['ended']}")

    # it is tried again, by a run that is killed
    pipeline.plan(files[:2])
    looks = watch.watch(0)
    assert next(looks)["ended"] is None
    monkeypatch.setattr(watch, "PATIENCE", -1)
    (look,) = looks
    assert look["ended"].startswith("2 units are missing, and nothing new came for 0 s: ")
    monkeypatch.undo()

    # a request that is deleted meanwhile
    looks = watch.watch(0)
    assert next(looks)["ended"] is None
    forget_what_is_missing()
    assert not list(looks)


def test_the_watch_prints_lines_and_ends_quietly(pipeline: Pipeline, files: list[Path]) -> None:
    def start(*options: str) -> subprocess.Popen[str]:
        # a shell that starts tests in the background has SIGINT ignored
        heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        program = f"{heard}; from bossflow.command.main import main; main()"
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", program, "status", *options],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    forget_what_is_missing()
    pipeline.plan(files)
    stopped = start("--watch", "--json", "--interval", "60")
    assert stopped.stdout
    look = json.loads(stopped.stdout.readline())
    assert (look["total"]["total"], look["total"]["recorded"]) == (6, 0)
    stopped.send_signal(signal.SIGINT)
    assert (stopped.communicate(timeout=30), stopped.returncode) == (("", ""), 0)
    ended = start("--watch", "--interval", "0.1")
    assert ended.stdout
    first = "progress: COUNT_WORDS 0 of 5; ADD_WORDS 0 of 1; 0 of 6 units recorded, 0 more made\n"
    assert ended.stdout.readline() == first
    pipeline.run(files)
    lines, errors = ended.communicate(timeout=30)
    *_, last, end = lines.splitlines()
    assert last.startswith("progress: COUNT_WORDS 5 of 5; ADD_WORDS 1 of 1; 6 of 6 units recorded")
    assert (end, errors, ended.returncode) == ("nothing is missing", "", 0)
    refused = start("--interval", "3")
    assert "--interval is for --watch" in refused.communicate(timeout=30)[1]


def test_watching_tells_the_speed_of_a_stage() -> None:
    from bossflow.core.work import UnitPlan
    from bossflow.upkeep.watch import _far, in_words

    blocks = ("0-100_0-100_0-100", "100-200_0-100_0-100", "200-300_0-100_0-50")
    labels = [UnitPlan("LABEL_BLOCK", {"block": block}, {}) for block in blocks]
    units = [*labels, UnitPlan("STITCH", {"request_id": "x"}, {}, tuple(labels))]
    sizes = {unit.unit_id: (unit.voxels, 4.0) for unit in units}
    assert [unit.voxels for unit in units] == [10**6, 10**6, 5 * 10**5, 0]
    begun: dict[tuple[str, ...], tuple[float, float]] = {}
    names = [unit.unit_id for unit in units]
    before = _far("x", units, sizes, {names[0]}, set(), begun)
    assert before["seconds_left"] is before["stages"]["LABEL_BLOCK"]["voxels_per_second"] is None
    begun = {name: (at - 100, value) for name, (at, value) in begun.items()}
    after = _far("x", units, sizes, {names[0]}, {names[1]}, begun)
    assert after["stages"]["LABEL_BLOCK"]["voxels_per_second"] == pytest.approx(10**4, rel=0.1)
    assert after["seconds_left"] == pytest.approx(200, rel=0.1), "8 s of work, 4 took 100"
    assert in_words(after).startswith("LABEL_BLOCK 2 of 3; STITCH 0 of 1; 1 of 4")
    assert in_words(after).endswith("min left")
    sizes[units[3].unit_id] = (0, 400.0)
    early = _far("x", units, sizes, {names[0]}, {names[1]}, begun)
    assert early["seconds_left"] is None, "a hundredth of it says nothing of the rest"


def test_a_store_that_is_away_is_not_lost(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.upkeep import invalidate

    done = pipeline.run(files)
    (identity,) = {row["store_id"] for row in copies(done["plan"]["requests"][0])}
    pipeline.store.rename(pipeline.store.with_name("elsewhere"))
    problem = pipeline.run(files)["plan"]["problem"]
    assert f"store {pipeline.store} is not what it was" in problem
    assert f"`bossflow invalidate --store {identity[:8]}` forgets" in problem
    assert not invalidate.lost(None, identity)
    pipeline.store.with_name("elsewhere").rename(pipeline.store)
    assert pipeline.run(files)["plan"]["requests"] == done["plan"]["requests"]


def copies(request: str) -> list[dict[str, str]]:
    """Return where the bundles of a request and of what it was made of are."""
    from bossflow.core import holdings
    from bossflow.upkeep import verify

    return holdings.copies(verify.made_for(request))


def test_other_content_for_a_recorded_unit_is_an_error(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.core.record import record

    done = pipeline.run(files[:1])
    shutil.rmtree(pipeline.store)

    def count_more(unit: units.Unit, bundle: units.Bundle) -> None:
        count_words(unit, bundle)
        bundle.attributes["n_words"] += 1

    PROGRAMS["COUNT_WORDS"] = count_more
    try:
        for task in done["receipts"]:
            shutil.rmtree(task.parent)
        work_dir = pipeline.directory / "run1"
        tasks_again = [
            {"task": path.stem, "process": path.stem.rpartition("-")[0], "after": []}
            for path in sorted((work_dir / "tasks").iterdir(), reverse=True)
        ]
        receipts = pipeline.compute(done["plan"] | {"tasks": tasks_again}, work_dir)
    finally:
        PROGRAMS["COUNT_WORDS"] = count_words
    result = record(done["plan"], receipts)
    assert result["recorded"] == {}
    assert "other content than what is recorded" in result["failed"][0]["error"]


def test_bundles_made_from_retired_inputs_are_made_again(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.upkeep import invalidate

    done = pipeline.run(files)
    toy = sys.modules["toy"]
    (request,) = done["plan"]["requests"]
    sources = (toy.WordTotal.Source & {"request_id": request}).to_arrays("file_id")
    wrong = set((toy.WordCount & {"file_id": sources[0]}).to_arrays("counted_by"))
    found = invalidate.dependents(wrong)
    assert dict(invalidate.preview(found)) == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert invalidate.invalidate(wrong) == (2, 2)
    assert not len(bossflow.Execution & [{"execution_id": name} for name in found])
    again = pipeline.run(files)
    assert again["states"] == ["made", "made"]
    assert again["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}


def test_a_lost_bundle_is_named_before_anything_runs(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core import stores
    from bossflow.upkeep import invalidate

    done = pipeline.run(files)
    shutil.rmtree(bundle_of(done["receipts"], "COUNT_WORDS"))
    problem = pipeline.run(files)["plan"]["problem"]
    assert "1 recorded bundles are not in the store" in problem
    assert f"bossflow invalidate --lost --store {pipeline.store}" in problem
    lost = invalidate.lost(None, stores.Here().named(str(pipeline.store)))
    assert len(lost) == 1
    assert invalidate.invalidate(set(), copies=lost) == (2, 1)
    assert pipeline.run(files)["verdict"] == {"missing": None}


@pytest.fixture
def twins(toy: Any) -> Iterator[list[str]]:
    """Yield the ids of two channels, which only their last digits tell apart."""
    columns = bossflow.Channel().heading.attributes.values()
    channel = {one.name: "a" if one.string else 1 for one in columns if not one.nullable}
    ids = [f"{'ab' * 7}a{last}" for last in "01"]
    bossflow.Channel.insert([channel | {"channel_id": name} for name in ids])
    yield ids
    (bossflow.Channel & [{"channel_id": name} for name in ids]).delete_quick()


def test_an_id_is_named_by_its_start(twins: list[str]) -> None:
    from bossflow.core import ledger

    one, start = twins[0], twins[0][:-1]
    assert ledger.named(bossflow.Channel, one) == one
    with pytest.raises(ValueError, match=f"2 channels have ids starting with '{start}': see"):
        ledger.named(bossflow.Channel, start)
    mistyped = [f"{start}2", f"{one}0", one.upper(), f" {one}", f"{one}\n", ""]
    for given in [*mistyped, "%", f"{start}_", f"{start}%", "\\", f"{start}\\", "' OR '1'='1"]:
        with pytest.raises(ValueError) as refused:
            ledger.named(bossflow.Channel, given)
        assert f"no channel has an id starting with {given!r}: see" in str(refused.value)


def test_a_mistyped_id_changes_nothing(
    pipeline: Pipeline, files: list[Path], twins: list[str]
) -> None:
    """It would be an empty choice, that nothing needs to be done for."""
    (request,) = pipeline.run(files)["plan"]["requests"]
    store = store_ids.store_id(pipeline.store)
    assert store is not None
    number, there = rows(bossflow.Execution), set(locations.every(pipeline.store, "*"))
    commands = [("verify",), ("verify", "--retire"), ("invalidate", "--yes")]
    commands += [("invalidate", "--yes", "--lost")]
    named = {"request": request, "channel": twins[0], "store": store}
    for name, known in named.items():
        for command in [*commands, *[("components",)] * (name == "request")]:
            option = [f"--{name}"] * (command != ("components",))
            code, text = bossflow_says(*command, *option, f"{known[:-1]}x")
            assert (code, f"no {name} has an id starting with" in text) == (1, True), text
            if option:
                code, text = bossflow_says(*command, "--request", request, *option, "")
                assert (code, f"'--{name}': is empty" in text) == (2, True), text
    code, text = bossflow_says("invalidate", "--yes", "--channel", twins[0][:-1])
    assert (code, "2 channels have ids starting with" in text) == (1, True), text
    assert (number, there) == (rows(bossflow.Execution), set(locations.every(pipeline.store, "*")))
    assert bossflow_says("verify", "--channel", twins[0])[0] == 0
    code, text = bossflow_says("invalidate", "--yes", "--request", request[:-1])
    assert (code, "forgot 1 rows of stages" in text) == (0, True), text
    code, text = bossflow_says("invalidate", "--yes", "--store", store[:-1])
    assert (code, "forgot 5 rows of stages" in text) == (0, True), text


def altered(directory: Path) -> None:
    with (directory / "word.parquet").open("r+b") as stream:
        stream.seek(10)
        stream.write(b"\xff")


def truncated(directory: Path) -> None:
    os.truncate(directory / "word.parquet", 10)


def without_a_file(directory: Path) -> None:
    (directory / "word.parquet").unlink()


def a_directory_instead(directory: Path) -> None:
    (directory / "word.parquet").unlink()
    (directory / "word.parquet").mkdir()


def without_manifest(directory: Path) -> None:
    (directory / "bundle.json").unlink()


def with_another_manifest(directory: Path) -> None:
    path = directory / "bundle.json"
    manifest = json.loads(path.read_text()) | {"seconds": 0.0}  # its content is the same
    path.write_text(json.dumps(manifest))


def not_json(directory: Path) -> None:
    (directory / "bundle.json").write_text("{")


def gone(directory: Path) -> None:
    shutil.rmtree(directory)


def bossflow_says(*arguments: str) -> tuple[int, str]:
    from bossflow.command.main import main
    from click.testing import CliRunner

    done = CliRunner().invoke(main, arguments)
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("damage", "problem"),
    sample(
        [
            (altered, "word.parquet is not what its bundle says"),
            (truncated, "word.parquet is not what its bundle says: 10 bytes"),
            (without_a_file, "word.parquet is missing"),
            (a_directory_instead, "word.parquet can't be read: Is a directory"),
            (without_manifest, "bundle.json is missing"),
            (with_another_manifest, "bundle.json is not the one that was recorded"),
            (not_json, "bundle.json is not a valid bundle"),
            (gone, "bundle.json is missing"),
        ],
        1,
    ),
)
def test_damage_is_found_and_named_and_made_again(
    pipeline: Pipeline, files: list[Path], damage: Any, problem: str
) -> None:
    done = pipeline.run(files)
    (request,) = done["plan"]["requests"]
    before = contents(request)
    assert bossflow_says("verify", "--request", request)[0] == 0
    directory = bundle_of(done["receipts"], "COUNT_WORDS")
    damage(directory)
    code, text = bossflow_says("verify", "--request", request[:12], "--json")
    assert code == 1
    found, end = json.JSONDecoder().raw_decode(text)
    (one,) = found["damaged"]
    assert problem in one["problem"] and str(directory) in one["problem"]
    assert (one["process"], list(one["key"])) == ("COUNT_WORDS", ["file_id"])
    assert found["with_dependents"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert found["requests"] == [{"request": request, "what": "toy"}]
    assert "1 of 6 bundles damaged or missing: `bossflow verify --retire --request" in text[end:]
    code, text = bossflow_says("verify", "--request", request)
    assert code == 1, "looking changes nothing"
    assert f"COUNT_WORDS file_id={one['key']['file_id']}: {one['problem']}\n" in text
    code, text = bossflow_says("verify", "--request", request, "--retire")
    assert (code, "1 of 6 bundles damaged or missing: forgot 2 rows" in text) == (0, True), text
    again = pipeline.run(files)
    assert again["states"] == ["made", "made"]
    assert again["recorded"][0]["recorded"] == {"COUNT_WORDS": 1, "ADD_WORDS": 1}
    assert contents(request) == before
    code, text = bossflow_says("verify", "--request", request)
    assert (code, text.startswith("6 bundles as recorded")) == (0, True), text


def contents(request: str) -> set[str]:
    """Return the content digests of what a request was made of and is."""
    from bossflow.upkeep import verify

    only = verify.asked(request)[0]
    there = bossflow.Execution & [{"execution_id": name} for name in only or []]
    return set(there.to_arrays("content_sha256"))


def test_everything_that_is_recorded_is_verified(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bossflow.upkeep import verify

    done = pipeline.run(files)
    monkeypatch.setattr(verify, "PAGE", 2)
    # stores of other tests are gone
    own = f"bundle_url LIKE '{locations.url(pipeline.store)}/%%'"
    monkeypatch.setattr(verify, "Execution", bossflow.Execution & own)
    seen: list[int] = []
    assert verify.damaged(None, checked=seen.append) == {}
    assert len(seen) == len(files) + 1
    assert verify.asked(None) == (None, len(seen), sum(seen))
    for directory in {bundle_of(done["receipts"], name) for name in PROGRAMS}:
        without_manifest(directory)
    assert len(verify.damaged(None)) == 2


def test_a_store_that_can_not_be_reached_is_no_damage(
    pipeline: Pipeline, files: list[Path]
) -> None:
    done = pipeline.run(files)
    request, elsewhere = done["plan"]["requests"][0], pipeline.directory / "elsewhere"
    pipeline.store.rename(elsewhere)
    for _ in ("gone", "an empty directory, where it was mounted"):
        code, text = bossflow_says("verify", "--request", request, "--retire")
        assert (code, "nothing can be verified: 6 bundles are in store" in text) == (1, True), text
        assert f"store {pipeline.store} of " in text and "is away" in text
        pipeline.store.mkdir(exist_ok=True)
    pipeline.store.rmdir()
    elsewhere.rename(pipeline.store)
    assert bossflow_says("verify", "--request", request)[0] == 0


def test_what_is_invalidated_while_verifying_is_no_damage(
    pipeline: Pipeline, files: list[Path]
) -> None:
    from bossflow.upkeep import invalidate, verify

    done = pipeline.run(files)
    only, *_ = verify.asked(done["plan"]["requests"][0])
    assert only
    before = rows(bossflow.Execution)

    def invalidated(size: int) -> None:
        invalidate.invalidate(set(only))

    directory = bundle_of(done["receipts"], "ADD_WORDS")
    without_manifest(directory)
    assert verify.damaged(only, checked=invalidated) == {}
    assert rows(bossflow.Execution) == before - len(only)


def test_recorded_keys_are_found_whatever_they_share(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import datajoint as dj
    from bossflow import database
    from bossflow.core import ledger

    done = pipeline.run(files[:1])
    made = bundles.read(bundle_of(done["receipts"], "COUNT_WORDS"))
    execution = {"execution_id": made.manifest_sha256[:32]}
    conn, Execution = database.connection(), bossflow.Execution
    schema = dj.Schema(f"{database.schema_name()}_keys", {"Execution": Execution}, connection=conn)

    @schema
    class Keyed(dj.Manual):
        definition = """
        group : varchar(16)
        place : int64
        ---
        -> Execution
        """

    keys = [{"group": name, "place": n} for name in ("x", "it's 5%", "\\") for n in range(7)]
    there = keys[::2]
    Keyed.insert([key | execution for key in there])
    monkeypatch.setattr(database, "PIECE", 4)
    for asked in (keys, keys[:7], keys[7:14], keys[::7], keys[:1], keys[1:2], []):
        found = ledger.recorded(Keyed, asked)
        assert sorted(found) == sorted(tuple(key.values()) for key in there if key in asked)
        assert {one.content_sha256 for one in found.values()} <= {made.content_sha256}
    schema.drop(prompt=False)
    conn.dependencies.load(force=True)  # which cascades go by


@pytest.mark.parametrize("what", ["word.parquet", "."])
def test_a_link_out_of_the_store_is_not_followed(
    pipeline: Pipeline, files: list[Path], what: str
) -> None:
    from bossflow.core.record import record

    plan, work_dir = pipeline.plan(files[:1])
    receipts = pipeline.compute(plan, work_dir)
    inside = bundle_of(receipts, "COUNT_WORDS") / what
    outside = pipeline.directory / "outside"
    inside.rename(outside)
    inside.symlink_to(outside)
    result = record(plan, receipts)
    assert result["recorded"] == {}
    assert "leaves the store" in result["failed"][0]["error"]


def test_two_runs_at_once_record_each_unit_once(pipeline: Pipeline, files: list[Path]) -> None:
    from bossflow.core.record import record

    first, first_dir = pipeline.plan(files)
    second, second_dir = pipeline.plan(files)
    receipts = pipeline.compute(first, first_dir), pipeline.compute(second, second_dir)
    assert record(first, receipts[0])["recorded"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}
    other = record(second, receipts[1])
    assert (other["recorded"], other["failed"]) == ({}, [])
    assert other["known"] == {"COUNT_WORDS": 5, "ADD_WORDS": 1}


def test_tables_share_only_attributes_that_are_foreign_keys(toy: Any) -> None:
    """Every pair of tables joins, and only on what is the same attribute in both."""
    tables = []
    for cls, _ in bossflow.schema.tables:
        tables += [cls, *(getattr(cls, name) for name in dir(cls) if name[0].isupper())]
    tables = [cls for cls in tables if hasattr(cls, "full_table_name")]
    assert len(tables) > 15
    headings = {cls: cls().heading for cls in tables}
    for one, other in combinations(tables, 2):
        first, second = headings[one], headings[other]
        for name in set(first.names) & set(second.names):
            lineages = first[name].lineage, second[name].lineage
            assert lineages[0] == lineages[1] is not None, (one, other, name)
        plain = set(first.secondary_attributes) & set(second.secondary_attributes)
        plain -= {name for name in plain if first[name].lineage}
        assert not plain, (one, other, plain)
        len(one() * other())


def test_make_names_the_command(toy: Any) -> None:
    for name in ("PulledBlock", "BlockLabels", "BlockLinks", "Segmentation", "SegmentationBlock"):
        table = getattr(bossflow, name)
        with pytest.raises(NotImplementedError, match="nextflow run"):
            table().make({"request_id": "x"})
        if name != "Segmentation":
            with pytest.raises(NotImplementedError, match="bossflow status"):
                table.progress()
    asked = len(bossflow.LabelRequest())
    missing = asked - len(bossflow.Segmentation())  # other tests', if any
    assert bossflow.Segmentation.progress(display=False) == (missing, asked)


def test_the_lock_keeps_a_second_process_out(toy: Any, home: Path) -> None:
    from bossflow import database

    program = (
        "import bossflow.database as d; d.LOCK_SECONDS = 1; conn = d.connection()\n"
        "try:\n"
        "    with d.lock(conn): print('in')\n"
        "except d.DatabaseError: print('out')"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def other() -> str:
        command = [sys.executable, "-W", "ignore", "-c", program]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    with database.lock(database.connection()):
        assert other() == "out"
    assert other() == "in"


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
    for place in ("summary.txt", "requests.csv", "verdict.json"):
        assert f"(log: {task_dir}/.command.log)" in (work_dir / place).read_text(), place
