#!/usr/bin/env python3
"""SUM_REMAPPED: add up what blocks have of segments that were rewritten: before, and now."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.bundles import stream
from kit.tasks import main
from kit.units import Bundle, Unit
from numpy.typing import NDArray
from voxels import totals
from voxels.arrow import column, strings
from voxels.boxes import Box
from voxels.contingency import Table, added
from voxels.surface import read_segment_ids

SOURCE = ("channel_id", "block")


def sum_remapped(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: `segments/`, a row for each, in the order of ids."""
    asked, blocks = unit.arguments, unit.inputs
    cutout, size_nm_zyx = Box.parse(asked["cutout"]), asked["voxel_size_nm_zyx"]
    boxes = [Box.parse(block.key["block"]) for block in blocks]
    (bundle.directory / "segments").mkdir()
    n_segments = 0
    rows_of = map(totals.rows_of, stream(blocks, "segments.arrow"))
    for number, some in enumerate(totals.ranges(rows_of, totals.ROWS)):
        rows = totals.joined(
            totals.segment_rows(path, box, cutout, some)
            for path, box in zip(stream(blocks, "segments.arrow"), boxes, strict=True)
        )
        found = totals.segments(rows, cutout, size_nm_zyx, None)
        table = {name: column(one) for name, one in found.items() if one is not None}
        pq.write_table(pa.table(table), bundle.directory / "segments" / f"part-{number:05}.parquet")
        n_segments += len(found["segment_id"])
    before = map(read_segment_ids, stream(blocks, "before.arrow"))
    bundle.attributes |= {"n_source_segments": _distinct(before), "n_new_segments": n_segments}
    bundle.urls["remapped_segments"] = "segments"
    source = {name: strings([block.key[name] for block in blocks]) for name in SOURCE}
    pq.write_table(pa.table(source), bundle.directory / "source.parquet")
    bundle.parts["Source"] = "source.parquet"


def _distinct(blocks: Iterable[NDArray[Any]]) -> int:
    """Return how many ids some blocks have together."""
    tables = (
        Table(ids.astype(np.uint64), np.zeros(len(ids), np.uint64), np.ones(len(ids), np.int64))
        for ids in blocks
    )
    return len(added(tables).voxels)


if __name__ == "__main__":
    main("SUM_REMAPPED", sum_remapped, software=("numba", "numpy", "pyarrow"))
