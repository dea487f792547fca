"""Workflow detect in the test's process, and what it should find, by the whole array."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from count_values import count_values
from detect_block import detect_block
from detecting import apart, greedy
from fit_mixture import fit_mixture
from making import Downsampling, write_precomputed
from pull_block import pull_block
from scipy import ndimage
from settle_detections import settle_detections
from voxels.boxes import Box
from voxels.detection.blobs import candidates
from voxels.detection.searches import radii_nm, search_of

SIZE = (16.0, 8.0, 8.0)
CORNER = (-7, 13, 21)
SPHERES = {"method": "spheres", "diameter_nm": "49", "stop": "0.45"}
BLOBS = {"method": "blobs", "sigma_nm": "13,19.5", "threshold": "20", "separation": "0.9"}


class Detecting(Downsampling):
    """A volume on disk in which objects are detected."""

    workflow = "detect"
    programs = {
        "PULL_BLOCK": pull_block,
        "COUNT_VALUES": count_values,
        "FIT_MIXTURE": fit_mixture,
        "DETECT_BLOCK": detect_block,
        "SETTLE_DETECTIONS": settle_detections,
    }


def spots(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return an image of blurred spots, among them equal ones."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=shape), (1.2, 2.4, 2.4)) * 1500 + 70
    image = np.clip(smooth, 0, 255).astype(np.uint8)
    image[: shape[0] // 2] = image[: shape[0] // 2] // 32 * 36  # ties
    return image


def write(path: Path, voxels: np.ndarray, corner: tuple[int, ...] = CORNER) -> str:
    """Write voxels as a volume; return its URI."""
    size = [int(side) for side in SIZE[::-1]]
    return f"precomputed://{write_precomputed(path, voxels, corner, resolution=size)}"


def wanted(
    voxels: np.ndarray, corner: tuple[int, ...], asked: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """Return z, y, x, score and radius of all that is to be found, by definition."""
    own = {"sigma_factors": [1, 1, 1], "objects": "bright", "separation": 1} | asked
    own.setdefault("clear_diameter_nm", own.get("diameter_nm"))
    if "sigma_nm" in own:
        own["sigma_nm"] = own["sigma_nm"].split(",")
    search, radii = search_of(own, SIZE), radii_nm(own)
    if own["method"] == "spheres":
        least = Fraction(own.get("min_probability", 0)) * 255
        cells = greedy(np.where(voxels >= least, voxels, 0), search)
        means = search.mean(np.array([cell[3] for cell in cells], np.int64))
        zyx = np.array([cell[:3] for cell in cells]).reshape(-1, 3) + corner
        scores, scales = means, [0] * len(cells)
    else:
        box = Box.of(corner, voxels.shape)
        kept = apart(candidates(voxels, box, box, box, search), search)
        zyx, scores, scales = kept.zyx, kept.response.astype(float), kept.scale.tolist()
    return [
        (*place, score, radii[scale])
        for place, score, scale in zip(zyx.tolist(), scores.tolist(), scales, strict=True)
    ]


def found(done: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the same of a run's only request, from the database, in its order."""
    from bossflow.workflows.detect import Detections

    assert done["verdict"] == {"missing": None}, done["summary"]
    (request,) = done["plan"]["requests"]
    rows = (Detections.Detection & {"request_id": request}).to_dicts(order_by="detection_id")
    assert [row["detection_id"] for row in rows] == [*range(1, len(rows) + 1)]
    for row in rows:
        for axis, side in zip("zyx", SIZE, strict=True):
            assert row[f"detection_{axis}_nm"] == row[f"detection_{axis}"] * side
    names = [f"detection_{name}" for name in ("z", "y", "x", "score", "radius_nm")]
    return [tuple(row[name] for name in names) for row in rows]
