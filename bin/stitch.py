#!/usr/bin/env python3
"""STITCH: join the labels of a cutout's blocks into components, and number these."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import stream
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from voxels.arrow import column, strings
from voxels.boxes import Box, grid, grid_shape
from voxels.labelling import Labels
from voxels.merging import component_columns, lookups, merge, number_components, unite
from voxels.pyramid import create_segmentation
from voxels.surface import read_links, read_statistics

PART_ROWS = 1_000_000
"""Components in a file of the table: what is held of it at a time."""


class Stitched(NamedTuple):
    """What a process calls what it makes.

    Attributes
    ----------
    labels : str
        Attribute of a block: how many labels it has.
    result : str
        What they become: `component`.
    volume : str
        Column of the volume's URL.
    source : tuple of str
        Columns of the Source table: the key of a linked block.
    table : callable
        Takes `voxels.merging.component_columns`; returns these as Arrow has them.
    """

    labels: str
    result: str
    volume: str
    source: tuple[str, ...]
    table: Callable[[dict[str, NDArray[Any]]], pa.Table]


def stitch_blocks(unit: Unit, bundle: Bundle, made: Stitched | None = None) -> None:
    """Fill the bundle of one segmentation.

    `segmentation/` holds the volume's `info` (RELABEL_BLOCK writes its chunks), `lookup.npy` the
    component ids of all blocks' labels, `lookup_starts.npy` where in it each block begins, and
    `components/` the component table.
    """
    made = made or COMPONENTS
    asked = unit.arguments
    cutout = Box.parse(asked["cutout"])
    blocks = grid(cutout, asked["block_shape_zyx"], asked["origin_zyx"])
    names = [block.name for block in blocks]
    labelled, linked = unit.inputs[: len(blocks)], unit.inputs[len(blocks) :]
    if [given.key["block"] for given in unit.inputs] != names * 2:
        raise ValueError(
            f"the inputs are not the labels and links of the {len(names)} blocks of cutout "
            f"{cutout.name}"
        )
    sizes = [given.manifest["attributes"][made.labels] for given in labelled]
    links = map(read_links, stream(linked, "links.arrow"))
    group, n = unite(sizes, grid_shape(blocks), links)
    statistics = (
        read_statistics(path, box)
        for path, box in zip(stream(labelled, "statistics.arrow"), blocks, strict=True)
    )
    merged = merge(statistics, sizes, group, n, cutout)
    order, ids = number_components(merged, asked["min_voxels"])
    write_lookup(bundle.directory, sizes, lookups(sizes, group, ids))
    del group, ids
    create_segmentation(
        bundle.directory / "segmentation",
        cutout,
        asked["block_shape_zyx"],
        asked["origin_zyx"],
        asked["voxel_size_nm_zyx"],
    )
    results = f"{made.result}s"
    (bundle.directory / results).mkdir()
    for part, start in enumerate(range(0, max(len(order), 1), PART_ROWS)):
        rows = order[start : start + PART_ROWS]
        columns = component_columns(merged, rows, start + 1, cutout, asked["voxel_size_nm_zyx"])
        path = bundle.directory / results / f"part-{part:05}.parquet"
        pq.write_table(made.table(columns), path)
    sources = {name: strings([given.key[name] for given in linked]) for name in made.source}
    pq.write_table(pa.table(sources), bundle.directory / "source.parquet")
    limit = unit.settings["max_component_rows"]
    bundle.attributes[f"n_{results}"] = len(order)
    bundle.attributes[f"n_{made.result}_rows"] = min(len(order), limit)
    if len(order) > limit:
        bundle.part_rows[made.result.capitalize()] = limit
    bundle.urls |= {made.volume: "segmentation", results: results}
    bundle.parts |= {"Source": "source.parquet", made.result.capitalize(): results}


def write_lookup(directory: Path, sizes: Sequence[int], tables: Iterable[Labels]) -> None:
    """Write the blocks' look-up tables one after the other, and where each begins and all end."""
    starts = np.concatenate([[0], np.cumsum(np.array(sizes, np.int64) + 1)])
    np.save(directory / "lookup_starts.npy", starts)
    with (directory / "lookup.npy").open("wb") as stream:
        header = {"descr": "<u4", "fortran_order": False, "shape": (int(starts[-1]),)}
        np.lib.format.write_array_header_1_0(stream, header)
        for table in tables:
            stream.write(table.astype("<u4", copy=False).data)


def component_table(columns: dict[str, NDArray[Any]]) -> pa.Table:
    """Component table as Arrow has it: segment ids as decimal(20, 0), null where there is none.

    No signed 64-bit integer, which is all that databases have, holds every segment id.
    """
    table = {name: column(array) for name, array in columns.items()}
    segment_id = columns["segment_id"]
    table["segment_id"] = column(segment_id, segment_id != 0).cast(pa.decimal128(20, 0))
    return pa.table(table)


COMPONENTS = Stitched(
    "n_labels",
    "component",
    "volume",
    ("channel_id", "block", "label_paramset_id", "neighbourhood"),
    component_table,
)


if __name__ == "__main__":
    main("STITCH", stitch_blocks, software=("numpy", "pyarrow", "scipy"))
