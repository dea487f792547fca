#!/usr/bin/env python3
"""SORT_WORDS: the words of one file in the order of their hash."""

from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit


def sort_words(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one file: its words beside their hashes."""
    words = Path(unit.arguments["path"]).read_text().split()
    hashes, words = zip(*sorted((crc32(word.encode()), word) for word in words), strict=True)
    bundle.attributes["n_sorted"] = len(words)
    table = pa.table({"hash": pa.array(hashes, pa.uint32()), "word": words})
    pq.write_table(table, bundle.directory / "words.parquet")


if __name__ == "__main__":
    main("SORT_WORDS", sort_words, software=("pyarrow",))
