"""Rows that points ask for, and the sample sheet that has them as they are."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence

from ..kit import rows
from ..kit.parameters import Parameters
from . import sources
from .space import Value
from .steps import Row, Step


def row_of(
    step: Step, number: int, values: Mapping[str, Value], request_of: Callable[[str], str | None]
) -> Row | None:
    """Return what a point asks of a step in one of its rows.

    Parameters
    ----------
    step : Step
    number : int
        Which row, from 0.
    values : mapping
        What the point says of the step.
    request_of : callable
        Returns the complete request of a step before, if there is one.

    Returns
    -------
    dict, optional
        None where it reads a result that is not complete. What the row is called is left out.
    """
    row = {name: value for name, value in {**step.rows[number], **values}.items() if name != "name"}
    for name, (other, rest) in sources.references(step, row).items():
        request = request_of(other)
        if request is None:
            return None
        row[name] = f"bossflow://{request}{rest}"
    return row


def sheet(asked: Sequence[tuple[str, Row]], parameters: Parameters) -> str:
    """Return a sample sheet (CSV) of rows, each with a name.

    Raises
    ------
    ValueError
        If a value can't be written as a cell.
    """
    columns = [name for name in parameters.per_row if any(name in row for _, row in asked)]
    columns = [name for name in columns if name != "name"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", *columns])
    for name, row in asked:
        writer.writerow([name, *(_cell(row.get(column)) for column in columns)])
    empty = dict.fromkeys(parameters.per_row)
    read = rows.rows(empty, parameters, text.getvalue(), "the sheet")
    for (name, row), one in zip(asked, read, strict=True):
        for column in columns:
            if one[column] != row.get(column):
                raise ValueError(
                    f"{column} of {name} can't be written into a sample sheet: give it without "
                    "space at its ends, and not empty"
                )
    return text.getvalue()


def _cell(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        texts = any(isinstance(one, str) for one in value)
        return json.dumps(value, ensure_ascii=False) if texts else ",".join(map(str, value))
    return str(value)
