"""Rows into tables, in statements of bounded length."""

from collections.abc import Iterable, Sequence
from typing import Any

from .. import database

ROWS = 200  # in a statement that is made row by row


def insert_absent(table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows whose primary keys are not there yet.

    Parameters
    ----------
    table : datajoint table
        Where they go.
    rows : sequence of dict
        All with the same columns; numbers, text and times only.
    """
    if not rows:
        return
    adapter = table.connection.adapter
    start = head(table, rows[0])
    row_marks = "(" + ", ".join(["%s"] * len(rows[0])) + ")"
    tail = adapter.skip_duplicates_clause(table.full_table_name, table.primary_key)
    for some in database.pieces(rows, ROWS):
        values = tuple(row[name] for row in some for name in rows[0])
        table.connection.query(start + ", ".join([row_marks] * len(some)) + tail, values)


def insert_all(table: Any, rows: Iterable[dict[str, Any]], skip_duplicates: bool = False) -> None:
    """Insert rows of whatever columns, by DataJoint's own `insert`, in bounded statements."""
    for some in database.pieces(rows, ROWS):
        table.insert(some, skip_duplicates=skip_duplicates, allow_direct_insert=True)


def head(table: Any, names: Iterable[str]) -> str:
    """Return how a statement begins that inserts these columns."""
    quoted = ", ".join(map(table.connection.adapter.quote_identifier, names))
    return f"INSERT INTO {table.full_table_name} ({quoted}) VALUES "
