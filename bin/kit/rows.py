"""What is asked for, by parameters or by a sample sheet, as rows with typed values."""

import csv
import difflib
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from .faults import Faults
from .parameters import Parameters, Wrong, shown
from .texts import many


def rows(
    params: Mapping[str, Any],
    parameters: Parameters,
    sheet_text: str | None = None,
    sheet_name: str | None = None,
    faults: Faults | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each thing that is asked for, such as a cutout.

    Parameters
    ----------
    params : mapping
        The run's parameters, as `parameters.checked` returns them.
    parameters : Parameters
        What the workflow takes, and which of it a sample sheet may give as columns.
    sheet_text : str, optional
        The sample sheet: CSV with a header, in letters of either case. An empty cell stands for
        the run's parameter; a row of such cells is none, and nor is a column at the end.
    sheet_name : str, optional
        What messages call the sheet.
    faults : Faults, optional
        To be told of rows that are wrong, which are left out; else all are raised at once.

    Returns
    -------
    list of dict
        Each with every per-row parameter, typed as `Parameters.value` says (ranges are
        `[from, to]`, half-open, in channel voxels; block shapes ZYX, in voxels; voxel sizes XYZ,
        in nm), and `where`, the words for where it was asked for.

    Raises
    ------
    ValueError
        With one sentence that names the parameter or the line and column, what is wrong and what
        would be right.
    Wrong
        With such a sentence for each row that is wrong.
    """
    run = {name: params[name] for name in parameters.per_row}
    if sheet_text is not None and not run:
        raise ValueError(f"input is not for workflow {parameters.workflow}: it reads no sheet")
    if sheet_text is not None:
        found = Faults(ValueError) if faults is None else faults
        sheet = sheet_name or "the sample sheet"
        asked = _sheet_rows(run, parameters, sheet_text, sheet, found)
        if faults is None and found.told():
            raise Wrong(*found.told())
        return asked
    for name in _missing(run, parameters):
        raise ValueError(
            f"{name} is missing: {parameters.example(name)}, or give a sample sheet as input; "
            f"nextflow run . --workflow {parameters.workflow} --help shows all parameters"
        )
    return [run | {"where": "the parameters"}]


def _sheet_rows(
    run: dict[str, Any], parameters: Parameters, text: str, sheet: str, faults: Faults
) -> list[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns: list[str] | None = None
    sheet_rows: list[dict[str, Any]] = []
    line_of: dict[str, int] = {}
    line_named: dict[str | None, int] = {}
    read = False
    while True:
        line = reader.line_num + 1
        where = f"line {line} of {sheet}"
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:  # what follows can't be told apart
            faults.add(where, f"{where} is not CSV: {error}")
            return sheet_rows
        if not any(cells):  # spreadsheet programs leave such rows, and such columns at the end
            continue
        if columns is None:
            columns = _columns(_without_last(cells), parameters, where)
            continue
        read = True
        with faults.of(where):
            row = run | _cells(cells, columns, parameters, where)
            for lacking in _missing(row, parameters):
                raise ValueError(f"{where}: {lacking} is missing: {parameters.example(lacking)}")
            name = row.get("name")
            same = json.dumps(row | {"name": None}, sort_keys=True)
            if same in line_of:
                raise ValueError(f"{where} asks for the same as line {line_of[same]}: remove one")
            if name is not None and name in line_named:
                raise ValueError(
                    f"{where} has the name of line {line_named[name]}, {shown(name)}: give another"
                )
            line_of[same] = line_named[name] = line
            sheet_rows.append(row | {"where": where})
    if not read:
        raise ValueError(f"{sheet} has no rows: it needs a header and a line below it")
    return sheet_rows


def _cells(
    cells: list[str], columns: list[str], parameters: Parameters, where: str
) -> dict[str, Any]:
    """Return the values of a row's cells, but for the empty ones."""
    cells = cells[: len(columns)] + _without_last(cells[len(columns) :])
    if len(cells) != len(columns):
        raise ValueError(
            f"{where} has {_count(cells)}, but the header {_count(columns)}: "
            'write a range as 0..512 or, in quotes, "0,512"'
        )
    return {
        column: _checked(parameters, column, cell, where)
        for column, cell in zip(columns, cells, strict=True)
        if cell
    }


def _checked(parameters: Parameters, column: str, cell: str, where: str) -> Any:
    try:
        return parameters.value(column, cell)
    except ValueError as error:
        raise ValueError(f"{where}: {column} {error}") from None


def _missing(row: Mapping[str, Any], parameters: Parameters) -> list[str]:
    return [name for name in parameters.required if row.get(name, 0) in (None, "")]


def _without_last(cells: list[str]) -> list[str]:
    """Return cells without those at the end that are empty."""
    filled = [number for number, cell in enumerate(cells, 1) if cell]
    return cells[: max(filled, default=0)]


def _columns(cells: list[str], parameters: Parameters, where: str) -> list[str]:
    names = [cell.lower() for cell in cells]
    for cell, name in zip(cells, names, strict=True):
        if name not in parameters.per_row:
            raise ValueError(f"{where}: unknown column {shown(cell)}: {_hint(cell, parameters)}")
        if names.count(name) > 1:
            raise ValueError(f"{where} has the column {name} twice: remove one")
    return names


def _hint(column: str, parameters: Parameters) -> str:
    if ";" in column or "\t" in column:
        return "columns must be separated by commas"
    words = {
        word: name
        for name in parameters.per_row
        for word in (name, *parameters.described[name].get("synonyms", ()))
    }
    near = difflib.get_close_matches(re.sub(r"\W", "_", column.lower()), words, n=1)
    known = f"there are {', '.join(parameters.per_row)}"
    return f"did you mean {words[near[0]]}?" if near else known


def _count(cells: list[str]) -> str:
    return many(len(cells), "cell")


def wheres(rows: list[dict[str, Any]]) -> str:
    """Return where something was asked for: the first row, and how many more."""
    first, more = rows[0]["where"], len(rows) - 1
    return f"{first}, and {many(more, 'more row')}" if more else str(first)
