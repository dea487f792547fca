"""Chains: steps one after another, each made once for what differs."""

import json
from pathlib import Path
from typing import Any

from searching import spots, write
from sweeping import Runs, sweep_of
from sweeping import runs as runs

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


def test_what_is_found_in_a_step_is_made_once_for_each_point_of_the_first(runs: Runs) -> None:
    uri = write(runs.directory / "spots", spots((12, 24, 27)))
    steps = {
        "copy": {"workflow": "transfer", "source": uri},
        "found": {"workflow": "detect", "source": "step:copy", "method": "spheres"},
    }
    steps["found"] |= {"diameter_nm": 49, "stop": 0.45}
    file = runs.write("chain", steps=steps, sweep={"copy.z_range": {"tiles": [-7, 5, 4]}})
    code, text = runs.sweep(file, command="chain")
    assert code == 0 and "3 of 3 points complete" in text, text
    assert [len(plan["requests"]) for plan in runs.plans] == [3, 3]
    assert runs.made["CREATE_VOLUME"] == runs.made["SETTLE_DETECTIONS"] == 3, runs.made


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


def test_what_read_another_request_is_not_its_result(runs: Runs) -> None:
    from bossflow.sweeps import points

    file = chain(runs, sweep={"found.min_voxels": [61, 62]})
    code, text = runs.sweep(file, command="chain")
    assert code == 0, text
    sweep, links = sweep_of(text), points.linked(sweep_of(text))
    other = {(1, "copy", 0): links[1, "alone", 0]}
    points.link(sweep, other, ["found", "alone"])
    assert points.linked(sweep) == {key: one for key, one in links.items() if key[0] == 2} | other


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
