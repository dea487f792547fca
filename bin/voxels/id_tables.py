"""Tables that say which id becomes which: read from CSV or Parquet, put in order, and looked up.

What reads files is imported where it is used: who only looks ids up needs it not.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

Ids = NDArray[np.uint64]

SUFFIXES = (".csv", ".parquet")
ID_MAX = 2**64 - 1

BYTES_PER_ROW = 64
"""Memory of a table that is read, at most: its columns, twice, and their order."""

_ROWS_AT_ONCE = 2**20
_CSV_BYTES_AT_ONCE = 2**24


class IdTable(NamedTuple):
    """Which id becomes which.

    Attributes
    ----------
    ids : uint64 array, shape (n,)
        In order, each once.
    targets : uint64 array, shape (n,)
    """

    ids: Ids
    targets: Ids

    @property
    def digest(self) -> str:
        """Sha256 of the ids and then the targets, little-endian."""
        sha256 = hashlib.sha256()
        for column in self:
            sha256.update(np.ascontiguousarray(column, "<u8").data)
        return sha256.hexdigest()

    def of(self, ids: Ids) -> tuple[Ids, NDArray[np.bool_]]:
        """Return what ids become, and which of them are in the table; the others stay.

        Parameters
        ----------
        ids : uint64 array, shape (m,)
            In order, so that of a table that is mapped into memory few pages are read.
        """
        places = np.searchsorted(self.ids, ids)
        places[places == len(self.ids)] = 0
        known = self.ids[places] == ids
        return np.where(known, self.targets[places], ids), known


def ordered(ids: Ids, targets: Ids) -> IdTable:
    """Return rows in the order of their ids; those that say the same once.

    Raises
    ------
    ValueError
        If there is none, or one id is to become two.
    """
    if not len(ids):
        raise ValueError("has no rows: it must say of at least one id what it becomes")
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        ids, targets = ids[order], targets[order]
    again = ids[1:] == ids[:-1]
    if again.any():
        other = np.flatnonzero(again & (targets[1:] != targets[:-1]))
        if len(other):
            at = int(other[0])
            one, two = int(targets[at]), int(targets[at + 1])
            raise ValueError(f"says that id {ids[at]} becomes {one} and {two}: leave one of them")
        first = np.concatenate([[True], ~again])
        ids, targets = ids[first], targets[first]
    return IdTable(ids, targets)


def read(path: Path, columns: Sequence[str], only: Sequence[str] = ()) -> IdTable:
    """Read a table from a CSV file with a header, or a Parquet file.

    Takes `BYTES_PER_ROW`.

    Parameters
    ----------
    path : Path
        Its suffix is one of `SUFFIXES`.
    columns : sequence of 2 str
        Those of ids, and of what these become: whole numbers from 0 to 2^64 - 1.
    only : sequence of 2 str, optional
        Of a Parquet file, a column of texts, and what it says in the rows that are meant.

    Raises
    ------
    ValueError
        If it is no such table: its words go on from the name of the file.
    """
    if columns[0] == columns[1]:
        raise ValueError(f"can't have ids and what they become in one column, {columns[0]}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"ends in neither {' nor '.join(SUFFIXES)}")
    parts = _csv(path, columns) if suffix == ".csv" else _parquet(path, columns, only)
    found = [np.stack(part) for part in parts]
    joined = np.concatenate([np.empty((2, 0), np.uint64), *found], axis=1)
    found.clear()
    return ordered(*joined)


def _csv(path: Path, columns: Sequence[str]) -> Iterator[list[Ids]]:
    import pyarrow as pa
    import pyarrow.csv as pc

    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            names = next(csv.reader(stream), [])
    except UnicodeDecodeError:
        raise ValueError("is not text in UTF-8") from None
    _refuse_other(names, columns)
    convert = pc.ConvertOptions(
        column_types=dict.fromkeys(columns, pa.uint64()),
        include_columns=list(columns),
        null_values=[],
        strings_can_be_null=False,
    )
    reading = pc.ReadOptions(use_threads=False, block_size=_CSV_BYTES_AT_ONCE)  # rows are numbered
    try:
        with pc.open_csv(str(path), read_options=reading, convert_options=convert) as rows:
            for batch in rows:
                yield [_numbers(batch.column(name), name) for name in columns]
    except pa.ArrowException as error:
        raise ValueError(_told(str(error), names)) from None


def _parquet(path: Path, columns: Sequence[str], only: Sequence[str]) -> Iterator[list[Ids]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _refuse_other(file.schema_arrow.names, columns)
            for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[*columns, *only[:1]]):
                if only:
                    batch = batch.filter(pc.equal(batch.column(only[0]), only[1]))
                yield [_numbers(batch.column(name), name) for name in columns]
    except (pa.ArrowException, OSError) as error:
        raise ValueError(_told(str(error), [])) from None


def _refuse_other(names: Sequence[str], columns: Sequence[str]) -> None:
    for name in columns:
        if (n := names.count(name)) != 1:
            there = f"{n} columns {name}" if n else f"no column {name}"
            known = ", ".join(names[:10]) or "none"
            raise ValueError(f"has {there}, but {known}: give from_column and to_column")


def _numbers(column: pa.Array, name: str) -> Ids:
    """Return ids of a column, whose type is of whole numbers."""
    import pyarrow as pa

    kind = column.type
    if column.null_count:
        raise ValueError(f"has an empty {name}: each row must have an id")
    if not pa.types.is_integer(kind) and not (pa.types.is_decimal(kind) and kind.scale == 0):
        raise ValueError(
            f"has column {name} of type {kind}, and ids are whole numbers: store these"
        )
    try:
        ids: Ids = column.cast(pa.uint64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        wrong = next(v for v in column.to_pylist() if not 0 <= v <= ID_MAX)
        raise ValueError(_refused(name, wrong)) from None
    return ids


def _refused(name: str, value: Any) -> str:
    return f"has {name} {value}, and ids are whole numbers from 0 to {ID_MAX}"


def _told(error: str, names: Sequence[str]) -> str:
    """Return what Arrow says of a file, in our words where these are known."""
    line = error.partition("\n")[0]
    wrong = re.search(r"CSV column #(\d+): (?:Row #(\d+): )?.*invalid value '(.{0,40})", line)
    if not wrong:
        return f"can't be read: {line[:200]}"
    number, row, value = wrong.groups()
    at = f" (row {row})" if row else ""
    return _refused(names[int(number)], value.removesuffix("'") or "nothing") + at
