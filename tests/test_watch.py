"""What RECORD says while it waits for what is computed, and when it ends.

The same file runs on MySQL from test_mysql.py.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import bossflow
import pytest
from commands import HEARD
from pipeline import NUMBERS, Pipeline, bossflow_says
from pipeline import files as files
from pipeline import pipeline as pipeline
from pipeline import toy as toy


def forget_what_is_missing() -> None:
    """Delete the requests that other tests left incomplete."""
    from bossflow.core import states

    for one in states.requests():
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
        "amount_unit": "",
        "amount_per_second": None,
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


def test_what_requests_were_given_is_read_once(
    pipeline: Pipeline, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often is looked at them: of all that there are, these are many."""
    from bossflow.core import given
    from bossflow.upkeep.watch import watch

    asked: list[str] = []
    ask = given.not_recalled

    def noted(workflow: Any, names: Any) -> dict[str, str]:
        asked.extend(names)
        return ask(workflow, names)

    monkeypatch.setattr(given, "not_recalled", noted)
    (first,) = pipeline.plan(files[:2])[0]["requests"]
    looks = watch(0)
    next(looks)
    assert first in asked
    asked.clear()
    next(looks)
    assert first not in asked
    (second,) = pipeline.plan(files[1:3])[0]["requests"]
    next(looks)
    assert second in asked and first not in asked


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
        program = f"{HEARD}; from bossflow.command.main import main; main()"
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
    assert (stopped.communicate(timeout=120), stopped.returncode) == (("", ""), 0)
    ended = start("--watch", "--interval", "0.1")
    assert ended.stdout
    first = "progress: COUNT_WORDS 0 of 5; ADD_WORDS 0 of 1; 0 of 6 units recorded, 0 more made\n"
    assert ended.stdout.readline() == first
    pipeline.run(files)
    lines, errors = ended.communicate(timeout=120)
    *_, last, end = lines.splitlines()
    assert last.startswith("progress: COUNT_WORDS 5 of 5; ADD_WORDS 1 of 1; 6 of 6 units recorded")
    assert (end, errors, ended.returncode) == ("nothing is missing", "", 0)
    refused = start("--interval", "3")
    assert "--interval is for --watch" in refused.communicate(timeout=120)[1]


def test_watching_tells_the_speed_of_a_stage() -> None:
    from bossflow.core.work import UnitPlan
    from bossflow.upkeep.watch import _far, in_words

    blocks = ("0-100_0-100_0-100", "100-200_0-100_0-100", "200-300_0-100_0-50")
    amounts = (10**6, 10**6, 5 * 10**5)
    labels = [
        UnitPlan("LABEL_BLOCK", {"block": block}, {}, amount=amount, amount_unit="voxels")
        for block, amount in zip(blocks, amounts, strict=True)
    ]
    units = [*labels, UnitPlan("STITCH", {"request_id": "x"}, {}, tuple(labels))]
    sizes = {unit.unit_id: (unit.amount, 4.0) for unit in units}
    assert [unit.shown for unit in units] == [*blocks, "request_id=x"]
    begun: dict[tuple[str, ...], tuple[float, float]] = {}
    names = [unit.unit_id for unit in units]
    before = _far("x", units, sizes, {names[0]}, set(), begun)
    assert before["seconds_left"] is before["stages"]["LABEL_BLOCK"]["amount_per_second"] is None
    begun = {name: (at - 100, value) for name, (at, value) in begun.items()}
    after = _far("x", units, sizes, {names[0]}, {names[1]}, begun)
    assert after["stages"]["LABEL_BLOCK"]["amount_per_second"] == pytest.approx(10**4, rel=0.1)
    assert after["seconds_left"] == pytest.approx(200, rel=0.1), "8 s of work, 4 took 100"
    assert in_words(after).startswith("LABEL_BLOCK 2 of 3; STITCH 0 of 1; 1 of 4")
    assert in_words(after).endswith("min left")
    sizes[units[3].unit_id] = (0, 400.0)
    early = _far("x", units, sizes, {names[0]}, {names[1]}, begun)
    assert early["seconds_left"] is None, "a hundredth of it says nothing of the rest"
