"""Workflow map: a function's calls from rows to what is recorded, a step at a time."""

import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bossflow.core.tables import Request, Run
from functions.caller import Caller
from mapping import HELPER, Mapping
from mapping import mapping as mapping
from pipeline import bossflow_says


def test_what_one_call_does_is_no_other_ones(mapping: Mapping) -> None:
    """Results of each kind, and each way to fail: in one run, of which the rest is recorded."""
    hows = ["", "none", "nan", "array", "file", "long", "raise", "exit", "die", "path"]
    done = mapping.map(*({"x": 3, "how": how} for how in hows), {"x": 3, "how": ""})
    assert "1 row of 11 ask for the same call as one before" in "".join(done["plan"]["notes"])
    assert done["states"].count("failed") == 4 and done["recorded"][0]["recorded"] == {
        "STAGE_FUNCTION": 1,
        "CALL_FUNCTION": 6,
    }
    errors = "\n".join(one["error"] for one in done["recorded"][0]["failed"])
    for said in (
        'ValueError: no 3 (called with how="raise", x=3)',
        "SystemExit: 3 (called with",
        "its process was killed by SIGSEGV (called with",
        "TypeError: the result has a function",
    ):
        assert said in errors, errors
    found = mapping.results(done)
    kinds = {how: found[json.dumps({"how": how, "x": 3})]["result_kind"] for how in hows[:6]}
    assert [*kinds.values()] == ["json", "json", "json", "numpy", "files", "json"]
    assert found['{"how": "none", "x": 3}']["result_json"] == "null"
    assert found['{"how": "long", "x": 3}']["result_json"] is None
    again = mapping.map(*({"x": 3, "how": how} for how in hows))
    assert again["plan"]["found"] == {"STAGE_FUNCTION": 1, "CALL_FUNCTION": 6}
    code, said = bossflow_says("verify", "--request", done["plan"]["requests"][0])
    assert code == 0, said


def test_calls_are_traced_taken_along_and_made_again(mapping: Mapping) -> None:
    (request,) = mapping.map({"x": 1}, {"x": 2})["plan"]["requests"]
    (other,) = mapping.map({"x": 2})["plan"]["requests"]
    code, said = bossflow_says("lineage", request)
    assert code == 0 and said.startswith(f"request {request}, made by 3 units"), said
    assert "STAGE_FUNCTION function_id=" in said
    for form in ("parquet", "ro-crate"):
        to = str(mapping.directory / form)
        code, said = bossflow_says("export", request, "--format", form, "--to", to)
        assert code == 0, said
    code, said = bossflow_says("invalidate", "--request", other, "--yes")
    assert code == 0, said
    assert mapping.map({"x": 1}, {"x": 2})["recorded"][0]["recorded"] == {"CALL_FUNCTION": 1}
    code, said = bossflow_says("forget", request, "--yes")
    assert code == 0 and "with 1 row of stages; 1 bundle moved to .retired" in said, said
    assert mapping.map({"x": 1}, {"x": 2})["recorded"][0]["recorded"] == {"CALL_FUNCTION": 1}


def test_a_changed_source_makes_all_calls_anew_and_no_other_change_does(mapping: Mapping) -> None:
    rows = [{"x": 1}, {"x": 2}]
    first = mapping.map(*rows)
    assert first["verdict"] == {"missing": None}, first["summary"]
    (mapping.directory / "other.py").write_text("import nothing_of_that_name")
    more = mapping.map(*rows, {"x": 5})
    assert more["recorded"][0]["recorded"] == {"CALL_FUNCTION": 1}
    (mapping.directory / "helper.py").write_text(HELPER.replace("2 * x", "3 * x"))
    mended = mapping.map(*rows)
    assert mended["recorded"][0]["recorded"] == {"STAGE_FUNCTION": 1, "CALL_FUNCTION": 2}
    assert [one["result_json"] for one in mapping.results(mended).values()] in (
        ["3", "6"],
        ["6", "3"],
    )


