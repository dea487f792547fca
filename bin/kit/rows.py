"""The cutouts that are asked for, by parameters or by a sample sheet, as rows with typed values."""

import csv
import difflib
import io
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_WHOLE = re.compile(r"-?[0-9]{1,30}")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_SHOWN = 60  # characters of a user's value that a message repeats


def rows(
    params: Mapping[str, Any],
    schema: Mapping[str, Any],
    sheet_text: str | None = None,
    sheet_name: str | None = None,
) -> list[dict[str, Any]]:
    """Return a row for each cutout that is asked for.

    Parameters
    ----------
    params : mapping
        The run's parameters, as Nextflow hands them over; None where one is absent.
    schema : mapping
        nextflow_schema.json. The groups in its `$defs` that are marked `per_row` hold the
        parameters that a sample sheet may give as columns.
    sheet_text : str, optional
        The sample sheet: CSV with a header, in letters of either case. An empty cell stands for
        the run's parameter; a row of such cells is none, and nor is a column at the end.
    sheet_name : str, optional
        What messages call the sheet.

    Returns
    -------
    list of dict
        Each with every per-row parameter: int, str, a list (ranges `[from, to]`, half-open, in
        channel voxels; block shapes ZYX, in voxels; voxel sizes XYZ, in nm) or None; and `where`,
        the words for where it was asked for. A decimal number is an int or, with a fraction, the
        one text of it.

    Raises
    ------
    ValueError
        With one sentence that names the parameter or the line and column, what is wrong and what
        would be right.
    """
    known = {
        name: described
        for group in schema["$defs"].values()
        if group.get("per_row")
        for name, described in group["properties"].items()
    }
    run = {}
    for name, described in known.items():
        given = params.get(name)
        given = described.get("default") if given is None else given
        run[name] = _checked(name, given, described)
    if sheet_text is not None:
        return _sheet_rows(run, known, sheet_text, sheet_name or "the sample sheet")
    if not run["source"]:
        raise ValueError("source is missing: name a channel, or give a sample sheet as input")
    return [run | {"where": "the parameters"}]


