"""Workflow statistics in the test's process, and what it should find, by the whole array."""

from collections import Counter
from typing import Any

import numpy as np
from making import Downsampling
from measure_block import measure_block
from merge_segments import merge_segments
from pull_block import pull_block


class Measuring(Downsampling):
    """A segmentation on disk whose segments are measured."""

    workflow = "statistics"
    programs = {
        "PULL_BLOCK": pull_block,
        "MEASURE_BLOCK": measure_block,
        "MERGE_SEGMENTS": merge_segments,
    }


def contacts_of(voxels: np.ndarray) -> dict[tuple[int, int], list[int]]:
    """Return the faces (across z, y, x) that any two ids share, by a look at each face."""
    faces: dict[tuple[int, int], list[int]] = {}
    for axis in range(3):
        planes = np.moveaxis(voxels, axis, 0)
        for pair, number in Counter(
            zip(planes[:-1].ravel().tolist(), planes[1:].ravel().tolist(), strict=True)
        ).items():
            low, high = sorted(pair)
            if low != high:
                key = (low, high) if low else (high, 0)
                faces.setdefault(key, [0, 0, 0])[axis] += number
    return faces


def segments_of(voxels: np.ndarray, image: np.ndarray | None, corner: Any) -> dict[int, Any]:
    """Return voxel count, box, centroid, and mean, deviation, extremes and values by segment."""
    found = {}
    for segment in np.unique(voxels[voxels != 0]).tolist():
        places = np.argwhere(voxels == segment) + np.array(corner)
        box = [*zip(places.min(0).tolist(), (places.max(0) + 1).tolist(), strict=True)]
        found[segment] = {"n": len(places), "box": box, "centroid": places.mean(0).tolist()}
        found[segment]["sums"] = places.sum(0).tolist()
        if image is not None:
            values = image[voxels == segment].astype(np.int64)
            found[segment] |= {"mean": values.mean(), "std": values.std()}
            found[segment] |= {"min": values.min(), "max": values.max(), "values": values}
    return found
