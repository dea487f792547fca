#!/usr/bin/env python3
"""REGION_BLOCK: find which regions touch in one block, and add up the affinities between them."""

from typing import Any

import numpy as np
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from reading import of_each, software, voxels_of
from reading.pulled import keep_pulled, keep_seen
from voxels.boxes import Box
from voxels.labelling import segment_ids
from voxels.region_graph import region_graph, seen
from voxels.surface import write_columns


def region_block(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one block: its regions, and the graph of its edges, in order of ids."""
    asked = unit.arguments
    box, within = Box.parse(asked["box"]), Box.parse(asked["within"])
    segmentation, *edges = _sources(unit)
    regions = _ids(voxels_of(segmentation, seen(box, within)), within)
    affinities = [voxels_of(one, box) for one in edges]
    ids, voxel_count, graph = region_graph(regions, affinities, box, within)
    regions_of_block = {"segment_id": ids, "voxel_count": voxel_count}
    write_columns(bundle.directory / "regions.arrow", regions_of_block)
    pairs = graph._asdict()
    histogram = {name: pairs.pop(name) for name in ("bins", "bin_edges")}
    pairs["histogram_end"] = np.cumsum(pairs.pop("bin_count"))
    write_columns(bundle.directory / "pairs.arrow", pairs)
    write_columns(bundle.directory / "histogram.arrow", histogram)
    bundle.attributes |= {"n_block_regions": len(ids), "n_block_pairs": len(graph.region)}
    keep_pulled(unit, bundle)
    keep_seen(unit, bundle)


def _ids(voxels: NDArray[Any], box: Box) -> NDArray[np.unsignedinteger[Any]]:
    """Return voxels as unsigned ids."""
    ids = segment_ids(voxels, box.corner_zyx)
    narrow = ids.dtype.kind != "f" and ids.itemsize <= 4
    return ids.astype(np.uint32 if narrow else np.uint64, copy=False)


def _sources(unit: Unit) -> list[Unit]:
    """Return the unit as one that reads the segmentation, and the affinities along z, y and x."""
    return of_each(unit, [unit.arguments["regions"], *unit.arguments["affinities"]])


if __name__ == "__main__":
    main(
        "REGION_BLOCK",
        region_block,
        software=("numba", "numpy", "pyarrow", "tensorstore"),
        of_unit=lambda unit: [name for one in _sources(unit) for name in software(one)],
    )
