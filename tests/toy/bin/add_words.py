#!/usr/bin/env python3
"""ADD_WORDS: the words of all files of a request."""

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit


def add_words(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one request: the sum of its files' words, and which files."""
    bundle.attributes["total"] = sum(one.manifest["attributes"]["n_words"] for one in unit.inputs)
    names = [one.key["file_id"] for one in unit.inputs]
    (bundle.directory / "listing.txt").write_text("\n".join(names))
    bundle.urls["listing"] = "listing.txt"
    pq.write_table(pa.table({"file_id": names}), bundle.directory / "source.parquet")
    bundle.parts["Source"] = "source.parquet"


if __name__ == "__main__":
    main("ADD_WORDS", add_words, software=("pyarrow",))
