"""Rows of Parquet files into tables: the fastest way of each backend, the same values on both."""

import functools
import io
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from .insert import head, insert_all

BATCH_ROWS = 20_000
SLOW_BATCH_ROWS = 2_000
STATEMENT_BYTES = 2**19  # and a row: MySQL takes 64 MiB, and 1 MiB where it was set low

Send = Callable[[], None]
T = TypeVar("T")


def insert_parquet(
    table: Any,
    key: dict[str, Any],
    files: Iterable[Path],
    limit: int | None = None,
    start: int = 0,
) -> int:
    """Insert rows of Parquet files; call it in a transaction.

    PostgreSQL takes them by COPY, MySQL by multi-row VALUES, both as text that is made column by
    column; columns whose values text does not carry exactly (json, times, blobs, …) go through
    DataJoint's own `insert`, some ten times slower. Memory: about 50 MB, whatever the files hold.

    Parameters
    ----------
    table : datajoint table
        Where they go.
    key : dict
        Column to the value that it has in every row.
    files : iterable of Path
        Parquet files with the other columns.
    limit : int, optional
        Insert only so many first rows.
    start : int
        How many of these are there already.

    Returns
    -------
    int
        How many rows were inserted.
    """
    total = 0
    for rows, send in _one_ahead(_prepared(table, key, files, limit, start)):
        send()
        total += rows
    return total


def _prepared(
    table: Any, key: dict[str, Any], files: Iterable[Path], limit: int | None, start: int
) -> Iterator[tuple[int, Send]]:
    """Yield number of rows and what sends them to the database, batch by batch."""
    prepare = _copy if table.connection.adapter.backend == "postgresql" else _values
    left = math.inf if limit is None else limit - start
    for path in files:
        source = pq.ParquetFile(path)
        if start >= source.metadata.num_rows:
            start -= source.metadata.num_rows
            continue
        plain = all(_is_plain(table, field) for field in source.schema_arrow)
        for batch in source.iter_batches(BATCH_ROWS if plain else SLOW_BATCH_ROWS):
            offset, start = start, max(0, start - batch.num_rows)
            batch = batch.slice(offset, int(min(left, batch.num_rows)))
            if left <= 0:
                return
            if not batch.num_rows:
                continue
            left -= batch.num_rows
            yield batch.num_rows, (prepare if plain else _insert)(table, key, batch)


def _one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield items, while the next one is being made: the database has a core of its own."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def _is_plain(table: Any, field: pa.Field) -> bool:
    """Say whether text carries a column's values exactly, and means the same to the database."""
    attribute = table.heading[field.name]
    kind = (attribute.original_type or attribute.type).partition("(")[0]
    if attribute.codec is not None:
        return False
    if kind.startswith("int"):
        return bool(pa.types.is_integer(field.type))
    if kind in ("decimal", "numeric"):
        return bool(pa.types.is_integer(field.type) or pa.types.is_decimal(field.type))
    fits = {
        "float64": pa.types.is_float64,
        "bool": pa.types.is_boolean,
        "char": pa.types.is_string,
        "varchar": pa.types.is_string,
    }
    return kind in fits and bool(fits[kind](field.type))


def _insert(table: Any, key: dict[str, Any], batch: pa.RecordBatch) -> Send:
    """Prepare rows for DataJoint's own insert."""
    rows = [key | row for row in batch.to_pylist()]
    return functools.partial(insert_all, table, rows)


def _copy(table: Any, key: dict[str, Any], batch: pa.RecordBatch) -> Send:
    """Prepare PostgreSQL's COPY, on DataJoint's own connection: in its transaction."""
    conn = table.connection
    constant = [pa.repeat(value, batch.num_rows) for value in key.values()]
    names = [*key, *batch.schema.names]
    text = io.BytesIO()  # strings in quotes, null as nothing at all
    rows = pa.RecordBatch.from_arrays([*constant, *batch.columns], names)
    pyarrow.csv.write_csv(rows, text, pyarrow.csv.WriteOptions(include_header=False))
    text.seek(0)
    quoted = ", ".join(map(conn.adapter.quote_identifier, names))
    command = (
        f"COPY {table.full_table_name} ({quoted}) FROM STDIN WITH (FORMAT csv, ENCODING 'UTF8')"
    )

    def send() -> None:
        try:
            with conn._conn.cursor() as cursor:
                cursor.copy_expert(command, text, 2**20)
        except Exception as error:
            # it may be the same: an error that is its own cause has no end
            raise conn.adapter.translate_error(error, command) from None

    return send


def _values(table: Any, key: dict[str, Any], batch: pa.RecordBatch) -> Send:
    """Prepare multi-row VALUES, in statements that stay below MySQL's largest packet."""
    conn = table.connection
    escape = conn._conn.escape  # the driver's own
    constant = [_text(escape(value)) for value in key.values()]
    columns = [*constant, *(_literals(column, escape) for column in batch.columns)]
    rows = pc.binary_join_element_wise(*columns, _text(","))
    opening = head(table, [*key, *batch.schema.names])
    ends = np.cumsum(pc.binary_length(rows).to_numpy() + len("),("))
    cuts = np.flatnonzero(np.diff(ends // STATEMENT_BYTES)) + 1
    statements = [
        f"{opening}({'),('.join(rows[start:stop].to_pylist())})"
        for start, stop in zip([0, *cuts], [*cuts, len(rows)], strict=True)
    ]

    def send() -> None:
        for statement in statements:
            conn.query(statement, None)  # None: a % in it is a %

    return send


def _literals(column: pa.Array, escape: Any) -> pa.Array:
    """Return a column as SQL literals."""
    if pa.types.is_string(column.type):
        texts = [None if value is None else escape(value) for value in column.to_pylist()]
        literals = pa.array(texts, pa.large_string())
    else:
        literals = column.cast(pa.large_string())
    if pa.types.is_floating(column.type):  # without an exponent it would be a decimal number
        whole = pc.binary_join_element_wise(literals, _text("e0"), _text(""))
        literals = pc.if_else(pc.match_substring(literals, "e"), literals, whole)
    return pc.fill_null(literals, _text("NULL"))


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())
