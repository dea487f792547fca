"""Meshes and skeletons as a viewer asks for them: files of a directory in a store, and parts."""

import json
import re

from ..kit import buckets
from ..kit.locations import url
from .layer import Place
from .layers import place_of

_NAME = re.compile(r"info|segment_properties/info|[0-9a-f]{1,16}\.shard|[0-9]{1,20}(\.index|:0)?")
"""What files in such a directory are called: by none of these a path leads elsewhere."""

SELECTED = 24
"""How many segments a viewer shows at first: the largest."""

_SPAN = re.compile("bytes=([0-9]{1,18})-([0-9]{1,18})")


def read(files: Place, name: str, span: str | None = None) -> tuple[bytes, str | None] | None:
    """Return what a file holds, or some of it.

    Parameters
    ----------
    files : Place
    name : str
        Below the directory.
    span : str, optional
        What HTTP's `Range` says: of one range with both ends, that part is returned, and else all.

    Returns
    -------
    bytes
        Of a range that reaches beyond the file's end, as many as there are.
    str, optional
        Of a part, what `Content-Range` says.

    None if there is no such file.
    """
    if not _NAME.fullmatch(name):
        return None
    asked = _SPAN.fullmatch(span or "")
    start, end = (int(asked[1]), int(asked[2]) + 1) if asked else (0, None)
    if end is not None and end <= start:
        start, end = 0, None
    try:
        data = read_part(files, name, start, end)
    except FileNotFoundError:
        return None
    if end is None or not data:
        return data, None
    return data, f"bytes {start}-{start + len(data) - 1}/*"


def read_part(files: Place, name: str, start: int, end: int | None) -> bytes:
    """Return bytes of a file from one place to another, or to its end.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    path = place_of(files.store, files.path) / name
    if buckets.holds(path):
        return buckets.read(path, start, end)
    with path.open("rb") as stream:
        stream.seek(start)
        return stream.read(-1 if end is None else end - start)


def uri(files: Place) -> str:
    """Return where others find the directory."""
    return f"precomputed://{url(place_of(files.store, files.path))}"


def largest(files: Place, most: int = SELECTED) -> dict[int, dict[str, float]]:
    """Return the largest segments, by their first property, and what properties say of each.

    Numbers are rounded to 32-bit floats, as a viewer has them.
    """
    found = read(files, "segment_properties/info")
    if not found:
        return {}
    told = json.loads(found[0])["inline"]
    values = {one["id"]: one["values"] for one in told["properties"]}
    return {
        int(name): {known: some[at] for known, some in values.items()}
        for at, name in enumerate(told["ids"][:most])
    }
