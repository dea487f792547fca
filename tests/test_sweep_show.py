"""`bossflow sweep show`: points, scores, the best one's parameters, and the page."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bossflow.look import browser
from bossflow.look.swept_page import page
from bossflow.sweeps import told
from engines import need
from pipeline import bossflow_says
from sweeping import Runs
from sweeping import runs as runs
from test_page import Parsed
from test_page_in_browser import PHONE, media, rules_kept

HOSTILE = "<img src=x onerror=alert(1)>\"'</style><script>alert(2)</script>"


def shown(*words: str) -> tuple[int, str]:
    return bossflow_says("sweep", "show", *words)


def seen(*words: str) -> dict[str, Any]:
    code, text = shown(*words, "--json")
    assert code == 0, text
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def swept(runs: Runs) -> Path:
    """Sweep label's `min_voxels`, scored against its own result with 3."""
    truth = runs.write("truth", sweep={"min_voxels": [3]})
    assert runs.sweep(truth)[0] == 0
    (point,) = seen(str(truth))["points"]
    (request,) = point["requests"]["label"]
    asked = {"sweep": {"min_voxels": [0, 3, 60]}, "truth": f"bossflow://{request}"}
    file = runs.write("cells", **asked)
    code, text = runs.sweep(file)
    assert code == 0, text
    return file


def test_points_are_shown_with_their_scores(runs: Runs, swept: Path) -> None:
    found = seen(str(swept))
    assert [one["values"] for one in found["points"]] == [{"min_voxels": n} for n in (0, 3, 60)]
    assert {one["state"] for one in found["points"]} == {"complete"}
    assert all(0 <= one["score"] <= 1 for one in found["points"])
    assert found["best"][0]["values"] == {"min_voxels": 3} and found["best"][0]["score"] == 1
    assert seen("cells") == seen(found["sweep"][:6]) == found
    code, text = shown("cells", "--best", "1")
    assert code == 0
    point, state = text.splitlines()[1].split(), text.splitlines()[-1]
    assert point[:5] == ["2", "1", "3", "1", "complete"] and len(text.splitlines()) == 3
    assert re.fullmatch(
        r"sweep \w{16} \(cells\): 3 points \(3 complete\); best f1: 1, point 2", state
    )
    code, text = shown()
    assert f"{found['sweep']}  cells  label, 3 points" in text


def test_the_best_parameters_ask_for_the_best_point_again(runs: Runs, swept: Path) -> None:
    made = runs.made.total()
    for words, name in ((["cells"], "best.json"), ([str(swept)], "best.yml")):
        file = runs.directory / name
        code, text = shown(*words, "--params", str(file))
        assert code == 0 and f"written: {file}" in text
        from bossflow.sweeps import files

        said = files.read(file)
        assert (said["workflow"], said["min_voxels"]) == ("label", 3)
        assert "store" in said or name == "best.json", "where it is kept is no part of a sweep"
        said |= {"sweep": {"connectivity": [26]}, "store": str(runs.directory / "store")}
        again = runs.directory / f"again-{name}.json"
        again.write_text(json.dumps(said | {"outdir": str(runs.directory / "results")}))
        assert runs.sweep(again)[0] == 0
        assert runs.made.total() == made, "it is recorded"


def test_what_has_no_score_has_no_best(runs: Runs) -> None:
    file = runs.write("plain", sweep={"min_voxels": [4, 5]})
    code, text = shown(str(file))
    assert code == 1 and "was not run: `bossflow sweep run` does" in text, text
    assert runs.sweep(file)[0] == 0
    found = seen("plain")
    assert [one["score"] for one in found["points"]] == [None, None] and not found["best"]
    code, text = shown("plain", "--params", str(runs.directory / "best.json"))
    assert (code, "no point of sweep" in text) == (1, True)
    assert not (runs.directory / "best.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--best", "1"], "say which sweep: `bossflow sweep show` lists them"),
        (["x", "--best", "0"], "0 is not in the range x>=1"),
        (["x", "--params", "nowhere/best.yml"], "there is no such directory"),
        (["x", "--params", "best.txt"], "--params best.txt must end in .yml, .yaml, .json"),
        (["nothing"], "no sweep has a name or an id starting with 'nothing'"),
    ],
)
def test_what_can_not_be_shown_is_refused(runs: Runs, words: list[str], said: str) -> None:
    code, text = shown(*words)
    assert code in (1, 2) and said in text, text


