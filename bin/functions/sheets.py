"""Sheets of rows: CSV, JSON Lines and Parquet, read by the types of a function's parameters."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from .signature import Parameter
from .texts import many, one_line

Line = TypeVar("Line")

_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|inf|infinity)|nan", re.I)

MOST_DIGITS = 4300
"""Of a whole number: Python reads and writes no more."""

OF_DIGITS = f"has a whole number of more than {MOST_DIGITS:,} digits: give it as a text"


class Wrong(ValueError):
    """Rows that are wrong: a sentence for each is an argument."""

    def __str__(self) -> str:
        """Return the sentences, each on its line."""
        return "\n".join(map(str, self.args))


def rows_of(path: Path, parameters: Sequence[Parameter]) -> list[dict[str, Any]]:
    """Return the rows of a file, as `arguments.read_rows` says."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise ValueError(
            f"{one_line(path.name)} must be CSV, JSON Lines or Parquet: "
            "end its name with .csv, .jsonl or .parquet"
        )
    try:
        rows = read(path, {one.name: one for one in parameters})
    except UnicodeDecodeError as error:
        raise ValueError(f"{one_line(path.name)} is no UTF-8 from byte {error.start:,}") from None
    except OSError as error:
        why = one_line(error.strerror or str(error))
        raise ValueError(f"{one_line(str(path))} can't be read: {why}") from None
    if not rows:
        raise ValueError(f"{one_line(path.name)} has no rows: it needs one for each call")
    return rows


def _csv(path: Path, parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    text = path.read_bytes().decode("utf-8").removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    limit = csv.field_size_limit(len(text) + 1)  # how long a row may be, `checked` says
    try:
        lines = [cells for cells in reader if cells]
    except csv.Error as error:
        raise ValueError(
            f"line {reader.line_num} of {one_line(path.name)} is no CSV: {error}"
        ) from None
    finally:
        csv.field_size_limit(limit)
    columns = [cell.strip() for cell in lines[0]] if lines else []
    _check_columns(columns, parameters, path)

    def row(cells: list[str]) -> dict[str, Any]:
        if len(cells) != len(columns):
            counts = many(len(cells), "cell"), many(len(columns), "cell")
            raise ValueError(f"has {counts[0]}, but the header {counts[1]}")
        found: dict[str, Any] = {}
        for name, cell in zip(columns, cells, strict=True):
            try:
                found |= _given(_cell(cell, parameters[name].type), parameters[name])
            except ValueError as error:
                raise ValueError(f"{name} {error}") from None
        return found

    return _each(lines[1:], row)


def _json_lines(path: Path, parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    text = path.read_bytes().decode("utf-8").removeprefix("\ufeff")

    def row(line: str) -> dict[str, Any]:
        read = read_json(line)
        if not isinstance(read, dict):
            raise ValueError('is no object: write {"name": value, …}')
        return read

    return _each((line for line in text.split("\n") if line.strip()), row)


def _parquet(path: Path, parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    import pyarrow as pa  # takes its time, and not every function has it
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as stream:
            table = pq.ParquetFile(stream).read()
    except pa.ArrowException as error:
        raise ValueError(f"{one_line(path.name)} is no Parquet: {one_line(str(error))}") from None
    _check_columns(table.column_names, parameters, path)

    return of_table(table.to_pylist(), [*parameters.values()])


def of_table(
    rows: Iterable[Mapping[str, Any]], parameters: Sequence[Parameter]
) -> list[dict[str, Any]]:
    """Return the rows of a table: what is missing there is no argument.

    A data frame has NaN for what is missing, and then floats for whole numbers. So whole floats
    are whole numbers where these are asked for, and NaN is an argument as float or JSON alone.
    """
    known = {one.name: one for one in parameters}

    def row(values: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in values.items():
            if (one := known.get(name)) is None:
                found[name] = value  # for `checked` to refuse
                continue
            value = _of_frame(value, one.type.removesuffix("?"))
            is_json = value is None and one.type == "json"
            found |= _given(value, one._replace(type="json?") if is_json else one)
        return found

    return [row(values) for values in rows]


def _of_frame(value: Any, kind: str) -> Any:
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, float) and kind not in ("float", "json"):
        if math.isnan(value):
            return None
        if kind == "int" and value.is_integer() and abs(value) < 2**53:
            return int(value)
    return value


_READERS: dict[str, Callable[[Path, Mapping[str, Parameter]], list[dict[str, Any]]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".parquet": _parquet,
}


def read_json(text: str) -> Any:
    """Return what a JSON text says; NaN and Infinity are numbers, as in Python's own.

    Raises
    ------
    ValueError
        If it is none, gives a name twice, or a number that no float is.
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_float=_float, parse_int=_whole)
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON at character {error.pos + 1}: {error.msg}") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"gives {one_line(twice)} twice: remove one")
    return found


def _whole(text: str) -> int:
    if len(text.lstrip("+-")) > MOST_DIGITS:
        raise ValueError(OF_DIGITS)
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise ValueError(f"has {text}, which is larger than any float: write Infinity, if it is")
    return number


def _cell(cell: str, kind: str) -> Any:
    """Return the value of a cell; None of an empty one."""
    plain, word = kind.removesuffix("?"), cell.strip()
    if not word:
        return None
    if plain in ("str", "Path"):
        return cell
    if plain == "json":
        try:
            return read_json(word)
        except ValueError as error:
            raise ValueError(f"{error}; a text is written in double quotes") from None
    shown = one_line(word if len(word) <= 60 else f"{word[:59]}…")
    if plain == "bool":
        if word.lower() not in ("true", "false"):
            raise ValueError(f"is {shown}, but must be true or false")
        return word.lower() == "true"
    if plain == "int":
        if not _INT.fullmatch(word):
            raise ValueError(f"is {shown}, but must be a whole number")
        return _whole(word)
    if not _FLOAT.fullmatch(word):
        raise ValueError(f"is {shown}, but must be a number")
    return _float(word)


def _given(value: Any, parameter: Parameter) -> dict[str, Any]:
    """Return what a cell gives to a parameter: nothing where it is empty, or None."""
    if value is None and not (parameter.required and parameter.type.endswith("?")):
        return {}
    return {parameter.name: value}


def _check_columns(columns: Sequence[str], parameters: Mapping[str, Parameter], path: Path) -> None:
    for name in columns:
        if name not in parameters:
            known = ", ".join(parameters) or "none"
            raise ValueError(
                f"{one_line(path.name)} has a column {one_line(name) or 'without a name'}, which "
                f"the function does not take: it takes {known}"
            )
        if columns.count(name) > 1:
            raise ValueError(f"{one_line(path.name)} has the column {name} twice: remove one")


def _each(lines: Iterable[Line], row: Callable[[Line], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the row of each line; tell all that are wrong."""
    found, wrong = [], []
    for number, line in enumerate(lines, 1):
        try:
            found.append(row(line))
        except ValueError as error:
            wrong.append(f"row {number}: {one_line(str(error))}")
    if wrong:
        raise Wrong(*wrong)
    return found
