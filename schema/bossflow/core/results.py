"""What `requests.csv` lists, and what a request's directory beside it is called."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FIRST = ("request", "state")
CHANNEL = ("source", "resolution", "chosen", "box")
LAST = ("name", *CHANNEL, "directory", "error")
"""Columns before and after those of results: scripts may count them. Not all are of a channel."""

ERRORS_SHOWN = 3
TAIL_MAX = 60  # characters of a source in a directory's name
NAME_MAX = 64  # and of a name, of which a sign may become several
TAKEN = {"index.html", "reports", "requests.csv", "requests.before.csv"}
"""What else is there."""


def write(
    asked: list[dict[str, Any]], called: dict[str, str], urls: Iterable[str], path: Path
) -> None:
    """Write a row for each request, in their order.

    Parameters
    ----------
    asked : list of dict
        Requests, as `states.requests` gives them.
    called : dict
        By id, what this run calls them, if it does.
    urls : iterable of str
        What of them is the URL of a result.
    path : Path
        The file.
    """
    places = directories(asked, called)
    last = [name for name in LAST if name not in CHANNEL or any(name in one for one in asked)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(
            stream, [*FIRST, *urls, *last], extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        for request in asked:
            name = request["request"]
            errors = [f"{unit}: {error}" for unit, error in request["errors"].items()]
            more = [f"and {len(errors) - ERRORS_SHOWN} more"] if errors[ERRORS_SHOWN:] else []
            own = {"name": called.get(name), "directory": places[name], "chosen": chosen(request)}
            writer.writerow(request | own | {"error": "; ".join(errors[:ERRORS_SHOWN] + more)})


def directories(asked: list[dict[str, Any]], called: dict[str, str]) -> dict[str, str]:
    """Return what the directory of each request is called: its name, or its source and box.

    Any file system takes it, and in a run no other has the same. A source and box may be of several
    requests, and a name may read like another's: then the start of the request's id follows.
    """
    plain = {name: safe(text)[:NAME_MAX].strip("._-") for name, text in called.items()}
    often = Counter(text.casefold() for text in plain.values())
    names = {}
    for request in asked:
        name = request["request"]
        text = plain.get(name, "")
        if often[text.casefold()] != 1 or text.casefold() in TAKEN or not text:
            text = f"{text or _about(request)}-{name[:8]}"
        names[name] = text
    return names


def safe(text: str) -> str:
    """Return a text as a file's name: letters, digits, points and dashes of ASCII."""
    signs = unicodedata.normalize("NFKD", text)
    plain = (sign if sign.isascii() else "_" for sign in signs if not unicodedata.combining(sign))
    return re.sub(r"[^A-Za-z0-9.-]+", "_", "".join(plain)).strip("._-")


def _about(described: dict[str, Any]) -> str:
    if "source" not in described:
        return safe(described["workflow"].rpartition(".")[2])
    tail = safe(described["source"].rpartition("://")[2])[-TAIL_MAX:].strip("._-")
    level = f"_res{described['resolution']}" if described.get("resolution") else ""
    which = "".join(f"_{word}" for word in re.split("[ ,]", chosen(described)) if word)
    return f"{tail}{level}{which}_{described['box']}"


def chosen(described: dict[str, Any]) -> str:
    """Return what was chosen of a channel, as it was given: `channel 1 time 0`, `offset -5,0,7`."""
    given = dict(described.get("chosen") or {})
    names = [f"offset_{axis}" for axis in "xyz"]
    offset = ",".join(str(given.pop(name)) for name in names if name in given)
    words = [f"{name} {index}" for name, index in given.items()]
    return " ".join([*words, *filter(None, [offset and f"offset {offset}"])])
