"""The pipeline's wiring: what runs when, and what a user is told."""

import json
import os
import re
import shutil
import subprocess
import time
from operator import itemgetter
from pathlib import Path

import psutil
import pytest
from conftest import sample
from stage import OF_DESTINATIONS, OF_SOURCES, SECRETS, SOURCE, Stage, job, said
from stage import stage as stage

pytestmark = pytest.mark.nextflow


def test_nothing_to_do_is_summed_up_by_the_plan_and_leaves_reports(stage: Stage) -> None:
    run = stage.run(*SOURCE, "-with-report", reports=True)
    assert run.returncode == 0
    assert said(run) == ["recorded 0 tasks in 0 batches"]
    assert stage.programs == ["describe", "plan"]
    results = stage.launch / "results"
    assert (results / "requests.csv").read_text().startswith("request,")
    reports = {path.name for path in (results / "reports").iterdir()}
    assert reports == {"report.html", "timeline.html", "trace.txt", "dag.html"}


def test_a_problem_of_the_plan_is_one_sentence_before_any_compute(stage: Stage) -> None:
    sentence = "z_range 25..1900 leaves the channel: it has z 0..1850"
    run = stage.run(*SOURCE, plan={"problem": sentence, "tasks": [job("PULL_BLOCK-00000")]})
    assert run.returncode != 0
    assert said(run) == [sentence]
    assert stage.programs == ["describe", "plan"]


def test_a_dry_run_prints_the_plan_and_stops(stage: Stage) -> None:
    plan = {"dry_run": True, "text": "27 blocks to pull"}
    run = stage.run(*SOURCE, "--dry_run", plan=plan)
    assert (run.returncode, said(run)) == (0, ["27 blocks to pull"])
    assert stage.programs == ["describe", "plan"]
    assert json.loads(stage.journal[0]["run"])["params"]["dry_run"] is True


def test_what_is_missing_fails_the_run_and_the_command_for_it_can_be_pasted(stage: Stage) -> None:
    hostile = ["--archive", "it's $(touch bad) `touch bad`\"\\ é*", "--store", "a b"]
    run = stage.run(*SOURCE, *hostile, "-name", "only_once", missing="a block")
    asked = json.loads(stage.journal[0]["run"])["params"]
    assert run.returncode != 0
    summary, missing, command = said(run)
    assert (summary, missing) == ("recorded 0 tasks in 0 batches", "a block")
    assert command.startswith("To try again what is missing: nextflow -q run ")
    assert (stage.launch / "results" / "requests.csv").exists()
    stage.journal_file.unlink()
    again = subprocess.run(
        ["bash", "-c", command.removeprefix("To try again what is missing: ")],
        cwd=stage.launch,
        env=os.environ | {"SCENARIO": str(stage.scenario), "NXF_ANSI_LOG": "false"},
        capture_output=True,
        text=True,
    )
    assert command in said(again)
    assert json.loads(stage.journal[0]["run"])["params"] == asked
    assert asked["archive"] == hostile[1]
    assert not list(stage.directory.rglob("bad"))


# A diamond over two requests; LABEL_BLOCK-00001 dies, and so what comes after it never starts.
DIAMOND = [
    job("PULL_BLOCK-00000") | {"names": ["0-8_0-8_0-8", "8-16_0-8_0-8"]},
    job("PULL_BLOCK-00001"),
    job("LABEL_BLOCK-00000", "PULL_BLOCK-00000"),
    job("LABEL_BLOCK-00001", "PULL_BLOCK-00001"),
    job("LABEL_BLOCK-00002"),
    job("LINK_BLOCK-00000", "LABEL_BLOCK-00000", "LABEL_BLOCK-00002"),
    job("STITCH-00000", "LABEL_BLOCK-00000", "LABEL_BLOCK-00002", "LINK_BLOCK-00000"),
    job("STITCH-00001", "LABEL_BLOCK-00000", "LABEL_BLOCK-00001"),
    job("RELABEL_BLOCK-00000", "STITCH-00000", "LABEL_BLOCK-00000"),
    job("RELABEL_BLOCK-00001", "STITCH-00001", "LABEL_BLOCK-00000"),
    job("RELABEL_BLOCK-00002"),
]