def _sheet_rows(
    run: dict[str, Any], known: Mapping[str, Any], text: str, sheet: str
) -> list[dict[str, Any]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns: list[str] | None = None
    found: list[dict[str, Any]] = []
    line_of: dict[str, int] = {}
    line_named: dict[str | None, int] = {}
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            raise ValueError(f"line {line} of {sheet} is not CSV: {error}") from None
        where = f"line {line} of {sheet}"
        if not any(cells):  # spreadsheet programs leave such rows, and such columns at the end
            continue
        if columns is None:
            columns = _columns(_without_last(cells), known, where)
            continue
        cells = cells[: len(columns)] + _without_last(cells[len(columns) :])
        if len(cells) != len(columns):
            raise ValueError(
                f"{where} has {_count(cells)}, but the header {_count(columns)}: "
                'write a range as 0..512 or, in quotes, "0,512"'
            )
        row = run | {
            column: _checked(f"{where}: {column}", cell, known[column])
            for column, cell in zip(columns, cells, strict=True)
            if cell
        }
        if not row["source"]:
            raise ValueError(f"{where}: source is missing: name a channel")
        name = row["name"]
        same = json.dumps(row | {"name": None}, sort_keys=True)
        if same in line_of:
            raise ValueError(f"{where} asks for the same as line {line_of[same]}: remove one")
        if name is not None and name in line_named:
            raise ValueError(
                f"{where} has the name of line {line_named[name]}, {_shown(name)}: give another"
            )
        line_of[same] = line_named[name] = line
        found.append(row | {"where": where})
    if not found:
        raise ValueError(f"{sheet} has no rows: it needs a header and a line for each cutout")
    return found


def _without_last(cells: list[str]) -> list[str]:
    """Return cells without those at the end that are empty."""
    filled = [number for number, cell in enumerate(cells, 1) if cell]
    return cells[: max(filled, default=0)]


def _columns(cells: list[str], known: Mapping[str, Any], where: str) -> list[str]:
    names = [cell.lower() for cell in cells]
    for cell, name in zip(cells, names, strict=True):
        if name not in known:
            raise ValueError(f"{where}: unknown column {_shown(cell)}: {_hint(cell, known)}")
        if names.count(name) > 1:
            raise ValueError(f"{where} has the column {name} twice: remove one")
    return names


def _hint(column: str, known: Mapping[str, Any]) -> str:
    if ";" in column or "\t" in column:
        return "columns must be separated by commas"
    words = {
        word: name
        for name, described in known.items()
        for word in (name, *described.get("synonyms", ()))
    }
    near = difflib.get_close_matches(re.sub(r"\W", "_", column.lower()), words, n=1)
    return f"did you mean {words[near[0]]}?" if near else f"there are {', '.join(known)}"


def _checked(name: str, given: object, described: Mapping[str, Any]) -> Any:
    value = _typed(given, described)
    wrong = _mistake(value, described)
    if wrong:
        raise ValueError(f"{name} {wrong}")
    return value


def _typed(value: Any, described: Mapping[str, Any]) -> Any:
    """Return a value as its type where it can be read as one, otherwise as it is."""
    if "items" in described:
        if isinstance(value, str) and re.fullmatch(described["pattern"], value, re.ASCII):
            value = _NUMBER.findall(value)
        if isinstance(value, list):
            return [_typed(item, described["items"]) for item in value]
    elif described["type"] == "integer" and isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    elif _is_decimal(described):
        return _decimal(value)
    return value


def _is_decimal(described: Mapping[str, Any]) -> bool:
    return "number" in described["type"]


def _decimal(value: Any) -> Any:
    """Return a number as an int, or as the one text of a decimal; what is none as it is.

    A float is what its shortest text says, as it was written.
    """
    text = f"{Decimal(repr(value)):f}" if isinstance(value, float) else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        return value
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return f"{'-' * whole.startswith('-')}{abs(int(whole))}.{fraction}" if fraction else int(whole)


def _mistake(value: Any, described: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a typed value, or None."""
    if value is None:
        return None
    if value is True:
        return "was given without a value"
    if "items" in described:
        return _mistake_of_list(value, described)
    if described["type"] == "integer" and not _is_whole(value):
        return f"must be a whole number, not {_shown(value)}"
    if described["type"] == "string" and not isinstance(value, str):
        return f"must be text, not {_shown(value)}"
    if _is_decimal(described):
        return _mistake_of_decimal(value, described)
    choices = described.get("enum")
    if choices and value not in choices:
        *others, last = choices
        return f"must be {', '.join(map(str, others))} or {last}, not {_shown(value)}"
    if "minimum" in described and value < described["minimum"]:
        return f"must be at least {described['minimum']}, not {_shown(value)}"
    if "maximum" in described and value > described["maximum"]:
        return f"must be at most {described['maximum']}, not {_shown(value)}"
    if "maxLength" in described and len(value) > described["maxLength"]:
        return f"must be at most {described['maxLength']} characters long, not {_shown(value)}"
    if "pattern" in described and not re.fullmatch(described["pattern"], value, re.ASCII):
        return f"must be written like {described['examples'][0]}, not {_shown(value)}"
    return None


def _mistake_of_decimal(value: Any, described: Mapping[str, Any]) -> str | None:
    if not _is_number(value):
        return f"must be a decimal number, such as {described['examples'][0]}, not {_shown(value)}"
    if "exclusiveMinimum" in described and Decimal(value) <= described["exclusiveMinimum"]:
        return f"must be above {described['exclusiveMinimum']}, not {_shown(value)}"
    if "minimum" in described and Decimal(value) < described["minimum"]:
        return f"must be at least {described['minimum']}, not {_shown(value)}"
    if Decimal(value) > described["maximum"]:
        return f"must be at most {described['maximum']}, not {_shown(value)}"
    return None


def _mistake_of_list(value: Any, described: Mapping[str, Any]) -> str | None:
    count = described["minItems"]
    decimals = _is_decimal(described["items"])
    fits = _is_number if decimals else _is_whole
    if not isinstance(value, list) or len(value) != count or not all(map(fits, value)):
        form = {2: "two whole numbers, such as 0,512", 3: "three whole numbers, such as 64,512,512"}
        words = "three numbers, x,y,z, such as 4,4,40" if decimals else form[count]
        return f"must be {words}, not {_shown(value)}"
    if described.get("format") == "range" and value[0] >= value[1]:
        return f"{value[0]},{value[1]} is empty or reversed: the first must be below the second"
    wrong = (_mistake(item, described["items"]) for item in value)
    return next(filter(None, wrong), None)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, str) and bool(_DECIMAL.fullmatch(value)))


def _shown(value: object) -> str:
    """Return a user's value on one line, and short."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    line = "".join(sign if sign.isprintable() else "?" for sign in text[:_SHOWN])
    return f"{line}…" if len(text) > _SHOWN else line


def _count(cells: list[str]) -> str:
    return f"{len(cells)} cell{'s' * (len(cells) != 1)}"
