"""Where stores and bundles are: as URLs, as paths, and by their names in a store.

A store is a directory or a path in a bucket; a unit's bundle lies in it under the process and the
unit's id.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote

from . import buckets

MANIFEST = "bundle.json"

T = TypeVar("T")
R = TypeVar("R")

WORKING = ".tmp-"
"""How the name of what is being made begins, in a store."""

ASIDE = ".retired"
"""Where in a store bundles are set aside."""


def local(url: str) -> Path:
    """Return the directory that a store or bundle URL names, or the path that stands for it.

    Raises
    ------
    ValueError
        If it is neither a path nor a `file://`, `s3://` or `gs://` URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "file" and re.fullmatch(r"(localhost)?/[^?#]*", rest):
        return Path(os.path.abspath(unquote(rest.removeprefix("localhost"))))
    if scheme.lower() in ("s3", "gs"):
        return buckets.local(url)
    if "://" in url:
        raise ValueError(
            f"store {url} can't be used: a store is a directory, given as a path or as "
            "file:///path, or s3://bucket/path or gs://bucket/path"
        )
    try:
        return Path(os.path.abspath(Path(url).expanduser()))
    except RuntimeError:
        raise ValueError(f"store {url} can't be used: there is no such user") from None


def url(path: Path) -> str:
    """Return the URL of what `local` gave, or of something below it."""
    return buckets.url(path) if buckets.holds(path) else path.as_uri()


def shown(path: Path) -> str:
    """Return how a user would write what `local` gave."""
    return buckets.url(path) if buckets.holds(path) else str(path)


def each(function: Callable[[T], R], items: Iterable[T], path: Path) -> Iterable[R]:
    """Yield a function's results in order; side by side if it asks the bucket that holds a path."""
    return buckets.at_once(function, items) if buckets.holds(path) else map(function, items)


def place(store: Path, process: str, unit: str) -> Path:
    """Return where the bundle of a unit is, or will be."""
    return store / process / unit[:2] / unit


def every(store: Path, processes: str) -> Iterator[Path]:
    """Yield the directories of all bundles of the processes that match a pattern."""
    pattern = f"{processes}/*/*/{MANIFEST}"
    if buckets.holds(store):
        # absolute, so that it matches from the start: `.retired` has such names as well
        below = (path.relative_to(store) for path in buckets.below(store))
        manifests = (store / path for path in below if Path("/", path).match(f"/{pattern}"))
    else:
        manifests = store.glob(pattern)
    yield from (path.parent for path in manifests)
