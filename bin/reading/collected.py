"""The table of all buckets of a request, and what a viewer is told of the segments in it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from kit import bundles
from kit.units import Bundle, Unit
from voxels.arrow import column

PART_ROWS = 1_000_000
"""Rows in a file of the table."""

TOLD = 100_000
"""Segments that a viewer is told of, the largest: it holds them in memory, as text."""


def rows(
    unit: Unit, bundle: Bundle, directory: str, segment: str, bucket: str, part: str
) -> pa.Table:
    """Write the rows of all buckets by segment id, in files of a directory, and `Source`.

    Parameters
    ----------
    unit : Unit
        Made of the index and the buckets, each of which has `<directory>.parquet`; with the setting
        `max_component_rows`.
    bundle : Bundle
    directory : str
    segment : str
        The column of ids.
    bucket : str
        What a bucket's number is called in its key.
    part : str
        The part table that lists them, the first ones.

    Returns
    -------
    Table
        All rows.
    """
    _, *buckets = unit.inputs
    table = pa.concat_tables(map(pq.read_table, bundles.stream(buckets, f"{directory}.parquet")))
    table = table.take(pc.sort_indices(table, [(segment, "ascending")]))
    (bundle.directory / directory).mkdir()
    listed = table.set_column(0, segment, table[segment].cast(pa.decimal128(20, 0)))
    for number, start in enumerate(range(0, max(len(listed), 1), PART_ROWS)):
        path = bundle.directory / directory / f"part-{number:05}.parquet"
        pq.write_table(listed.slice(start, PART_ROWS), path)
    source = {bucket: column(np.array([one.key[bucket] for one in buckets], np.int32))}
    pq.write_table(pa.table(source), bundle.directory / "source.parquet")
    if len(table) > unit.settings["max_component_rows"]:
        bundle.part_rows[part] = unit.settings["max_component_rows"]
    bundle.parts |= {"Source": "source.parquet", part: directory}
    return table


def write_properties(
    directory: Path, table: pa.Table, segment: str, numbers: dict[str, str]
) -> None:
    """Write Neuroglancer's segment properties of the largest segments, these first.

    Parameters
    ----------
    directory : Path
    table : Table
    segment : str
        The column of ids.
    numbers : dict of str to str
        Columns of numbers, and what they are: how large one is by the first.
    """
    order = [(next(iter(numbers)), "descending"), (segment, "ascending")]
    largest = table.take(pc.select_k_unstable(table, TOLD, order))
    told = [
        {
            "id": name,
            "type": "number",
            "data_type": "float32",
            "description": words,
            "values": largest[name].to_numpy().astype(np.float32).tolist(),
        }
        for name, words in numbers.items()
    ]
    ids = list(map(str, largest[segment].to_pylist()))
    about = {
        "@type": "neuroglancer_segment_properties",
        "inline": {"ids": ids, "properties": told},
    }
    directory.mkdir(parents=True)
    (directory / "info").write_text(json.dumps(about))