def test_a_task_starts_when_those_before_it_are_done(stage: Stage) -> None:
    run = stage.run(
        *SOURCE,
        env={"NXF_SYNTAX_PARSER": "v2"} | dict.fromkeys(SECRETS, "x"),
        plan={"tasks": DIAMOND},
        die=["LABEL_BLOCK-00001"],
    )
    assert run.returncode != 0, "an ignored failure is a failure of the run"
    ends: dict[str, float] = {}
    for entry in stage.journal:
        for one in DIAMOND:
            if one["task"] == entry["task"]:
                assert all(ends[before] <= entry["start"] for before in one["after"])
                ends[entry["task"]] = entry["end"]
    never = {"STITCH-00001", "RELABEL_BLOCK-00001"}
    assert ends.keys() == {one["task"] for one in DIAMOND} - never
    tasks = [entry["task"] for entry in stage.journal]
    assert tasks.count("LABEL_BLOCK-00001") == 3, "a task is tried three times"
    assert len(tasks) == len(set(tasks)) + 2 + 2, "and no other more than once"
    assert any("recorded 8 tasks in 1 batches" in line for line in said(run)), said(run)
    assert stage.programs[-2:] == ["record", "summary"]
    trace = (stage.launch / "results" / "reports" / "trace.txt").read_text()
    assert "LABEL:PULL_BLOCK:TASK (PULL_BLOCK-00000 0-8_0-8_0-8 8-16_0-8_0-8)" in trace
    rights = {entry["program"]: entry["secrets"] for entry in stage.journal}
    archive, database = ["BOSSDB_TOKEN", OF_SOURCES], ["DJ_HOST", "DJ_USER", "DJ_PASS"]
    assert rights == {
        "describe": [*archive, OF_DESTINATIONS],
        "pull_block": archive,
        "label_block": [OF_SOURCES],
        "link_block": [],
        "stitch": [],
        "relabel_block": [],
        "plan": database,
        "record": database,
        "summary": database,
    }


@pytest.mark.parametrize("die", sample([["LABEL_BLOCK-00001"], []], 1))
def test_what_looks_changed_is_compared_before_it_is_planned(stage: Stage, die: list[str]) -> None:
    """PLAN is run once more, with what the tasks found that did not die."""
    doubtful = [job(f"{name}-0000{n}") for name in ("PULL_BLOCK", "LABEL_BLOCK") for n in (0, 1)]
    left = [job("LABEL_BLOCK-00005")]
    note = "2 blocks look changed"
    run = stage.run(
        *SOURCE,
        plan={"compare": True, "tasks": doubtful, "notes": [note]},
        again={"tasks": left},
        die=die,
    )
    assert (run.returncode != 0) == bool(die)
    assert f"note: {note}" in run.stdout
    tasks = [entry["task"] for entry in stage.journal]
    plans = [number for number, name in enumerate(stage.programs) if name == "plan"]
    assert len(plans) == 2
    assert {*tasks[plans[0] + 1 : plans[1]]} == {one["task"] for one in doubtful}
    assert stage.programs[plans[1] + 1 :] == ["label_block", "record", "summary"]
    assert len(stage.journal[plans[1]]["given"]) == 2 + len(doubtful) - len(die)
    assert any("recorded 1 tasks in 1 batches" in line for line in said(run)), said(run)


def test_a_run_of_which_nothing_can_be_compared_says_so(stage: Stage) -> None:
    run = stage.run(
        *SOURCE,
        plan={"compare": True, "tasks": [job("LABEL_BLOCK-00000")]},
        die=["LABEL_BLOCK-00000"],
    )
    assert run.returncode != 0
    assert "none could be compared" in run.stdout + run.stderr
    assert stage.programs.count("plan") == 1


