#!/usr/bin/env python3
"""COUNT_BUCKET: the words of one bucket."""

import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit


def count_bucket(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one bucket: its words, in order, from the files that have some."""
    (index,) = unit.inputs
    own = [("bucket", "=", unit.key["bucket"])]
    slices = pq.read_table(index.file("slices.parquet"), filters=own).to_pylist()
    words: list[str] = []
    blocks = unit.opened(index, [one["block"] for one in slices])
    for one, block in zip(slices, blocks, strict=True):
        table = pq.read_table(block.file("words.parquet"), columns=["word"])
        words += table["word"][one["start"] : one["stop"]].to_pylist()
    (bundle.directory / "words.txt").write_text("\n".join(sorted(words)))
    bundle.attributes["n_in_bucket"] = len(words)


if __name__ == "__main__":
    main("COUNT_BUCKET", count_bucket, software=("pyarrow",))
