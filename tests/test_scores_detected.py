"""A simulated volume, its detections, and how right these are."""

from pathlib import Path
from typing import Any

import bossflow
import numpy as np
import pytest
from pipeline import bossflow_says
from searching import Detecting
from voxels.boxes import Box
from voxels.detection import simulated
from voxels.detection.matching import match_points

SIDE, NM, SEED = 72, 650.0, 3
SPHERES = {"diameter_nm": "7800", "clear_diameter_nm": "10400", "stop": "0.6"}
MIXTURE = {"mixture": "dark", "mixture_iterations": 100, "min_probability": "0.5"}


def test_detections_are_scored_against_the_truth_of_a_simulation(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a part of it, where cells outside of the box do not count, and against the whole."""
    code, text = bossflow_says(
        "simulate", str(tmp_path / "cells"), "--shape", f"{SIDE},{SIDE},{SIDE}", "--seed", str(SEED)
    )
    assert code == 0, text
    truth = str(tmp_path / "cells" / "truth.csv")
    detecting = Detecting(tmp_path, monkeypatch)
    asked: dict[str, Any] = {"source": f"zarr://{tmp_path}/cells/image.ome.zarr"}
    asked |= {"method": "spheres", "block_shape": "72,72,72", **SPHERES, **MIXTURE}
    requests = []
    for part in ({}, {"x_range": "10,50"}):
        done = detecting.make(**asked, **part)
        assert done["verdict"] == {"missing": None}, done["summary"]
        requests += done["plan"]["requests"]
    whole, part = requests
    told = bossflow.score(whole, truth, 5 * NM)
    places, _ = simulated.cells(Box(0, SIDE, 0, SIDE, 0, SIDE), SEED)
    rows = (bossflow.Detections.Detection & {"request_id": whole}).to_dicts()
    zyx = np.array([[row[f"detection_{axis}"] for axis in "zyx"] for row in rows])
    inside = ((places >= -0.5) & (places < SIDE - 0.5)).all(axis=1)
    wanted = match_points(places[inside], zyx, 5 * NM, (NM,) * 3).scores()
    assert {name: told[name] for name in wanted} == pytest.approx(wanted)
    assert told["recall"] > 0.8 and told["n_truth"] > 15
    pairs = (bossflow.Score.Match & {"request_id": whole}).to_dicts()
    assert {one["found_number"] for one in pairs} <= {row["detection_id"] for row in rows}
    told = bossflow.score(part, truth, 5 * NM)
    assert told["n_truth_outside"] == np.count_nonzero(
        ~((places[inside][:, 2] >= 9.5) & (places[inside][:, 2] < 49.5))
    )
    told = bossflow.score(part, whole, 5 * NM)
    assert told["n_truth_outside"] > 0 and told["f1"] > 0.8
    assert len(bossflow.Score & [{"request_id": name} for name in requests]) == 3
