"""Detections of simulated cells, scored against the cells that are there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bossflow import scores
from searching import Detecting
from voxels.boxes import Box
from voxels.detection import simulated

SIDE = 650
MIXTURE = {"mixture": "dark", "mixture_iterations": 100, "min_probability": "0.5"}


@pytest.mark.parametrize(
    ("search", "precision"),
    [
        ({"method": "spheres", "diameter_nm": 7800, "clear_diameter_nm": 10400} | MIXTURE, 0.9),
        ({"method": "blobs", "objects": "dark", "sigma_nm": "2145,2730,3315"}, 0.7),
    ],
)
def test_simulated_cells_are_found(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    search: dict[str, Any],
    precision: float,
) -> None:
    """Of small volumes many cells are cut off, whose blobs have their middles outside."""
    detecting, box = Detecting(tmp_path, monkeypatch), Box.of((10, -20, 30), (96, 96, 96))
    np.save(tmp_path / "image.npy", simulated.image(box, 1))
    middles, _ = simulated.cells(box, 1)
    lines = [",".join(map(str, place)) for place in (middles * SIDE).tolist()]
    (tmp_path / "truth.csv").write_text("\n".join(["z_nm,y_nm,x_nm", *lines]) + "\n")
    asked = {"source": f"npy://{tmp_path}/image.npy", "voxel_size": [SIDE] * 3, **search}
    asked |= {"offset": [30, -20, 10], "block_shape": "48,48,48"}
    asked |= {"stop": "0.6"} if search["method"] == "spheres" else {"threshold": 30}
    done = detecting.make(**asked)
    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    told = scores.score(request, {"uri": str(tmp_path / "truth.csv")}, 5 * SIDE)
    assert told["n_truth"] == len(middles) > 40
    assert told["recall"] >= 0.94 and told["precision"] >= precision, told