def test_recording_goes_on_while_blocks_are_computed(stage: Stage) -> None:
    pulls = [job(f"PULL_BLOCK-{n:05}") for n in range(30)]
    labels = [job(f"LABEL_BLOCK-{n:05}", f"PULL_BLOCK-{n:05}") for n in range(30)]
    seconds = {"pull_block": 0.2, "label_block": 0.2, "record": 0.1}
    run = stage.run(*SOURCE, plan={"tasks": pulls + labels}, seconds=seconds)
    assert said(run)[-1] == "recorded 60 tasks in 3 batches"
    computed = max(e["start"] for e in stage.journal if e["program"] == "label_block")
    recorded = [entry["end"] for entry in stage.journal if entry["program"] == "record"]
    assert sum(end < computed for end in recorded) >= 2, "batches are recorded while computing"


def test_a_long_run_says_how_far_it_is(stage: Stage) -> None:
    pulls = [job(f"PULL_BLOCK-{n:05}", units=2) for n in range(21)]
    labels = [job(f"LABEL_BLOCK-{n:05}", "PULL_BLOCK-00000", units=2) for n in range(4)]
    stitch = job("STITCH-00000", *(one["task"] for one in labels), seconds=9)
    started = time.monotonic()
    run = stage.run(
        *SOURCE,
        env={"NXF_SYNTAX_PARSER": "v2"},
        plan={"tasks": [*pulls, *labels, stitch]},
        states={one["task"]: ["made", "made"] for one in pulls + labels}
        | {"PULL_BLOCK-00000": ["made", "failed"], "LABEL_BLOCK-00003": ["reused", "made"]},
        seconds={"PULL_BLOCK-00000": 12, "stitch": 3},
    )
    lines = [line for line in said(run) if line.startswith("progress: ")]
    recorded = r"; (0|39|40) of 51 units recorded"  # twenty tasks, with or without the failed one
    most = 3 + (time.monotonic() - started) // 10
    assert 3 <= len(lines) <= most, "one at the end of each stage, else one in ten seconds"
    pulled = rf"progress: PULL_BLOCK 41 of 42, [0-3]\.\d Mvoxels/s{recorded}; about .+ left"
    labelled = rf"progress: LABEL_BLOCK 8 of 8, \d+\.\d Mvoxels/s{recorded}; about .+ left"
    assert any(re.fullmatch(pulled, line) for line in lines), lines
    assert any(re.fullmatch(labelled, line) for line in lines), lines
    assert re.fullmatch(f"progress: STITCH 1 of 1{recorded}", lines[-1]), lines


def test_a_task_asks_for_what_the_plan_says_and_for_more_after_it_was_killed(stage: Stage) -> None:
    fields = stage.directory / "fields.config"
    fields.write_text("trace.fields = 'name,attempt,memory'\ntrace.raw = true\n")
    machine = psutil.virtual_memory().total
    run = stage.run(
        *(*SOURCE, "-c", str(fields)),
        plan={
            "asks": {
                "PULL_BLOCK": [{"memory": 10**8, "seconds": 1}],
                "LABEL_BLOCK": [{"memory": 2 * machine, "seconds": 1.5}],
            },
            "tasks": [job("PULL_BLOCK-00000"), job("PULL_BLOCK-00001"), job("LABEL_BLOCK-00002")],
        },
        exits={"PULL_BLOCK-00000": [137, 1, 0], "PULL_BLOCK-00001": [2, 143, 0]},
    )
    assert run.returncode == 0, said(run)
    notes = [line for line in said(run) if line.startswith("note: ")]
    assert len(notes) == 1 and "a task of LABEL_BLOCK may take" in notes[0]
    trace = (stage.launch / "results" / "reports" / "trace.txt").read_text()
    asked = {
        (number, int(attempt)): int(memory)
        for number, attempt, memory in re.findall(r"BLOCK-(\S+)\)\t(\d)\t(\d+)", trace)
    }
    assert 0.99 * machine < asked.pop(("00002", 1)) <= machine
    assert asked == {
        ("00000", 1): 10**8,
        ("00000", 2): 2 * 10**8,
        ("00000", 3): 2 * 10**8,
        ("00001", 1): 10**8,
        ("00001", 2): 10**8,
        ("00001", 3): 2 * 10**8,
    }


