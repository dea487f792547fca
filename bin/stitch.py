#!/usr/bin/env python3
"""STITCH: join the labels of a cutout's blocks into components, and number these."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import Bundle, Unit, main
from numpy.typing import NDArray
from voxels.boxes import Box, grid
from voxels.label import component_columns, stitch
from voxels.segmentation import create_segmentation
from voxels.volumes import read_plane, read_statistics


def stitch_blocks(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one segmentation.

    `segmentation/` holds the volume's `info` (RELABEL_BLOCK writes its chunks), `lookup.npy` the
    component ids of all blocks' labels, `lookup.json` each block's slice of it.
    """
    asked = unit.arguments
    cutout = Box.parse(asked["cutout"])
    blocks = grid(cutout, asked["block_shape_zyx"], asked["origin_zyx"])
    names = [block.name for block in blocks]
    if [block.key["block"] for block in unit.inputs] != names:
        raise ValueError(f"the inputs are not the {len(names)} blocks of cutout {cutout.name}")
    surfaces = [block.directory / "surface.npz" for block in unit.inputs]
    components, lookup, starts = stitch(
        [read_statistics(surface) for surface in surfaces],
        lambda number, face: read_plane(surfaces[number], face),
        cutout,
        asked["block_shape_zyx"],
        asked["origin_zyx"],
        asked["connectivity"],
        asked["min_voxels"],
    )
    create_segmentation(
        bundle.directory / "segmentation",
        cutout,
        asked["block_shape_zyx"],
        asked["origin_zyx"],
        asked["voxel_size_nm_zyx"],
        lookup.dtype.name,
    )
    np.save(bundle.directory / "lookup.npy", lookup)
    slices = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
    (bundle.directory / "lookup.json").write_text(
        json.dumps(dict(zip(names, slices, strict=True)), indent=1), encoding="utf-8"
    )
    columns = component_columns(components, asked["voxel_size_nm_zyx"])
    pq.write_table(component_table(columns), bundle.directory / "component.parquet")
    sources = pa.table({name: [block.key[name] for block in unit.inputs] for name in SOURCE})
    pq.write_table(sources, bundle.directory / "source.parquet")
    bundle.attributes["n_components"] = len(components.voxel_count)
    bundle.urls |= {"volume": "segmentation", "components": "component.parquet"}
    bundle.parts |= {"Source": "source.parquet", "Component": "component.parquet"}


SOURCE = ("channel_id", "block", "label_paramset_id")
"""Columns of the Source table: the key of a labelled block."""


def component_table(columns: dict[str, NDArray[Any]]) -> pa.Table:
    """Component table as Arrow has it: segment ids as decimal(20, 0), null where there is none.

    No signed 64-bit integer, which is all that databases have, holds every segment id.
    """
    segment_id = columns["segment_id"]
    ids = pa.array(segment_id, mask=segment_id == 0).cast(pa.decimal128(20, 0))
    return pa.table(columns | {"segment_id": ids})


if __name__ == "__main__":
    main("STITCH", stitch_blocks, software=("numpy", "pyarrow", "scipy"))
