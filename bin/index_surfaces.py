#!/usr/bin/env python3
"""INDEX_SURFACES: which blocks have cubes of which bucket, and the meshes' description."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from kit.bundles import stream
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import column, strings
from voxels.meshing import How

ROWS_AT_ONCE = 2**16
"""Rows of the index that are read at once: a bucket's are next to each other."""


def index_surfaces(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: a row for each bucket that a block has cubes of.

    `mesh/` has the `info` of the meshes; MESH_BUCKET writes them there.
    """
    tables = list(map(pq.read_table, stream(unit.inputs, "slices.parquet")))
    numbers = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    slices = pa.concat_tables(tables).append_column("block", column(numbers))
    slices = slices.take(pc.sort_indices(slices, [("bucket", "ascending"), ("block", "ascending")]))
    pq.write_table(slices, bundle.directory / "slices.parquet", row_group_size=ROWS_AT_ONCE)
    made = bundle.directory / "mesh"
    made.mkdir()
    (made / "info").write_text(json.dumps(How.of(unit.arguments).info))
    keys = [given.key for given in unit.inputs]
    source = {name: strings([key[name] for key in keys]) for name in SOURCE}
    pq.write_table(pa.table(source), bundle.directory / "source.parquet")
    bundle.attributes["n_slices"] = slices.num_rows
    bundle.urls["meshes"] = "mesh"
    bundle.parts["Source"] = "source.parquet"


SOURCE = ("channel_id", "block", "surface_paramset_id")
"""Columns of the Source table: the key of a block."""


if __name__ == "__main__":
    main("INDEX_SURFACES", index_surfaces, software=("pyarrow",))