def test_a_second_machine_calls_nothing_again(mapping: Mapping) -> None:
    """What a call returned is recorded once, wherever its store is."""
    mapping.map({"x": 1})
    shutil.move(mapping.store, mapping.directory / "away")
    mapping.store = mapping.directory / "another"
    there = mapping.map({"x": 1}, {"x": 2})
    assert there["verdict"] == {"missing": None}, there["summary"]
    made = [line for path in there["receipts"] for line in map(json.loads, path.open())]
    assert sorted(line["process"] for line in made) == ["CALL_FUNCTION", "STAGE_FUNCTION"]


def test_files_are_known_by_their_content(mapping: Mapping) -> None:
    file = mapping.directory / "in put.txt"
    file.write_text("ab")
    first = mapping.map({"x": 2, "file": "in put.txt"})
    (request,) = first["plan"]["requests"]
    (run,) = (Run & (Request() & {"request_id": request}).proj(run_id="first_run_id")).to_dicts()
    assert Path(run["run_parameters"]["project_dir"]).samefile(mapping.directory)
    assert [one["result_json"] for one in mapping.results(first).values()] == ['"abab"']
    (mapping.directory / "elsewhere").mkdir()
    shutil.copy(file, mapping.directory / "elsewhere")
    moved = mapping.map({"x": 2, "file": "elsewhere/in put.txt"})
    assert "nothing to compute" in moved["summary"]
    file.write_text("cd")
    plan, work_dir = mapping.plan(**mapping.asked(mapping.directory / "rows.jsonl"))
    assert not plan["tasks"]
    rows = mapping.directory / "changed.jsonl"
    rows.write_text('{"x": 2, "file": "in put.txt"}\n')
    plan, work_dir = mapping.plan(**mapping.asked(rows))
    file.write_text("ef")
    (receipts,) = mapping.compute(plan, work_dir)
    assert "changed since the run began: run again" in receipts.read_text()
    changing = mapping.map({"x": 2, "file": "in put.txt", "how": "change"})
    (failed,) = changing["recorded"][0]["failed"]
    assert f"{file} changed while the function was called" in failed["error"]


def test_sources_that_change_while_a_run_begins_are_refused(mapping: Mapping) -> None:
    rows = mapping.directory / "rows.jsonl"
    rows.write_text('{"x": 2}\n')
    plan, work_dir = mapping.plan(**mapping.asked(rows))
    (mapping.directory / "helper.py").write_text("")
    (staged, called) = mapping.compute(plan, work_dir)
    assert "helper.py changed since the run began: run again" in staged.read_text()
    assert json.loads(called.read_text())["state"] == "blocked"


def test_other_software_than_it_was_asked_for_with_is_refused(mapping: Mapping) -> None:
    rows = mapping.directory / "rows.jsonl"
    rows.write_text('{"x": 2}\n')
    plan, work_dir = mapping.plan(**mapping.asked(rows))
    task = next(work_dir.glob("tasks/STAGE_FUNCTION*"))
    text = task.read_text()
    assert '"numpy":"' in text
    task.write_text(text.replace('"numpy":"', '"numpy":"0.'))
    (_, called) = mapping.compute(plan, work_dir)
    assert "the function was asked for with numpy 0." in called.read_text()


def test_files_that_parquet_names_are_not_seen_in_containers(
    mapping: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = mapping.directory / "rows.parquet"
    pq.write_table(pa.table({"x": [1], "file": ["/nowhere/a.txt"]}), rows)
    monkeypatch.setenv("BOSSFLOW_CONTAINER", "bossflow/intern:0123")
    plan, _ = mapping.plan(**mapping.asked(rows))
    assert "/nowhere/a.txt, no file" in plan["problem"]
    assert plan["problem"].endswith("are not seen: give rows as CSV")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"function": "helper:thrice"}, "helper has no function thrice"),
        ({"function": "theirs:twice"}, "there is no module theirs in"),
        ({"function": "twice"}, "twice is no function: give module:name"),
        ({"rows": "none.csv"}, 'rows "none.csv" is not there: give the path of a file'),
        ({"rows": "helper.py"}, "helper.py must be CSV, JSON Lines or Parquet"),
        ({"project_dir": "none"}, 'project_dir "none" is not there: give the path of a directory'),
    ],
)
def test_what_cannot_be_called_is_refused(
    mapping: Mapping, params: dict[str, str], said: str
) -> None:
    assert said in mapping.problem({"x": 1}, **params)


