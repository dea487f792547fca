"""What a viewer tells of segments: Neuroglancer's segment properties, from a table of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .layer import Layer, Table
from .layers import files

MOST = 100_000
"""How many segments a viewer is told of: the largest. It holds them in memory, as text."""


def of(layer: Layer) -> dict[str, Any]:
    """Return the `info` of segment properties: numbers, and a label if there is one.

    Neuroglancer has no whole numbers beyond 32 bits: larger ones are told as float32. A column
    without a value is left out.

    Raises
    ------
    ValueError
        If the table's files are damaged, or not there.
    """
    about = layer.table
    assert about is not None
    directory = files(about.store, about.path)
    if directory is None:
        raise ValueError(f"{about.path} is too large to be fetched: nothing is told of segments")
    table = largest(directory, about)
    told: list[dict[str, Any]] = []
    if about.label:
        values = table[about.label].to_pylist()
        labels = ["" if value is None else str(int(value)) for value in values]
        if any(labels):
            told.append({"id": "label", "type": "label", "values": labels})
    for name, words in about.numbers.items():
        if table[name].null_count and table[name].null_count == len(table):
            continue
        values = table[name].to_numpy()
        dtype = _dtype(values)
        told.append(
            {
                "id": name,
                "type": "number",
                "data_type": dtype.name,
                "description": words,
                "values": values.astype(dtype).tolist(),
            }
        )
    ids = [str(int(value)) for value in table[about.segment].to_pylist()]
    return {
        "@type": "neuroglancer_segment_properties",
        "inline": {"ids": ids, "properties": told},
    }


def _dtype(values: Any) -> Any:
    """Return what holds numbers in a viewer: whole ones of 32 bits, else float32."""
    if values.dtype.kind in "iu":
        for name in ("uint32", "int32"):
            most = np.iinfo(name)
            if not len(values) or (most.min <= values.min() and values.max() <= most.max):
                return np.dtype(name)
    return np.dtype(np.float32)


def largest(directory: Path, about: Table, most: int = MOST) -> pa.Table:
    """Return the rows of the largest segments, these first; a piece is read at a time."""
    kept: pa.Table | None = None
    order = [(next(iter(about.numbers)), "descending"), (about.segment, "ascending")]
    names = [about.segment, *about.numbers, *([about.label] if about.label else [])]
    for path in sorted(directory.glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                piece = file.read_row_group(group, names)
                both = piece if kept is None else pa.concat_tables([kept, piece])
                kept = both.take(pc.select_k_unstable(both, most, order))
    if kept is None:
        raise ValueError(f"{directory} holds no table of segments")
    return kept