def test_each_size_asks_for_what_its_largest_unit_does(stage: Stage) -> None:
    """Whichever parser; what compares is of one size."""
    fields = stage.directory / "fields.config"
    fields.write_text("trace.fields = 'name,cpus,memory,disk'\ntrace.raw = true\n")
    sizes = [{"memory": n * 10**7, "cores": 1, "disk": 0, "seconds": 1} for n in (1, 10, 100)]
    doubtful = [job(f"LABEL_BLOCK-{n:05}") | {"size": n} for n in range(3)]
    before = job("LABEL_BLOCK-00003")
    after = [job(f"LINK_BLOCK-{n:05}", "LABEL_BLOCK-00003") | {"size": n} for n in range(3)]
    most = sizes[-1] | {"disk": 10**9}
    run = stage.run(
        *(*SOURCE, "-c", str(fields)),
        env={"NXF_SYNTAX_PARSER": "v2"},
        plan={"compare": True, "asks": {"COMPARE": [most]}, "tasks": doubtful},
        again={"asks": {"LINK_BLOCK": sizes}, "tasks": [before, *after]},
    )
    assert run.returncode == 0, said(run)
    trace = (stage.launch / "results" / "reports" / "trace.txt").read_text()
    rows = re.findall(r"(\S+) \((L\w+-\d+)\)\t2\t(\S+)\t(\S+)", trace)
    assert {task: row for _, task, *row in rows} == {
        **{one["task"]: [str(10**9), str(10**9)] for one in doubtful},
        "LABEL_BLOCK-00003": ["-", "-"],
        **{one["task"]: [str(size["memory"]), "-"] for one, size in zip(after, sizes, strict=True)},
    }
    assert [row[0] for row in sorted(rows, key=itemgetter(1))] == [
        *["BEGIN:COMPARE"] * 3,
        "LABEL:LABEL_BLOCK:TASK",
        *(f"LABEL:LINK_BLOCK:TASK{size}" for size in ("", "_M", "_L")),
    ]


@pytest.mark.parametrize("program", sample(["record", "summary"], 1))
def test_a_failing_record_or_summary_fails_the_run(stage: Stage, program: str) -> None:
    run = stage.run(*SOURCE, plan={"tasks": [job("PULL_BLOCK-00000")]}, die=[program])
    assert run.returncode != 0
    assert stage.programs[-1] == "summary"
    assert stage.programs.count(program) == 3
    if program == "summary":
        *_, missing, command = said(run)
        assert missing == "the summary could not be made: `bossflow status` shows what is missing"
        assert command.startswith("To try again what is missing: nextflow -q run ")


def test_it_runs_from_a_git_url(stage: Stage, tmp_path: Path) -> None:
    bare = tmp_path / "bossflow.git"
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@localhost", "-C", str(stage.project))
    try:
        for command in (
            ("init", "-q", "-b", "main"),
            ("add", "."),
            ("commit", "-qm", "all"),
            ("tag", "v9"),
        ):
            subprocess.run([*git, *command], check=True)
        subprocess.run(["git", "clone", "-q", "--bare", str(stage.project), str(bare)], check=True)
    finally:
        shutil.rmtree(stage.project / ".git")
    assets = {"NXF_ASSETS": str(tmp_path / "assets"), "NXF_OFFLINE": "false"}
    run = stage.run(*SOURCE, "-r", "v9", pipeline=f"file:{bare}", env=assets)
    assert run.returncode == 0, said(run)
    asked = json.loads(stage.journal[0]["run"])["run"]
    assert asked["revision"] == "v9" and len(asked["commit"]) == 40
    assert asked["project_dir"].startswith(str(tmp_path / "assets"))
