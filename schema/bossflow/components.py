"""The component table of a request, for people, spreadsheets and programs."""

import contextlib
import csv
import json
import sys
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from . import ledger
from .tables import Request
from .workflows.label import Segmentation, rest


def rows(request: str) -> list[dict[str, Any]]:
    """Return the components of a request by number, coordinates in voxels of its channel."""
    table = Segmentation.Component() & {"request_id": request}
    found: list[dict[str, Any]] = table.to_dicts(order_by="component_id")
    for row in found:
        del row["request_id"]
        if row["segment_id"] is not None:
            row["segment_id"] = int(row["segment_id"])
    return found


def write(start: str, form: str, output: str | None) -> None:
    """Write a request's components as `table`, `csv`, `parquet` or `json`.

    Those that are rows of the database; where the others are is said on standard error.

    Raises
    ------
    ValueError
        If the request is unknown or not complete, or Parquet would go to a terminal.
    """
    request = ledger.named(Request, start)
    ledger.opened(Segmentation.__module__)
    if not len(Segmentation() & {"request_id": request}):
        raise ValueError(f"request {request} has no components yet: see `bossflow status`")
    found = rows(request)
    note = rest((Segmentation() & {"request_id": request}).to_dicts()[0])
    if note:
        print(f"note: {note}", file=sys.stderr)
    names = [name for name in Segmentation.Component().heading.names if name != "request_id"]
    if form == "parquet":
        if output is None and sys.stdout.isatty():
            raise ValueError("Parquet is not text: name a file with --output")
        types = {"segment_id": pa.decimal128(20, 0)}
        columns = {name: pa.array([row[name] for row in found], types.get(name)) for name in names}
        pq.write_table(pa.table(columns), output or sys.stdout.buffer)
        return
    if form == "table":
        _table(names, found, output)
        return
    with contextlib.ExitStack() as stack:
        stream: TextIO = sys.stdout
        if output:
            stream = stack.enter_context(Path(output).open("w", newline="", encoding="utf-8"))
        if form == "csv":
            writer = csv.DictWriter(stream, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)
        else:
            json.dump(found, stream, indent=1)
            stream.write("\n")


def _table(names: list[str], found: list[dict[str, Any]], output: str | None) -> None:
    # plain text: rich takes seconds for some thousand rows
    cells = [names, *([_text(row[name]) for name in names] for row in found)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.rjust, row, widths)) + "\n" for row in cells]
    if output:
        Path(output).write_text("".join(lines), encoding="utf-8")
    else:
        sys.stdout.writelines(lines)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}"
    return "-" if value is None else str(value)
