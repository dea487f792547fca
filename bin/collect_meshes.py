#!/usr/bin/env python3
"""COLLECT_MESHES: the table of a cutout's meshes, and what a viewer is told of its segments."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from kit import bundles, outside
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import column

PART_ROWS = 1_000_000
"""Meshes in a file of the table."""

TOLD = 100_000
"""Segments that a viewer is told of, the largest: it holds them in memory, as text."""

NUMBERS = {
    "volume_nm3": "volume (nm^3)",
    "area_nm2": "surface area (nm^2)",
    "n_faces": "triangles",
    "n_vertices": "vertices",
}


def collect_meshes(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: `meshes/`, a row for each mesh by segment id.

    `segment_properties/` goes beside the meshes.
    """
    index, *buckets = unit.inputs
    table = pa.concat_tables(map(pq.read_table, bundles.stream(buckets, "meshes.parquet")))
    table = table.take(pc.sort_indices(table, [("meshed_segment_id", "ascending")]))
    rows = bundle.directory / "meshes"
    rows.mkdir()
    ids = table["meshed_segment_id"].cast(pa.decimal128(20, 0))
    listed = table.set_column(0, "meshed_segment_id", ids)
    for part, start in enumerate(range(0, max(len(listed), 1), PART_ROWS)):
        pq.write_table(listed.slice(start, PART_ROWS), rows / f"part-{part:05}.parquet")
    source = {
        "mesh_bucket": column(np.array([one.key["mesh_bucket"] for one in buckets], np.int32))
    }
    pq.write_table(pa.table(source), bundle.directory / "source.parquet")
    limit = unit.settings["max_component_rows"]
    bundle.attributes["n_meshes"] = len(listed)
    bundle.attributes["n_mesh_rows"] = min(len(listed), limit)
    if len(listed) > limit:
        bundle.part_rows["Mesh"] = limit
    bundle.urls["mesh_table"] = "meshes"
    bundle.parts |= {"Source": "source.parquet", "Mesh": "meshes"}
    made = bundle.directory / "mesh"
    write_properties(made / "segment_properties", table)
    directory = index.file("mesh/info").parent
    with bundles.held(index, directory) as held:
        outside.put(bundle, made, directory, held)


def write_properties(directory: Path, table: pa.Table) -> None:
    """Write Neuroglancer's segment properties of the largest segments, these first."""
    order = [("volume_nm3", "descending"), ("meshed_segment_id", "ascending")]
    largest = table.take(pc.select_k_unstable(table, TOLD, order))
    told = [
        {
            "id": name,
            "type": "number",
            "data_type": "float32",
            "description": words,
            "values": largest[name].to_numpy().astype(np.float32).tolist(),
        }
        for name, words in NUMBERS.items()
    ]
    ids = list(map(str, largest["meshed_segment_id"].to_pylist()))
    about = {
        "@type": "neuroglancer_segment_properties",
        "inline": {"ids": ids, "properties": told},
    }
    directory.mkdir(parents=True)
    (directory / "info").write_text(json.dumps(about))


if __name__ == "__main__":
    main("COLLECT_MESHES", collect_meshes, software=("numpy", "pyarrow"))
