#!/usr/bin/env python3
"""SETTLE_DETECTIONS: decide what blocks left open, and number all that was found."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import Finished, stream
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import column, strings
from voxels.boxes import Box, grid
from voxels.detection import files
from voxels.detection.blobs import suppress
from voxels.detection.searches import Blobs, Spheres, radii_nm, search_of
from voxels.detection.settling import settle

SOURCE = ("channel_id", "block", "detect_paramset_id", "detect_surroundings")
ROWS = 2**20
"""Rows of a Parquet file."""


def settle_detections(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one cutout: `detections/`, the best first."""
    asked, blocks = unit.arguments, unit.inputs
    cutout, size_nm = Box.parse(asked["cutout"]), asked["voxel_size_nm_zyx"]
    boxes = grid(cutout, asked["block_shape"], asked["origin_zyx"])
    if [block.key["block"] for block in blocks] != [box.name for box in boxes]:
        raise ValueError(f"the inputs are not the {len(boxes)} blocks of cutout {cutout.name}")
    search, radii = search_of(asked, size_nm), np.array(radii_nm(asked))
    if isinstance(search, Spheres):
        zyx, sums = _spheres(blocks, cutout, search)
        scores, scales = search.mean(sums), np.zeros(len(sums), np.int64)
    else:
        zyx, scores, scales = _blobs(blocks, search)
    rows = files.detections(zyx, scores, radii[scales], size_nm)
    table = pa.table({name: column(one) for name, one in rows.items()})
    (bundle.directory / "detections").mkdir()
    for number, start in enumerate(range(0, max(1, len(zyx)), ROWS)):
        path = bundle.directory / "detections" / f"part-{number:05}.parquet"
        pq.write_table(table.slice(start, ROWS), path)
    sources = {name: strings([block.key[name] for block in blocks]) for name in SOURCE}
    pq.write_table(pa.table(sources), bundle.directory / "source.parquet")
    bundle.parts |= {"Source": "source.parquet", "Detection": "detections"}
    bundle.urls["detections"] = "detections"
    limit, n = unit.settings["max_component_rows"], len(zyx)
    bundle.attributes |= {"n_detections": n, "n_detection_rows": min(n, limit)}
    if n > limit:
        bundle.part_rows["Detection"] = limit


def _spheres(blocks: list[Finished], cutout: Box, search: Spheres) -> tuple[Any, Any]:
    paths = zip(*(stream(blocks, name) for name in files.SPHERES), strict=True)
    found = [
        files.read_spheres(some, _searched(one)) for one, some in zip(blocks, paths, strict=True)
    ]
    return settle(found, cutout, search)


def _blobs(blocks: list[Finished], search: Blobs) -> tuple[Any, Any, Any]:
    each = zip(blocks, stream(blocks, files.CANDIDATES), strict=True)
    return suppress((files.read_candidates(path, _searched(one)) for one, path in each), search)


def _searched(block: Finished) -> Box:
    """Return what a block was searched in."""
    return Box.parse(block.manifest["arguments"]["with_halo"])


if __name__ == "__main__":
    main("SETTLE_DETECTIONS", settle_detections, software=("numba", "numpy", "pyarrow"))