def test_all_rows_that_are_wrong_are_told(mapping: Mapping) -> None:
    said = mapping.problem({"x": "a"}, {"x": 1}, {"y": 1}, {"x": 1, "file": "none"})
    assert len(said.splitlines()) == 3
    for words in ("row 1: x", "row 3: y is not for twice", "row 4: file is"):
        assert words in said


def test_no_more_calls_are_asked_for_than_a_request_holds(
    mapping: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bossflow.workflows.map.requests.CALLS_MAX", 2)
    said = mapping.problem({"x": 1}, {"x": 2}, {"x": 3})
    assert said.startswith("rows asks for 3 calls, and a request has 2 at most")


def test_calls_are_cut_into_tasks_by_how_long_they_take(
    mapping: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where little is known, eight tasks a core; then by what is recorded."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def tasks(number: int) -> list[int]:
        rows = mapping.directory / "rows.csv"
        rows.write_text("x\n" + "".join(f"{n}\n" for n in range(number)))
        plan, _ = mapping.plan(**mapping.asked(rows))
        return sorted(t["units"] for t in plan["tasks"] if t["process"] == "CALL_FUNCTION")

    assert tasks(8) == [1] * 8
    assert tasks(200) == [12] * 8 + [13] * 8
    assert tasks(1000) == [62] * 8 + [63] * 8
    mapping.map({"x": 1})
    assert len(tasks(1000)) == 16, "one was to try it"
    mapping.map(*({"x": x} for x in range(10)))
    assert tasks(1000) == [495, 495]


def test_calls_that_took_long_before_are_made_first_and_alone(
    mapping: Mapping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By their arguments, where the function was changed; and the others in many tasks."""
    import bossflow

    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    rows = [{"x": x, "how": ""} for x in range(40)]
    done = mapping.map(*rows)
    long = [row for row in mapping.results(done).values() if row["call_arguments"]["x"] in (7, 8)]
    for row in long:
        bossflow.FunctionCall.update1(
            {name: row[name] for name in ("function_id", "call_id")} | {"call_seconds": 30.0}
        )
    (mapping.directory / "helper.py").write_text(HELPER.replace("2 * x", "3 * x"))
    plan, work_dir = mapping.plan(**mapping.asked(mapping.directory / "rows.jsonl"))
    calls = [task for task in plan["tasks"] if task["process"] == "CALL_FUNCTION"]
    first = [
        json.loads((work_dir / "tasks" / f"{task['task']}.jsonl").read_text().splitlines()[1])
        for task in calls[:2]
    ]
    assert [(task["units"], task["seconds"]) for task in calls[:2]] == [(1, 30.0)] * 2
    assert {one["arguments"]["arguments"]["x"] for one in first} == {7, 8}
    assert len(calls) >= 2 + 8 and sum(task["units"] for task in calls) == 40


def test_a_worker_takes_no_word_of_a_function_for_an_answer(tmp_path: Path) -> None:
    """Whatever a function writes to standard output, and however it ends its process."""
    (tmp_path / "loud.py").write_text(
        "import os\n"
        "def shout(code):\n"
        "    os.write(1, b'{}' + bytes([10]))\n"
        "    return os._exit(code) if code is not None else 1\n"
    )
    asked = {"module": "loud", "name": "shout", "parameters": [["code", "json", True]]}
    asked |= {"sources": str(tmp_path), "directory": str(tmp_path / "made")}
    caller = Caller()
    try:
        answers = [
            caller.call(asked | {"arguments": {"code": code}}) for code in (None, 0, 7, None)
        ]
    finally:
        caller.close()
    assert [one.get("value") for one in answers] == [1, None, None, 1]
    assert [one.get("error") for one in answers[1:3]] == [
        "it ended its process, with exit code 0",
        "it ended its process, with exit code 7",
    ]
