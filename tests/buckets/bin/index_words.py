#!/usr/bin/env python3
"""INDEX_WORDS: what of which file is in which bucket."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit


def index_words(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: a row for each bucket that a file has words of."""
    number = unit.arguments["n_buckets"]
    rows: list[tuple[int, int, int, int]] = []
    for block, given in enumerate(unit.inputs):
        hashes = pq.read_table(given.file("words.parquet"), columns=["hash"])["hash"].to_numpy()
        bounds = np.searchsorted(hashes, np.arange(number + 1) * 2**32 / number)
        for bucket in np.flatnonzero(np.diff(bounds)).tolist():
            rows.append((bucket, block, int(bounds[bucket]), int(bounds[bucket + 1])))
    columns = zip(*sorted(rows), strict=True)
    names = ("bucket", "block", "start", "stop")
    slices = pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})
    pq.write_table(slices, bundle.directory / "slices.parquet", row_group_size=2**16)
    bundle.attributes["n_word_slices"] = len(rows)
    source = pa.table({"sorted_file": [given.key["sorted_file"] for given in unit.inputs]})
    pq.write_table(source, bundle.directory / "source.parquet")
    bundle.parts["Source"] = "source.parquet"


if __name__ == "__main__":
    main("INDEX_WORDS", index_words, software=("pyarrow",))