def test_failed_points_say_why(runs: Runs) -> None:
    file = runs.write("odd", sweep={"x_range": {"tiles": [0, 32, 16]}})
    assert runs.sweep(file)[0] == 1
    found = seen("odd")
    assert [one["values"]["x_range"] for one in found["points"]] == [[0, 16], [16, 32]]
    assert {one["state"] for one in found["points"]} == {"missing"}


def test_a_chain_has_its_steps_parameters(runs: Runs) -> None:
    steps = {
        "copied": {"workflow": "transfer", "source": f"zarr://{runs.volume}"},
        "cells": {"workflow": "label", "source": "step:copied"},
    }
    values = {"copied.x_range": [0, 9], "cells.min_voxels": 3}
    asked = [
        {"name": name, "workflow": one["workflow"], "settings": {"outdir": "/r"}, "rows": [one]}
        for name, one in steps.items()
    ]
    assert told.parameters(asked, values) == {
        "outdir": "/r",
        "steps": {
            "copied": steps["copied"] | {"x_range": [0, 9]},
            "cells": steps["cells"] | {"min_voxels": 3},
        },
    }
    asked[0]["rows"] *= 2
    with pytest.raises(ValueError, match="a point is 2 rows of a sample sheet: add the best"):
        told.parameters(asked, values)


def test_a_chain_is_shown_and_asked_for_again(runs: Runs) -> None:
    whole = {"block_shape": [20, 24, 28]}
    steps = {
        "copied": {"workflow": "transfer", "source": f"zarr://{runs.volume}"},
        "cells": {"workflow": "label", "source": "step:copied", "min_voxels": 2, **whole},
    }
    file = runs.write("plain", steps=steps)
    code, text = runs.sweep(file, command="chain")
    assert code == 0, text
    (point,) = seen(str(file))["points"]
    asked = {"truth": f"bossflow://{point['requests']['cells'][0]}"}
    varied = {"copied.z_range": [[0, 20], [0, 12]], "cells.connectivity": [6, 26]}
    file = runs.write("chained", steps=steps, sweep=varied, **asked)
    code, text = runs.sweep(file, command="chain")
    assert code == 0, text
    found = seen("chained")
    assert [len(one["requests"]) for one in found["points"]] == [2] * 4
    assert len({one["requests"]["copied"][0] for one in found["points"]}) == 2
    assert found["best"][0]["score"] == 1
    best = runs.directory / "best.json"
    assert shown(str(file), "--params", str(best))[0] == 0
    said = json.loads(best.read_text())
    assert (
        said["steps"]["cells"]["connectivity"] == found["best"][0]["values"]["cells.connectivity"]
    )
    made = runs.made.total()
    code, text = runs.sweep(best, command="chain")
    assert code == 0 and runs.made.total() == made, text


def told_of(points: int) -> dict[str, Any]:
    """Return what is told of a sweep of two parameters, of which each seventh point failed."""
    axes = {"stop": ["0.1", "0.25", "0.5"], HOSTILE: [[0, 8], [8, 16]]}
    found = [
        {
            "point": at + 1,
            "round": at // 8 + 1,
            "values": {"stop": axes["stop"][at % 3], HOSTILE: axes[HOSTILE][at % 2]},
            "state": "failed" if at % 7 == 6 else "complete",
            "score": None if at % 7 == 6 else at % 11 / 11,
            "requests": {},
            "error": None,
        }
        for at in range(points)
    ]
    scored = [one for one in found if one["score"] is not None]
    best = sorted(scored, key=lambda one: (-one["score"], one["point"]))
    return {
        **{"sweep": "0" * 16, "name": HOSTILE, "search": "tpe", "score": "f1", "goal": "largest"},
        **{"axes": axes, "truth": None, "steps": [], "points": found, "best": best},
    }


