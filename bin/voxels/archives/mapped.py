"""Tables of ids that rows name: read before anything runs, so that what is wrong is told then."""

from pathlib import Path
from typing import Any

from ..id_tables import read
from . import Refused, brief
from .made import is_made, named

COLUMNS = ("from", "to")
"""Of who names none."""


Known = dict[tuple[str, ...], dict[str, Any]]
"""What is known of files and columns that were read."""


def with_table(row: dict[str, Any], known: Known) -> None:
    """Add `id_table` to a row: `identity`, `table`, `columns`, `n_rows`.

    `identity` is the sha256 of what the table says, in whatever file and order; of one that was
    made here None.

    Raises
    ------
    Refused
        If it is no table of ids.
    """
    table, where = row["table"], row["where"]
    if is_made(table):
        named(table)
        for name in ("from_column", "to_column"):
            if row[name] is not None:
                raise Refused(
                    f"{name} is for a file, and {table} was made here: leave it out (in {where})"
                )
        row["id_table"] = {"identity": None}
        return
    if "://" in table:
        raise Refused(f"table {brief(table)} is no file here: give the path of one (in {where})")
    if row["threshold"] is not None:
        raise Refused(
            f"threshold is for a table that was made here, and {brief(table)} is a file: leave it "
            f"out (in {where})"
        )
    columns = tuple(row[f"{name}_column"] or name for name in COLUMNS)
    try:
        row["id_table"] = known.get((table, *columns)) or _described(table, columns)
    except ValueError as error:
        raise Refused(f"table {brief(table)} {error} (in {where})") from None
    except OSError as error:
        raise Refused(f"table {brief(table)}: {error.strerror} (in {where})") from None
    known[table, *columns] = row["id_table"]


def _described(table: str, columns: tuple[str, ...]) -> dict[str, Any]:
    found = read(Path(table), columns)
    identity = {"sha256": found.digest}
    return {"identity": identity, "table": table, "columns": columns, "n_rows": len(found.ids)}
