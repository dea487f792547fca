#!/usr/bin/env python3
"""COUNT_WORDS: the words of one text file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from kit.tasks import main
from kit.units import Bundle, Unit


def count_words(unit: Unit, bundle: Bundle) -> None:
    """Fill the bundle of one file: how many words, and how often each."""
    words = Path(unit.arguments["path"]).read_text().split()
    if "broken" in words:
        raise ValueError(f"{unit.arguments['path']} is broken")
    bundle.attributes["n_words"] = len(words)
    distinct = sorted(set(words))
    shares = [words.count(word) / len(words) for word in distinct]
    table = pa.table({"word": distinct, "frequency": shares})
    pq.write_table(table, bundle.directory / "word.parquet")
    bundle.parts["Word"] = "word.parquet"


if __name__ == "__main__":
    main("COUNT_WORDS", count_words, software=("pyarrow",))