def test_a_page_draws_the_scores_and_says_them_in_tables(runs: Runs, swept: Path) -> None:
    file = runs.directory / "sweep.html"
    code, text = shown("cells", "--html", str(file))
    assert code == 0 and f"written: {file}" in text
    html = file.read_text("utf-8")
    (own,) = (runs.directory / "results").glob(f"sweep-{seen('cells')['sweep']}/index.html")
    assert own.read_text("utf-8") == html, "a run leaves it beside what else it leaves"
    assert "<script" not in html and not re.findall(r'(?:src|href)="(?!data:|#)', html)
    parsed = Parsed(html)
    assert len(parsed.all_of("svg")) == 1 and len(parsed.all_of("circle")) == 3
    assert "point 2: min_voxels 3: f1 1" in parsed.text
    headings = [name for name, _ in parsed.elements if re.fullmatch("h[1-6]", name)]
    assert headings == ["h1", "h2", "h2", "h2"]


def test_a_page_is_safe_and_has_every_point(tmp_path: Path) -> None:
    parsed = Parsed(page(told_of(24)))
    assert not parsed.all_of("script") and not parsed.all_of("img")
    assert HOSTILE in parsed.text, "as a text"
    svgs = parsed.all_of("svg")
    assert len(svgs) == 2 and all(one["aria-label"] and one["role"] == "img" for one in svgs)
    kinds = [one["class"] for one in parsed.all_of("circle")]
    assert kinds.count("dot best") == 2, "one a parameter"
    assert parsed.text.count("point 11: stop") == 2, "the best"
    crosses = [one for one in parsed.all_of("path") if one.get("class") == "edge"]
    assert len(crosses) == 3 + 2, "at each value where a point has no score"


@pytest.mark.parametrize("goal", ["largest", "smallest"])
def test_each_value_has_its_best_and_mean(goal: str) -> None:
    sweep = told_of(24) | {"goal": goal}
    parsed = Parsed(page(sweep))
    scores = [
        one["score"]
        for one in sweep["points"]
        if one["values"]["stop"] == "0.25" and one["score"] is not None
    ]
    best = max(scores) if goal == "largest" else min(scores)
    assert f"0.258{len(scores)}{best:.6g}{np.mean(scores):.6g}" in parsed.text.replace("\n", "")


def test_a_page_keeps_the_rules_in_a_browser(tmp_path: Path) -> None:
    need("chromium")
    file = tmp_path / "index.html"
    file.write_text(page(told_of(24)), encoding="utf-8")
    with browser.headless(PHONE) as driver:
        driver.get(file.as_uri())
        for scheme in ("light", "dark"):
            media(driver, scheme=scheme)
            assert {"color-contrast", "svg-img-alt", "heading-order"} <= rules_kept(driver)
        wide = "return document.documentElement.scrollWidth - window.innerWidth"
        assert driver.execute_script(wide) <= 0, "what is wide is scrolled by itself"


def test_large_sweeps_have_small_pages() -> None:
    sweep = told_of(0)
    sweep["axes"] = {"a": [*range(10_000)]}
    sweep["points"] = [
        {
            **{"point": at + 1, "round": 1, "values": {"a": at}, "state": "complete"},
            **{"score": at % 97 / 97, "requests": {}, "error": None},
        }
        for at in range(10_000)
    ]
    sweep["best"] = sorted(sweep["points"], key=lambda one: -one["score"])
    html = page(sweep)
    assert len(html) < 3_000_000 and "… and 9,000 more" in html
    assert len(Parsed(html).all_of("text")) < 20
