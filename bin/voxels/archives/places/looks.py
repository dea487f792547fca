"""What is found at the destinations that are asked for, before anything runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from .. import MODULES
from ..survey import told_in
from . import claims, s3
from .destinations import Destination

AT_ONCE = 8
_READ = ("source", "image_source")


def found(
    asked: list[dict[str, Any]],
    near: dict[str, str],
    may_look: bool,
    of_row: Callable[[str], AbstractContextManager[None]],
) -> dict[str, dict[str, Any]]:
    """Return what is found at each destination, by URL; refuse those that are near other things.

    Parameters
    ----------
    asked : list of dict
        Rows, with `source`, `dest` and `where`: destinations get their one spelling.
    near : dict
        What else a destination must not be near, in words, with the path or URL of each.
    may_look : bool
        Whether it is for us to see: not so where tasks have the rights of machines in a cloud.
    of_row : callable
        Takes where a row was asked for, and in a `with` what it is refused for.

    Returns
    -------
    dict of dict
        `marker`, as `Destination.found`, or the `problem` why nothing can be written there.
    """
    given = [row for row in asked if row["dest"]]
    read = {f"{name} {row[name]}": row[name] for row in asked for name in _READ if row.get(name)}
    sources = {what: _holder(uri) for what, uri in read.items()}
    if s3.address() != s3.address(s3.DESTINATIONS):  # names of buckets are each server's own
        sources = {what: url for what, url in sources.items() if not url.startswith("s3://")}
    others = {what: claims.Place(_url(place)) for what, place in (sources | near).items()}
    for row in given:
        with of_row(row["where"]), told_in(row["where"]):
            row["dest"] = claims.spelled(row["dest"])
            claims.refuse_near(claims.Place(row["dest"]), others)
    by_dest = {row["dest"]: row["where"] for row in given if may_look}

    def look(url: str, where: str) -> dict[str, Any]:
        with of_row(where), told_in(where):
            return _look(url, where)
        return {}

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(by_dest, pool.map(look, by_dest, by_dest.values()), strict=True))


def _look(url: str, where: str) -> dict[str, Any]:
    try:
        destination = Destination(url)
        claims.refuse_unwritable(url)
        marker = destination.found()
        destination.refuse_inside()
    except OSError as error:
        return {"problem": f"{error} (in {where})"}
    return {"marker": marker}


def _holder(uri: str) -> str:
    """Return the place of a source: of one that names something in a file, the file's."""
    scheme, _, place = uri.partition("://")
    mark = "#" if scheme == "webknossos" else "#/"
    return place.rpartition(mark)[0] or place if scheme in (*MODULES, "webknossos") else place


def _url(place: str) -> str:
    """Return the URL of a place as a source or a parameter has it: signs in it are its own."""
    path = place.removeprefix("file://")
    return place if "://" in path else Path(path).absolute().as_uri()
