"""A detector that is swept on simulated cells, of which all are known."""

import json

import pytest
from pipeline import bossflow_says
from sweeping import Runs
from sweeping import runs as runs


@pytest.fixture
def detecting(runs: Runs) -> Runs:
    code, text = bossflow_says("simulate", "cells", "--shape", "72,72,72", "--seed", "4")
    assert code == 0, text
    return runs


def test_a_detector_is_swept_and_its_blocks_are_pulled_once(detecting: Runs) -> None:
    asked = {
        **{"workflow": "detect", "source": "zarr://cells/image.ome.zarr", "stage": True},
        **{"block_shape": [24, 24, 24], "method": "spheres", "clear_diameter_nm": 10400},
        **{"mixture": "dark", "mixture_iterations": 200, "min_probability": "0.5"},
        **{"truth": "cells/truth.csv", "score": {"within_nm": 3250}},
    }
    points = {"diameter_nm": [6500, 7800, 9100], "stop": {"from": 0.3, "to": 0.9, "step": 0.2}}
    file = detecting.write("cells", **asked, sweep=points)
    code, text = detecting.sweep(file)
    assert code == 0 and "12 of 12 points complete" in text, text
    assert detecting.made == {
        **{"PULL_BLOCK": 27, "COUNT_VALUES": 27, "FIT_MIXTURE": 1},
        **{"DETECT_BLOCK": 27 * 12, "SETTLE_DETECTIONS": 12},
    }
    told = json.loads(bossflow_says("sweep", "show", "cells", "--json")[1])
    best, last = told["best"][0], told["best"][-1]
    assert best["score"] > 0.95 > last["score"] + 0.1
    assert detecting.sweep(file)[0] == 0 and len(detecting.plans) == 1, "nothing is left to run"
    how = {"by": "tpe", "points": 6, "round": 3, "seed": 1}
    code, text = detecting.sweep(detecting.write("search", **asked, sweep=points, search=how))
    assert code == 0 and detecting.made["DETECT_BLOCK"] == 27 * 12, text
    searched = json.loads(bossflow_says("sweep", "show", "search", "--json")[1])
    scores = {json.dumps(one["values"]): one["score"] for one in told["points"]}
    assert len(searched["points"]) == 6
    for one in searched["points"]:
        assert one["score"] == scores[json.dumps(one["values"])]
