#!/usr/bin/env python3
"""COLLECT_ROWS: the rows of all blocks of a cutout as one table, in the order of the blocks."""

import pyarrow as pa
import pyarrow.parquet as pq
from functions.rows import collected, united
from kit.bundles import stream
from kit.tasks import main
from kit.units import Bundle, Unit
from voxels.arrow import strings

SOURCE = ("channel_id", "block")
NAME = "rows.parquet"


def collect_rows(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one cutout: `rows/`, and the blocks that they are of."""
    _, *blocks = unit.inputs
    names = [block.key["block"] for block in blocks]
    each = zip(names, stream(blocks, NAME), strict=True)
    files = ((name, pq.ParquetFile(path)) for name, path in each)
    schema = united((name, file.metadata.num_rows, file.schema_arrow) for name, file in files)
    (bundle.directory / "rows").mkdir()
    number = 0
    with pq.ParquetWriter(bundle.directory / "rows" / "part-00000.parquet", schema) as writer:
        for name, path in zip(names, stream(blocks, NAME), strict=True):
            rows = pq.ParquetFile(path).read()
            number += rows.num_rows
            writer.write_table(collected(name, rows, schema))
    sources = {name: strings([block.key[name] for block in blocks]) for name in SOURCE}
    pq.write_table(pa.table(sources), bundle.directory / "source.parquet")
    bundle.parts["Source"] = "source.parquet"
    bundle.urls["applied_rows"] = "rows"
    bundle.attributes |= {
        "n_applied_rows": number,
        "applied_row_columns": {field.name: str(field.type) for field in schema},
    }


if __name__ == "__main__":
    main("COLLECT_ROWS", collect_rows, software=("pyarrow",))
