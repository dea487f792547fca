"""Sweeps and chains: points are written down, run in rounds, and made once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from pipeline import bossflow_says
from sweeping import Runs
from sweeping import runs as runs


def points_of(text: str) -> list[Any]:
    from bossflow.sweeps import points

    return points.points(sweep_of(text))


def sweep_of(text: str) -> str:
    return next(line.split()[1] for line in text.splitlines() if line.startswith("sweep "))


def test_blocks_are_pulled_and_labelled_once_for_all_points(runs: Runs) -> None:
    file = runs.write(sweep={"min_voxels": [0, 2, 3, 5, 8]})
    code, text = runs.sweep(file)
    assert code == 0 and "5 of 5 points complete" in text, text
    assert runs.made == {
        "PULL_BLOCK": 27, "LABEL_BLOCK": 27, "LINK_BLOCK": 27, "STITCH": 5, "RELABEL_BLOCK": 135
    }  # fmt: skip
    values = [point.values for point in points_of(text)]
    assert values == [{"min_voxels": number} for number in (0, 2, 3, 5, 8)]
    code, again = runs.sweep(file)
    assert code == 0 and len(runs.plans) == 1, again
    from bossflow.sweeps import points

    links = points.linked(sweep_of(text))
    assert [key for key in sorted(links)] == [(number, "label", 0) for number in range(1, 6)]
    assert len(set(links.values())) == 5
    code, text = runs.sweep(runs.write("more", sweep={"min_voxels": [0, 2, 100]}))
    assert code == 0 and runs.made["STITCH"] == 6 and runs.made["PULL_BLOCK"] == 27, text


def test_each_row_of_a_sheet_is_asked_for_at_each_point(runs: Runs) -> None:
    sheet = runs.directory / "rows.csv"
    sheet.write_text("name,x_range\nleft,0..12\nright,12..24\n")
    asked = {"input": str(sheet), "sweep": {"min_voxels": [1, 2], "connectivity": [6, 26]}}
    code, text = runs.sweep(runs.write(**asked, **{"except": 1}))
    assert code == 1 and '"except", which is no parameter' in text, text
    code, text = runs.sweep(runs.write(**asked))
    assert code == 0 and "4 of 4 points complete" in text, text
    (plan,) = runs.plans
    assert len(plan["requests"]) == 8
    assert sorted(plan["names"].values())[:3] == [
        f"sweep-{sweep_of(text)[:8]}-{one}" for one in ("1-1", "1-2", "2-1")
    ]
    code, text = runs.sweep(runs.write(input=str(sheet), sweep={"x_range": [[0, 4]]}))
    assert code == 1 and "x_range, which is a column of input as well" in text, text


def test_points_stay_the_same_after_a_kill(runs: Runs) -> None:
    file = runs.write(sweep={"min_voxels": [3, 4]}, search={"by": "grid", "round": 1})
    program = (
        "import os, signal\nfrom bossflow.upkeep import launching\n"
        "launching.run = lambda words: os.kill(os.getpid(), signal.SIGKILL)\n"
        "launching.nextflow = lambda: ''\n"
        "from bossflow.command.main import main; main()"
    )
    command = [sys.executable, "-W", "ignore", "-c", program, "sweep", "run", str(file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "schema")}
    killed = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    before = points_of(killed.stdout)
    assert [(one.number, one.round, one.values) for one in before] == [(1, 1, {"min_voxels": 3})]
    code, text = runs.sweep(file)
    assert code == 0 and sweep_of(text) == sweep_of(killed.stdout), text
    assert [one.values["min_voxels"] for one in points_of(text)] == [3, 4]
    assert [one.round for one in points_of(text)] == [1, 2] and len(runs.plans) == 2


def test_who_comes_second_takes_the_points_of_the_first(runs: Runs) -> None:
    from bossflow import connect
    from bossflow.core.sweep_tables import SweepRound
    from bossflow.sweeps import definition, points
    from bossflow.sweeps.space import Told

    connect()
    file = runs.write(sweep={"min_voxels": [21, 22, 23]}, search={"round": 1})
    asked = definition.read(file)
    points.register(asked)
    points.register(asked)
    (first,) = points.ask(asked, 1, [])
    assert points.ask(asked, 1, []) == [first]
    told = [Told(first.values, 0.1 + 0.2)]
    (second,) = points.ask(asked, 2, told)
    assert points.ask(asked, 2, [Told(first.values, None)]) == [second]
    key = {"sweep_id": asked.sweep_id, "sweep_round": 2}
    (row,) = (SweepRound & key).to_dicts()
    assert json.loads(row["told_scores"]["canonical"]) == [0.1 + 0.2]


def test_a_failed_point_is_told_and_tried_again(runs: Runs) -> None:
    def stitch(unit: Any, bundle: Any) -> None:
        if unit.arguments["min_voxels"] == 4:
            raise ValueError("this one fails")
        whole(unit, bundle)

    programs = runs.pipelines["label"].programs
    whole = programs["STITCH"]
    runs.pipelines["label"].programs = programs | {"STITCH": stitch}
    file = runs.write(
        connectivity=18, sweep={"min_voxels": [2, 4, 6]}, search={"by": "grid", "round": 2}
    )
    code, text = runs.sweep(file)
    assert code == 1 and "2 of 3 points complete" in text, text
    assert "point 2 failed: step label, request" in text and "this one fails" in text
    assert len(runs.plans) == 2
    runs.pipelines["label"].programs = programs
    code, text = runs.sweep(file)
    assert code == 0 and "3 of 3 points complete" in text, text
    assert len(runs.plans) == 3 and runs.plans[-1]["planned"] == {"STITCH": 1, "RELABEL_BLOCK": 27}


def test_a_run_that_is_refused_or_ends_early_ends_the_sweep(runs: Runs) -> None:
    file = runs.write(sweep={"x_range": [[0, 28], [0, 29]]})
    code, text = runs.sweep(file)
    assert code == 1 and "the run of step label in round 1 did not begin" in text, text
    file = runs.write(sweep={"min_voxels": [31]}, connectivity=6)
    runs.monkeypatch.setattr("bossflow.core.summary._note_end", lambda *_: None)
    code, text = runs.sweep(file)
    assert code == 1 and "in round 1 ended early, with 0: run it again" in text, text


def test_a_users_own_name_stays_the_last_one(runs: Runs) -> None:
    from bossflow.core.states import names

    runs.pipelines["label"].run(
        [],
        name="mine",
        min_voxels=11,
        block_shape=[8, 10, 12],
        store=str(runs.directory / "store"),
    )
    code, text = runs.sweep(runs.write(stage=True, sweep={"min_voxels": [11, 12]}))
    assert code == 0, text
    from bossflow.sweeps import points

    links = points.linked(sweep_of(text))
    called = names(links.values())
    assert called[links[1, "label", 0]] == ["mine"]
    assert called[links[2, "label", 0]] == [f"sweep-{sweep_of(text)[:8]}-2"]
    request = links[2, "label", 0]
    assert bossflow_says("forget", request, "--yes")[0] == 0
    assert (2, "label", 0) not in points.linked(sweep_of(text))
    code, text = runs.sweep(runs.write(stage=True, sweep={"min_voxels": [11, 12]}))
    assert code == 0 and points.linked(sweep_of(text))[2, "label", 0] == request, text


STEPS = {
    "copy": {"workflow": "transfer"},
    "found": {"workflow": "label", "source": "step:copy", "connectivity": 6},
    "alone": {"workflow": "label", "connectivity": 26, "min_voxels": 2},
}


def chain(runs: Runs, **said: Any) -> Path:
    steps = {name: dict(step) for name, step in STEPS.items()}
    steps["copy"]["source"] = steps["alone"]["source"] = f"zarr://{runs.volume}"
    return runs.write("chain", steps=steps, **said)


def test_a_step_is_made_once_for_what_differs(runs: Runs) -> None:
    swept = {"copy.x_range": {"tiles": [0, 28, 14]}, "found.min_voxels": [0, 50]}
    file = chain(runs, sweep=swept)
    code, text = runs.sweep(file, command="chain")
    assert code == 0 and "4 of 4 points complete" in text, text
    assert [len(plan["requests"]) for plan in runs.plans] == [2, 4, 1]
    assert runs.made["CREATE_VOLUME"] == 2 and runs.made["STITCH"] == 5
    from bossflow.sweeps import points

    links = points.linked(sweep_of(text))
    assert len(links) == 12
    assert links[1, "copy", 0] == links[2, "copy", 0] != links[3, "copy", 0]
    assert len({links[point, "alone", 0] for point in range(1, 5)}) == 1
    assert runs.sweep(file, command="chain")[0] == 0 and len(runs.plans) == 3
    rounds = chain(runs, sweep=swept, search={"seed": 1, "round": 1})
    assert runs.sweep(rounds, command="chain")[0] == 0 and not runs.plans[3]["planned"]


def test_rows_are_read_row_by_row(runs: Runs) -> None:
    from bossflow.sweeps import points

    sheet = runs.directory / "rows.csv"
    sheet.write_text("x_range\n0..12\n12..24\n")

    def transfer(unit: Any, bundle: Any) -> None:
        if unit.key["block"].startswith("12-24"):
            raise ValueError("this one fails")
        whole(unit, bundle)

    programs = runs.pipelines["transfer"].programs
    whole = programs["TRANSFER_BLOCK"]
    runs.pipelines["transfer"].programs = programs | {"TRANSFER_BLOCK": transfer}
    steps = {name: dict(STEPS[name]) for name in ("copy", "found")}
    steps["copy"] |= {"source": f"zarr://{runs.volume}", "input": str(sheet)}
    file = runs.write("rows", steps=steps, sweep={"found.min_voxels": [1, 3]})
    code, text = runs.sweep(file, command="chain")
    assert code == 1 and "0 of 2 points complete" in text, text
    assert [len(plan["requests"]) for plan in runs.plans] == [2, 2]
    runs.pipelines["transfer"].programs = programs
    code, text = runs.sweep(file, command="chain")
    assert code == 0 and "2 of 2 points complete" in text, text
    links = points.linked(sweep_of(text))
    assert len(links) == 8 and len(set(links.values())) == 6
    assert [len(plan["requests"]) for plan in runs.plans[2:]] == [2, 4]


def test_a_chain_without_a_sweep_is_one_point(runs: Runs) -> None:
    code, text = runs.sweep(chain(runs), command="chain")
    assert code == 0 and "1 of 1 point complete" in text, text


def test_a_step_that_fails_fails_its_points_alone(runs: Runs) -> None:
    def transfer(unit: Any, bundle: Any) -> None:
        if unit.key["block"].startswith("14-28"):
            raise ValueError("this one fails")
        whole(unit, bundle)

    programs = runs.pipelines["transfer"].programs
    whole = programs["TRANSFER_BLOCK"]
    runs.pipelines["transfer"].programs = programs | {"TRANSFER_BLOCK": transfer}
    file = chain(runs, sweep={"copy.x_range": {"tiles": [0, 28, 14]}})
    code, text = runs.sweep(file, command="chain")
    assert code == 1 and "1 of 2 points complete" in text, text
    assert "point 2 failed: step copy, request" in text and "this one fails" in text
    assert [len(plan["requests"]) for plan in runs.plans] == [2, 1, 1]


def test_a_dry_run_writes_nothing(runs: Runs) -> None:
    asked: list[dict[str, Any]] = []

    def dry(words: list[str]) -> int:
        asked.append(json.loads(Path(words[words.index("-params-file") + 1]).read_text()))
        return 0

    from bossflow import connect
    from bossflow.core.sweep_tables import Sweep
    from bossflow.upkeep import launching

    connect()
    number = len(Sweep())
    runs.monkeypatch.setattr(launching, "run", dry)
    code, text = runs.sweep(
        chain(runs, sweep={"found.min_voxels": [7, 9]}), "--dry_run", command="chain"
    )
    assert code == 0, text
    assert "2 points of 2; 0 asked for before" in text
    assert "step found: 0 rows, 0 of them complete; 2 more rows when the steps before" in text
    assert [one["dry_run"] for one in asked] == [True, True]
    assert not (runs.directory / "results").exists() and len(Sweep()) == number


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--outdir", "x"), "--outdir is what the file says"),
        (("-params-file", "x"), "-params-file is what the file says"),
        (("--min_voxels", "3"), "min_voxels is a parameter of rows"),
        (("-name", "mine"), "-name is what a sweep calls its runs by itself"),
    ],
)
def test_options_that_would_change_points_are_refused(runs, options, said) -> None:
    code, text = runs.sweep(runs.write(sweep={"min_voxels": [1]}), *options)
    assert code == 1 and said in text, text
