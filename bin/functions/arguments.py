"""What functions are called with: typed by their parameters, files known by content."""

import hashlib
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .digests import canonical, digest
from .identity import Function, Parameter
from .sheets import MOST_DIGITS, OF_DIGITS, Wrong, rows_of
from .spelling import spelled, unspelled
from .texts import one_line

MOST_BYTES = 2**20
"""Of one row's arguments as JSON: what is more belongs into a file."""

_FILE = {"path", "sha256", "bytes"}

_HUGE = re.compile(rf'"\$int":"-?0x[0-9a-f]{{{len(f"{10**MOST_DIGITS - 1:x}")}}}')
"""A number as `spelling` has it, of about that many digits."""


def read_rows(path: Path, function: Function) -> list[dict[str, Any]]:
    """Return the rows of a file: arguments by parameter, not yet `checked`.

    Parameters
    ----------
    path : Path
        `.csv` with a header, `.jsonl` or `.ndjson` with an object in each line, or `.parquet`.
        An empty cell of CSV and a null of Parquet is no argument: the parameter's default, or
        None, if its type has it. Texts of CSV are as they stand, also with spaces around them;
        what is no text, path or number is JSON.
    function : Function

    Raises
    ------
    Wrong
        A ValueError with a sentence for each row that is wrong.
    ValueError
        If the file can't be read, has no rows, or columns that the function does not take.
    """
    return rows_of(path, function.parameters)


def checked(
    rows: Iterable[Mapping[str, Any]], function: Function, directory: Path
) -> list[dict[str, Any]]:
    """Return arguments as JSON, as `spelling` writes it, for each row.

    Parameters
    ----------
    rows : iterable of mapping
        As `read_rows` gives them, or a caller's own: tuples count as lists, numpy's scalars as
        Python's, whole numbers as floats where a float is asked for.
    function : Function
    directory : Path
        Where relative paths begin.

    Returns
    -------
    list of dict
        Of a `Path` its `path` (absolute), `sha256` and `bytes`; NaN and infinities, as all that
        JSON lacks, as `spelling` has them. What was not given is not there.

    Raises
    ------
    Wrong
        A ValueError with a sentence for each row that is wrong.
    """
    known: dict[str, dict[str, Any]] = {}
    found: list[dict[str, Any]] = []
    wrong: list[str] = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(_row(row, function, directory, known))
        except ValueError as error:
            wrong.append(f"row {number}: {error}")
    if wrong:
        raise Wrong(*wrong)
    return found


def values(
    arguments: Mapping[str, Any], function_parameters: Iterable[Parameter]
) -> dict[str, Any]:
    """Return what a function is called with: of a `Path` where the file is, else the value."""
    types = {one.name: one.type for one in function_parameters}
    return {
        name: Path(value["path"])
        if types[name].startswith("Path") and value is not None
        else unspelled(value)
        for name, value in arguments.items()
    }


def call_id(function_digest: str, arguments: Mapping[str, Any]) -> str:
    """Return what a call is known by (16 hex digits): the function and what it is given.

    Of a file its name and content count, its folder does not.
    """
    named = {
        name: [os.path.basename(value["path"]), value["sha256"], value["bytes"]]
        if isinstance(value, dict) and value.keys() == _FILE
        else value
        for name, value in arguments.items()
    }
    return digest([function_digest, named])[:16]


def _row(
    row: Mapping[str, Any], function: Function, directory: Path, known: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    names = [one.name for one in function.parameters]
    for name in row:
        if name not in names:
            takes = f"takes {', '.join(names)}" if names else "takes no arguments"
            raise ValueError(f"{one_line(str(name))} is not for {function.name}, which {takes}")
    found = {}
    for one in function.parameters:
        if one.name in row:
            try:
                found[one.name] = _argument(row[one.name], one.type, directory, known)
            except (ValueError, TypeError) as error:
                raise ValueError(f"{one.name} {error}") from None
        elif one.required:
            raise ValueError(f"{one.name} is missing: give it, as it has no default")
    text = canonical(found)
    if _HUGE.search(text):
        raise ValueError(OF_DIGITS)
    size = len(text.encode())
    if size > MOST_BYTES:
        raise ValueError(f"has {size:,} bytes, and at most {MOST_BYTES:,} can be: give a file")
    return found


def _argument(value: Any, kind: str, directory: Path, known: dict[str, dict[str, Any]]) -> Any:
    """Return one argument as JSON; what is wrong with it stands behind its name."""
    if value is None and (kind.endswith("?") or kind == "json"):
        return None
    kind = kind.removesuffix("?")
    if kind == "Path":
        if not isinstance(value, (str, os.PathLike)):
            raise ValueError(f"is {_said(value)}, but must be a path")
        path = os.fspath(value)
        if not isinstance(path, str):
            raise ValueError("is a path of bytes: give a text")
        return _file(path, directory, known)
    plain = spelled(value)
    if kind == "json":
        return plain
    value = unspelled(plain)
    if kind == "float" and type(value) is int:
        return _whole(value)
    if type(value).__name__ != kind:
        words = {"int": "a whole number", "float": "a number", "bool": "true or false"}
        raise ValueError(f"is {_said(value)}, but must be {words.get(kind, 'a text')}")
    return plain


def _whole(value: int) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if number != value:
        raise ValueError(f"is {value:#x}, which is no float: write one that is near")
    return number


def _file(text: str, directory: Path, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if not text:
        raise ValueError("names no path: give one")
    if not text.isprintable():
        raise ValueError(f"is {one_line(text)}, a name that can't be printed: rename the file")
    path = Path(os.path.abspath(directory), text)
    if str(path) not in known:
        if not path.is_file():
            if "://" in text:
                raise ValueError(f"is {one_line(text)}: have the file here, and give its path")
            hint = ": ~ is not followed" if text.startswith("~") else ""
            hint = ": blanks at its ends count" if text != text.strip() else hint
            what = "a directory, but must be a file" if path.is_dir() else f"no file{hint}"
            raise ValueError(f"is {one_line(str(path))}, {what}")
        try:
            with path.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
                size = stream.tell()
        except OSError as error:
            raise ValueError(f"is {one_line(str(path))}, which fails: {error.strerror}") from None
        known[str(path)] = {"path": str(path), "sha256": sha256, "bytes": size}
    return dict(known[str(path)])


def _said(value: Any) -> str:
    big = type(value) is int and abs(value) >= 2**64  # Python writes no int of any length
    text = hex(value) if big else one_line(repr(value))
    return text if len(text) <= 60 else f"{text[:59]}…"
