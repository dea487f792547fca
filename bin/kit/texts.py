"""Texts from outside, such as errors and file names: written, read and shown whatever they hold.

Also how users are told of a unit.
"""

import contextlib
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

PLACES = ("block", "bids_view")
"""Columns that alone tell users of a unit, beside its process."""

ERROR_MAX = 1000
"""Characters of an error that is recorded: those of its column."""


def one_line(text: str) -> str:
    """Return a text as one line that can be written, recorded and shown anywhere.

    White space of any kind becomes a space, and what can't be printed is written as Python writes
    it: half a surrogate pair, of a file name that is no UTF-8, can't be encoded, PostgreSQL takes
    no NUL, and a terminal obeys what controls it.
    """
    return _printable(" ".join(text.split()))


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def cut(text: str, most: int = 2000) -> str:
    """Return a text, or so many signs of it with an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def many(number: int, name: str, width: int = 0) -> str:
    """Return a number with what is counted: `1 request`, `2 requests`; the number that wide."""
    return f"{number:{width},} {name}{'s' * (number != 1)}"


def words_of(error: BaseException) -> str:
    """Return what an error says, on one line; its type if it says nothing."""
    with contextlib.suppress(Exception):  # of any library's own way to say it
        return one_line(str(error)) or type(error).__name__
    return type(error).__name__


def sentence(error: BaseException) -> str:
    """Return an error as one line for a user."""
    text = words_of(error)
    known = isinstance(error, (ValueError, OSError)) or " " in text
    return shortened(text if known else f"{type(error).__name__}: {text}")


def shortened(text: str, log: str | None = None) -> str:
    """Return a text that fits the column of errors, with an ellipsis where it was cut.

    At its end it names the task's log, where there is one.
    """
    tail = f" (log: {one_line(log)})" if log else ""
    if len(tail) > ERROR_MAX // 2:
        tail = ""
    most = ERROR_MAX - len(tail)
    return (text if len(text) <= most else f"{text[: most - 1]}…") + tail


def print_anything() -> None:
    """Have escaped, on standard output, what its encoding lacks; standard error does it anyway."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def json_lines(path: Path) -> list[Any]:
    """Read a file with a JSON text in each line.

    Only a line feed ends a line. JSON may hold what else Python takes for an end, such as U+2028.
    """
    text = path.read_text("utf-8", "surrogateescape")
    return [json.loads(line) for line in text.split("\n") if line]


def key_name(key: dict[str, Any], whole: bool = False) -> str:
    """Return how users are told of a primary key: its block, or without one, or if whole, all.

    Or its view of a BIDS dataset, such as sub-01.
    """
    place = [str(key[name]) for name in PLACES if name in key]
    rest = [f"{name}={value}" for name, value in key.items() if name not in PLACES]
    return one_line(" ".join([*place, *(rest if whole or not place else [])]))


def unit_names(
    units: Iterable[tuple[str, dict[str, Any]]], called: Mapping[str, str] | None = None
) -> list[str]:
    """Return how users are told of units, by process and key: of each by another name.

    `called` is what requests are called, by id: so is a unit whose key is its request.
    """
    units = list(units)
    own = [
        (called or {}).get(str(key["request_id"])) if key.keys() == {"request_id"} else None
        for _, key in units
    ]
    names = [
        f"{process} {one_line(name) if name else key_name(key)}".strip()
        for name, (process, key) in zip(own, units, strict=True)
    ]
    whole = [f"{process} {key_name(key, whole=True)}".strip() for process, key in units]
    exact = [f"{process} {_printable(json.dumps(key))}" for process, key in units]
    for longer in (whole, exact):
        often = Counter(name for name, _ in set(zip(names, exact, strict=True)))
        names = [
            name if often[name] == 1 else other for name, other in zip(names, longer, strict=True)
        ]
    return names


def unit_name(process: str, key: dict[str, Any]) -> str:
    """Return how users are told of one unit."""
    return unit_names([(process, key)])[0]


def duration(seconds: float) -> str:
    """Return seconds as `40 s`, `3 min` or `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
