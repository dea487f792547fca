"""Where volumes may be written to, whose such a place is, and what it must not be near."""

import os
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote

from .. import Refused

MARKER = "bossflow.json"

_URL_MAX = 800
"""Characters of a destination's URL: those of what lies there must fit the names of objects."""

_NAME_MAX = 255
"""Bytes of a directory's name, at most."""

_BUCKET = re.compile(r"(s3|gs)://([\w.-]+)/([\w.-]+(?:/[\w.-]+)*)/?", re.ASCII)


def spelled(place: str) -> str:
    """Return the one spelling of a destination: a URL.

    Parameters
    ----------
    place : str
        An absolute path, `file:///path`, or `s3://bucket/path` or `gs://bucket/path`.

    Raises
    ------
    Refused
        If it is none, or too long.
    """
    match = _BUCKET.fullmatch(place)
    if match and not {".", ".."} & {*match[3].split("/")}:
        return _short(place.rstrip("/"))
    path = unquote(place.removeprefix("file://")) if place.startswith("file://") else place
    if "://" in place.removeprefix("file://") or not os.path.isabs(path):
        raise Refused(
            f"dest {place} can't be used: give a directory, or s3://bucket/path or "
            "gs://bucket/path, of letters, digits, `-`, `_` and `.`"
        )
    real = Path(os.path.realpath(path))
    if any(len(os.fsencode(part)) > _NAME_MAX for part in real.parts):
        raise Refused(f"dest {place[:60]}... has a name of more than {_NAME_MAX} bytes")
    return _short(real.as_uri())


def _short(url: str) -> str:
    if len(url) > _URL_MAX:
        raise Refused(f"dest {url[:60]}... has as a URL more than {_URL_MAX} characters")
    return url


def refuse_others(
    url: str, found: dict[str, str] | None, request_id: str, owners: Collection[str]
) -> None:
    """Refuse a place that holds something that is not a request's.

    Parameters
    ----------
    url : str
        The place.
    found : dict or None
        What `Destination.found` says of it.
    request_id : str
    owners : collection of str
        Ids of the stores of which what is recorded here tells; an empty one for a marker that
        names none.

    Raises
    ------
    Refused
    """
    if found is None:
        return
    marker, whose = found.get("request"), f"has no {MARKER} of this request"
    if marker == request_id:
        if found.get("store", "") in owners:
            return
        whose = "was written by who has another database, where other data may lie at this path"
    elif marker:
        whose = f"is of request {marker}"
    raise Refused(
        f"dest {url} holds something already, and {whose}: give another place, or empty it"
    )


def gone(url: str, request_id: str) -> str:
    """Return the sentence where nothing is left of what was written."""
    return (
        f"dest {url} is empty, or gone: bring back what was there, or have all of it written "
        f"again, after `bossflow invalidate --request {request_id}`"
    )


class Place:
    """A place, and what is really there: looked at once, as there may be many.

    Parameters
    ----------
    url : str
        Of a directory, or a path in a bucket.
    """

    def __init__(self, url: str) -> None:
        self.url, self._start = url, f"{url.rstrip('/')}/"
        self._own, self._nodes = None, set[tuple[int, int]]()
        if url.startswith("file://"):
            real = Path(os.path.realpath(unquote(url.removeprefix("file://"))))
            self._start = f"file://{str(real).rstrip('/')}/"
            # mounted at two paths, or named in letters of another case
            there = {path: os.stat(path) for path in (real, *real.parents) if os.path.exists(path)}
            nodes = {path: (one.st_dev, one.st_ino) for path, one in there.items()}
            self._own, self._nodes = nodes.get(real), {*nodes.values()}

    def lies_in(self, other: "Place") -> bool:
        """Say whether it is another one, or lies there."""
        return self._start.startswith(other._start) or other._own in self._nodes


def refuse_near(place: Place, others: dict[str, Place]) -> None:
    """Refuse a place that is another one, or lies in it, or holds it.

    Parameters
    ----------
    place : Place
    others : dict
        What the others are, in words, with each.

    Raises
    ------
    Refused
    """
    for what, other in others.items():
        if place.lies_in(other):
            how = "is" if other.lies_in(place) else "lies in"
        elif other.lies_in(place):
            how = "holds"
        else:
            continue
        raise Refused(f"dest {place.url} {how} {what}: give a place of its own")


def refuse_unwritable(url: str) -> None:
    """Refuse a directory that can't be written to or made, as far as can be seen from here.

    Raises
    ------
    OSError
    """
    there = _nearest(url)
    if there is None or os.environ.get("BOSSFLOW_CONTAINER"):  # which may see less of it
        return
    if not there.is_dir():
        raise OSError(f"dest {url} can't be used: {there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OSError(f"dest {url} can't be used: {there} can't be written to")


def refuse_unmounted(url: str) -> None:
    """Refuse a directory that would go with the container that this is in.

    Raises
    ------
    OSError
    """
    if not (url.startswith("file://") and os.environ.get("BOSSFLOW_CONTAINER")):
        return
    lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    escaped = (line.split(" ")[4] for line in lines)  # spaces in it as \040
    mounted = {re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), one) for one in escaped}
    path = Path(unquote(url.removeprefix("file://")))
    if mounted.isdisjoint(map(str, (path, *path.parents[:-1]))):
        raise OSError(f"dest {url} is not mounted in this container")


def _nearest(url: str) -> Path | None:
    """Return the directory of a URL, or the nearest above that is there; None of a bucket."""
    if not url.startswith("file://"):
        return None
    path = Path(unquote(url.removeprefix("file://")))
    return next(one for one in (path, *path.parents) if os.path.exists(one))
