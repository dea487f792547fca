"""Sweeps: points are written down, run in rounds, scored, and made once."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from conftest import ROOT
from pipeline import bossflow_says
from searching import spots, write
from sweeping import Runs, points_of, sweep_of
from sweeping import runs as runs


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


def test_a_block_is_pulled_once_for_all_searches(runs: Runs) -> None:
    asked = {"workflow": "detect", "method": "spheres", "block_shape": [6, 8, 9], "stage": True}
    asked["source"] = write(runs.directory / "spots", spots((18, 24, 27)))
    swept = {"diameter_nm": [40, "44.5", 49], "stop": {"from": 0.3, "to": 0.6, "step": 0.1}}
    file = runs.write(**asked, sweep=swept)
    code, text = runs.sweep(file)
    assert code == 0 and "12 of 12 points complete" in text, text
    assert runs.made["PULL_BLOCK"] == 27 and runs.made["SETTLE_DETECTIONS"] == 12, runs.made
    assert runs.sweep(file)[0] == 0 and len(runs.plans) == 1


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


def test_points_are_scored_and_the_search_is_told(runs: Runs) -> None:
    from bossflow.core.sweep_tables import SweepRound
    from bossflow.sweeps import points

    whole = {"block_shape": [20, 24, 28], "connectivity": 6}
    best = runs.pipelines["label"].run(
        [], **whole, min_voxels=13, store=str(runs.directory / "store")
    )
    (request,) = best["plan"]["requests"]
    asked = {
        **whole,
        "stage": True,
        "truth": f"bossflow://{request}",
        "sweep": {"min_voxels": {"from": 1, "to": 30, "step": 1}},
    }
    how = {"by": "tpe", "points": 6, "round": 2, "best": "f1"}
    code, text = runs.sweep(runs.write(**asked, search=how))
    assert code == 0 and "6 of 6 points complete; best f1: " in text, text
    sweep = sweep_of(text)
    rows = (SweepRound & {"sweep_id": sweep}).to_dicts(order_by="sweep_round")
    told = [json.loads(row["told_scores"]["canonical"]) for row in rows]
    assert [len(one) for one in told] == [0, 2, 4] and told[2][:2] == told[1]
    assert all(0 < score <= 1 for score in told[2])
    links = points.linked(sweep)
    gone = ("invalidate", "--request", links[1, "label", 0], "--yes")
    code, text = bossflow_says(*gone)
    assert code == 0, text
    code, text = runs.sweep(runs.write(**asked, search=how | {"points": 8}))
    assert code == 0 and sweep_of(text) == sweep, text
    values = [one.values["min_voxels"] for one in points.points(sweep)]
    assert len({*values}) == 8, values
    code, text = runs.sweep(runs.write(**asked | {"truth": "nobody"}, search=how))
    assert code == 1 and "truth 'nobody': no request has an id" in text, text


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
