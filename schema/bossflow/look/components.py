"""The table of a request's components, or what stands for them: for people and programs."""

import contextlib
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from ..core import holdings, installed, ledger
from ..core.tables import Request
from . import listed
from .listed import Listed


def rows(request: str, of: Listed) -> list[dict[str, Any]]:
    """Return the components of a request by number, coordinates in voxels of its channel."""
    table = of.part() & {"request_id": request}
    components: list[dict[str, Any]] = table.to_dicts(order_by=of.number)
    return [
        {
            name: int(value) if isinstance(value, Decimal) else value
            for name, value in row.items()
            if name != "request_id"
        }
        for row in components
    ]


def write(start: str, form: str, output: str | None) -> None:
    """Write a request's components as `table`, `csv`, `parquet` or `json`.

    Those that are rows of the database; where the others are is said on standard error. Parquet is
    all of them: where the database lists a part, they come from the files of the result.

    Raises
    ------
    ValueError
        If the request is unknown or not complete, Parquet would go to a terminal, or the result's
        files are needed and not here.
    """
    request = ledger.named(Request, start)
    (name,) = (Request() & {"request_id": request}).to_arrays("workflow")
    of = listed.of_workflow(installed.opened(str(name)))
    if of is None:
        other = name.rpartition(".")[2]
        raise ValueError(f"request {request} is of workflow {other}, which lists no components")
    results = (of.table() & {"request_id": request}).to_dicts()
    if not results:
        raise ValueError(f"request {request} has no components yet: see `bossflow status`")
    (result,) = results
    names = [name for name in of.part().heading.names if name != "request_id"]
    note = _rest(result, of)
    if form == "parquet":
        if output is None and sys.stdout.isatty():
            raise ValueError("Parquet is not text: name a file with --output")
        pieces = _from_files(result, of) if note else _from_rows(request, of)
        _write_parquet(pieces, output, int(result[of.total]), of)
        return
    components = rows(request, of)
    if note:
        print(f"note: {note}; `--format parquet` gives all of them", file=sys.stderr)
    if form == "table":
        _table(names, components, output)
        return
    with contextlib.ExitStack() as stack:
        stream: TextIO = sys.stdout
        if output:
            stream = stack.enter_context(Path(output).open("w", newline="", encoding="utf-8"))
        if form == "csv":
            writer = csv.DictWriter(stream, names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(components)
        else:
            json.dump(components, stream, indent=1)
            stream.write("\n")


def _rest(result: dict[str, Any], of: Listed) -> str | None:
    """Say where those are that are not rows of the database; None if all are."""
    number, total = result[of.rows], result[of.total]
    if number == total:
        return None
    what = of.total.removeprefix("n_")
    return f"the database lists the first {number} {what}, the other {total - number} are in files"


def _schema(of: Listed) -> pa.Schema:
    """Return the columns of a component table, as they are in Parquet."""
    types = {"int64": pa.int64(), "float64": pa.float64(), "decimal(20,0)": pa.decimal128(20, 0)}
    heading = of.part().heading
    columns = [heading[name] for name in heading.names if name != "request_id"]
    return pa.schema(
        [(column.name, types[column.original_type or column.type]) for column in columns]
    )


def _from_rows(request: str, of: Listed) -> Iterator[pa.Table]:
    yield pa.Table.from_pylist(rows(request, of), _schema(of))


def _from_files(result: dict[str, Any], of: Listed) -> Iterator[pa.Table]:
    """Yield the component table of a result from its files, a row group at a time."""
    key = {"request_id": result["request_id"]}
    (recorded,) = ledger.recorded(of.table, [key]).values()
    try:
        bundle = holdings.bundle_here(recorded)
    except ValueError as error:
        raise ValueError(
            f"the database lists a part of the components, and the files of all: {error}"
        ) from None
    yield from holdings.row_groups(bundle, bundle.manifest["parts"][of.part.__name__])


def _write_parquet(tables: Iterable[pa.Table], output: str | None, total: int, of: Listed) -> None:
    """Write tables into one file; one that can't be written to the end goes."""
    schema, number = _schema(of), 0
    tables = iter(tables)
    first = next(tables, schema.empty_table())  # before anything is written
    existed = output is not None and Path(output).exists()
    try:
        with pq.ParquetWriter(output or sys.stdout.buffer, schema) as writer:
            for table in chain([first], tables):
                writer.write_table(table.select(schema.names).cast(schema))
                number += table.num_rows
        if number != total:
            raise ValueError(f"its files hold {number:,} components, and {total:,} are recorded")
    except BaseException:
        if output and not existed:
            Path(output).unlink(missing_ok=True)
        raise


def _table(names: list[str], components: list[dict[str, Any]], output: str | None) -> None:
    # plain text: rich takes seconds for some thousand rows
    cells = [names, *([_text(row[name]) for name in names] for row in components)]
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
