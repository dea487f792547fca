"""Many rows at once, the same way on PostgreSQL and MySQL."""

from collections.abc import Iterable, Sequence
from typing import Any

ROWS_PER_STATEMENT = 2000


def insert_rows(table: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows by multi-row VALUES; several times faster than row by row.

    Parameters
    ----------
    table : datajoint table
        Where they go.
    columns : sequence of str
        Names of the values in each row.
    rows : iterable of sequences
        The values; consumed in batches.

    Returns
    -------
    int
        How many rows were inserted.
    """
    conn = table.connection
    names = ", ".join(conn.adapter.quote_identifier(name) for name in columns)
    one = "(" + ", ".join(["%s"] * len(columns)) + ")"
    head = f"INSERT INTO {table.full_table_name} ({names}) VALUES "
    total = 0
    batch: list[Any] = []
    count = 0

    def flush() -> None:
        nonlocal total, count
        if count:
            conn.query(head + ", ".join([one] * count), tuple(batch))
            total += count
            batch.clear()
            count = 0

    for row in rows:
        batch.extend(row)
        count += 1
        if count == ROWS_PER_STATEMENT:
            flush()
    flush()
    return total
