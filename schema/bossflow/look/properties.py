"""What a viewer tells of segments: Neuroglancer's segment properties, from a component table."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .layers import files
from .shown import Layer

MOST = 100_000
"""How many segments a viewer is told of: the largest. It holds them in memory, as text."""

NUMBERS = {
    "voxel_count": "voxels",
    **{f"centroid_{axis}_nm": f"centroid {axis} (nm)" for axis in "xyz"},
}


def of(layer: Layer) -> dict[str, Any]:
    """Return the `info` of segment properties: size, centroid, and segment id as a label.

    Neuroglancer has no whole numbers beyond 32 bits: larger sizes are told as float32.

    Raises
    ------
    ValueError
        If the table's files are damaged, or not there.
    """
    assert layer.place is not None and layer.table is not None
    directory = files(layer.place.store, layer.table)
    if directory is None:
        raise ValueError(f"{layer.table} is too large to be fetched: nothing is told of segments")
    table = largest(directory)
    ids = [str(value) for value in table["component_id"].to_pylist()]
    labels = ["" if value is None else str(int(value)) for value in table["segment_id"].to_pylist()]
    told: list[dict[str, Any]] = []
    if any(labels):
        told.append({"id": "label", "type": "label", "values": labels})
    for name, words in NUMBERS.items():
        values = table[name].to_numpy()
        whole = name == "voxel_count" and (not len(values) or values.max() < 2**32)
        dtype = np.dtype(np.uint32 if whole else np.float32)
        told.append(
            {
                "id": name,
                "type": "number",
                "data_type": dtype.name,
                "description": words,
                "values": values.astype(dtype).tolist(),
            }
        )
    return {
        "@type": "neuroglancer_segment_properties",
        "inline": {"ids": ids, "properties": told},
    }


def largest(directory: Path, most: int = MOST) -> pa.Table:
    """Return the rows of the largest components, these first; a piece is read at a time."""
    kept: pa.Table | None = None
    order = [("voxel_count", "descending"), ("component_id", "ascending")]
    names = ["component_id", "segment_id", *NUMBERS]
    for path in sorted(directory.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                piece = file.read_row_group(group, names)
                both = piece if kept is None else pa.concat_tables([kept, piece])
                kept = both.take(pc.select_k_unstable(both, most, order))
    if kept is None:
        raise ValueError(f"{directory} holds no component table")
    return kept
