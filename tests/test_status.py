"""`bossflow status` of some requests, of those that failed, of the latest; and its runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from pipeline import PROGRAMS, Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


def told(*options: str) -> dict[str, Any]:
    code, text = bossflow_says("status", "--json", *options)
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


def test_one_request_that_nothing_tells_of_hides_no_other(
    pipeline: Pipeline, files: list[Path]
) -> None:
    """As an older version recorded it, of a workflow that can't recall any."""
    import bossflow
    from bossflow.upkeep.watch import watch

    files[0].write_text("a file of this test alone")
    (lost,) = pipeline.run(files[:1], suffix="lost")["plan"]["requests"]
    (whole,) = pipeline.run(files[:1], suffix="whole")["plan"]["requests"]
    before = told()["requests"]
    missing = {one["request"] for one in before if one["state"] != "complete"}
    (bossflow.Request.Given() & {"request_id": lost}).delete_quick()
    sentence = f"what request {lost} was given is not recorded: ask for it again"
    assert bossflow_says("db", "migrate")[0] == 0, "it fills in what can be told of the others"
    after = told()
    assert after["requests"] == [one for one in before if one["request"] != lost]
    assert whole in [one["request"] for one in after["requests"]]
    left = {"workflow": "toy", "requests": 1, "why": sentence, "request": lost}
    assert left in after["left_out"]
    code, text = bossflow_says("status")
    assert (code, f"{sentence}\n" in text) == (0, True), text
    (waiting,) = pipeline.plan(files[:1], suffix="waiting")[0]["requests"]
    look = next(watch(0.1))
    assert left in look["left_out"]
    assert {waiting} <= {one["request"] for one in look["requests"]} <= {waiting} | missing
    assert bossflow_says("status", "--request", lost) == (1, f"Error: {sentence}\n")
    code, text = bossflow_says("forget", lost, "--yes")
    assert (code, f"request {lost} of which nothing more is known here\n" in text) == (0, True), (
        text
    )
    assert left not in told()["left_out"]
    assert pipeline.run(files[:1], suffix="waiting")["verdict"] == {"missing": None}


def test_runs_and_requests_are_chosen(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pipeline.run(files)
    right = PROGRAMS["COUNT_WORDS"]
    monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", lambda *_: 1 / 0)
    files[0].write_text("other words than before, in a file of this test alone")
    broken = pipeline.run(files)
    killed, work_dir = pipeline.plan(files[1:2], "never")
    monkeypatch.setitem(PROGRAMS, "COUNT_WORDS", right)
    ids = [run["plan"]["requests"][0] for run in (whole, broken)] + killed["requests"]
    runs = [run["plan"]["run_id"] for run in (whole, broken)] + [killed["run_id"]]

    every = told()
    assert [one["request"] for one in every["requests"]][-3:] == ids
    assert [one["run_id"] for one in every["runs"]][-3:] == runs
    ends = [(one["made"], one["failed"], one["missing"]) for one in every["runs"]][-3:]
    assert ends == [(6, 0, 0), (0, 1, 1), (0, 0, None)]
    assert [one["ended"] is None for one in every["runs"]][-3:] == [False, False, True]
    some = told("--request", ids[0][:12], "--request", ids[1])
    assert [one["request"] for one in some["requests"]] == ids[:2]
    assert [one["run_id"] for one in some["runs"]] == runs[:2]
    assert some["totals"]["requests"] == some["totals"]["runs"] == 2
    assert some["requests"] == [one for one in every["requests"] if one["request"] in ids[:2]]
    failed = told("--failed")
    assert failed["requests"][-1]["request"] == ids[1] and failed["runs"][-1]["run_id"] == runs[1]
    assert {one["state"] for one in failed["requests"]} == {"failed"}
    assert [one["request"] for one in told("--last", "2")["requests"]] == ids[1:]
    last = told("--last", "1", "--failed")
    assert [one["request"] for one in last["requests"]] == [ids[1]]
    assert [one["run_id"] for one in last["runs"]] == [runs[1]]

    code, text = bossflow_says("status", "--last", "3")
    assert code == 0, text
    outcomes = "complete", "1 request not complete", "goes on, or was killed"
    lines = [one for line in text.splitlines() if (one := line.rstrip()).endswith(outcomes)]
    assert [line.split()[0] for line in lines] == ["run1", "run2", "run3"], text
    assert all(line.endswith(one) for line, one in zip(lines, outcomes, strict=True)), text
    done = pipeline.run(files)
    assert done["verdict"] == {"missing": None}
    (one,) = told("--request", ids[1])["requests"]
    assert one["state"] == "complete"
    assert told("--request", ids[1])["runs"][-1]["missing"] == 0


def test_what_goes_with_nothing_is_refused(pipeline: Pipeline, files: list[Path]) -> None:
    pipeline.run(files)
    for given in (["--last", "0"], ["--request", ""], ["--watch", "--failed"]):
        code, text = bossflow_says("status", *given)
        assert code == 2, text
    code, text = bossflow_says("status", "--request", "ffffffffffffffffff")
    assert code == 1 and "no request has an id" in text
