"""What the objects of a volume in a bucket look like, by listing: sizes and ETags."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain, product
from typing import Any

from ... import files
from ...boxes import Box
from . import s3

PAGE = 1000
"""Objects that a bucket names in one answer."""

MOST = 2_000
"""Requests for a channel, at most: a minute of them, and two million names."""

AT_ONCE = 16


class Unlisted(Exception):
    """What a bucket does not tell, or only by too many requests."""


def found(
    scheme: str, bucket: str, place: str, about: list[str], chunks: Any, boxes: Sequence[Box]
) -> dict[str, list[int]]:
    """Return size and a number that changes with the ETag, by name of object.

    Parameters
    ----------
    scheme : str
        `s3` or `gs`.
    bucket, place : str
        Its name, and the directory with the chunks in it.
    about : list of str
        Names of the objects that hold metadata.
    chunks : dict or None
        As for `files.paths`; None lists the whole directory.
    boxes : sequence of Box
        What will be asked for.

    Raises
    ------
    Unlisted
    """
    import obstore
    from obstore.exceptions import BaseError

    store = client(scheme, bucket)
    heads, starts = list(about), [f"{place}/"]
    if chunks is not None:
        starts, names = _cheapest(place, chunks, boxes)
        heads += names

    lead = "" if place else "/"  # at the top of a bucket, paths have one and keys have not

    def listed(start: str) -> list[tuple[str, list[int]]]:
        told: list[tuple[str, list[int]]] = []
        directory, offset = start.rpartition("/")[0] or None, start.removeprefix(lead) or None
        # an offset, as prefixes end with a directory's name; keys come in their order
        for page in obstore.list(store, directory, offset=offset, chunk_size=PAGE):
            for entry in page:
                path = f"{lead}{entry['path']}"
                if not path.startswith(start):
                    return told
                told.append((path, _numbers(entry)))
        return told

    def head(name: str) -> list[tuple[str, list[int]]]:
        try:
            return [(name, _numbers(obstore.head(store, name)))]
        except FileNotFoundError:
            return []

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked = [*pool.map(listed, starts), *pool.map(head, heads)]
    except (BaseError, OSError) as error:
        raise Unlisted(str(error).partition("\n")[0]) from None
    return dict(chain.from_iterable(asked))


def first(scheme: str, bucket: str, directory: str) -> list[str]:
    """Return the first names below a directory of a bucket, a page at most.

    Raises
    ------
    Unlisted
    """
    import obstore
    from obstore.exceptions import BaseError

    start = f"{directory.strip('/')}/" if directory.strip("/") else ""
    try:
        for page in obstore.list(client(scheme, bucket), start or None, chunk_size=PAGE):
            return [str(entry["path"]).removeprefix(start) for entry in page]
    except (BaseError, OSError) as error:
        raise Unlisted(str(error).partition("\n")[0]) from None
    return []


def _numbers(one: Any) -> list[int]:
    told = one["e_tag"] or one["last_modified"].isoformat()
    return [one["size"], int.from_bytes(hashlib.blake2b(told.encode(), digest_size=7).digest())]


def _cheapest(
    place: str, chunks: dict[str, Any], boxes: Sequence[Box]
) -> tuple[list[str], list[str]]:
    """Return with what the names begin that are listed, or names that are asked for one by one.

    Names are listed by their first axes, as many of these as take the fewest requests.
    """
    axes, separator = chunks["axes"], chunks["separator"]
    corner, end = chunks["corner_zyx"], chunks["end_zyx"]
    extent = Box.of(corner, [last - first for first, last in zip(corner, end, strict=True)])
    whole = [len(axis_words) for axis_words in files.words(chunks, extent)]
    words = [files.words(chunks, box) for box in boxes]

    def begun(depth: int) -> set[str]:
        beginnings = (start for box_words in words for start in product(*box_words[:depth]))
        return {"".join(f"{word}{separator}" for word in start) for start in beginnings}

    ways = [
        (len(begun(depth)) * max(1, math.prod(whole[depth:]) / PAGE), depth)
        for depth in range(len(axes))
    ]
    ways.append((sum(math.prod(map(len, box_words)) for box_words in words), len(axes)))
    requests, depth = min(ways)
    if requests > MOST:
        raise Unlisted(f"that would take {requests:,.0f} requests")
    if depth == len(axes):
        return [], sorted({path for box in boxes for path in files.paths(place, chunks, box)})
    return [f"{place}/{chunks['prefix']}{start}" for start in sorted(begun(depth))], []


def client(scheme: str, bucket: str, own: s3.Owner = s3.SOURCES) -> Any:
    """Return what lists, reads and writes a bucket, with the credentials of sources or others."""
    from obstore.store import GCSStore, S3Store

    limits: Any = {
        "client_options": {"timeout": timedelta(seconds=60), "allow_http": True},
        "retry_config": {"max_retries": 3, "retry_timeout": timedelta(minutes=2)},
    }
    if scheme == "s3":
        return S3Store(bucket, **s3.client(bucket, own), **limits)
    known = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS") or os.path.exists(
        os.path.expanduser("~/.config/gcloud/application_default_credentials.json")
    )
    anyone = own is s3.SOURCES and not known
    return GCSStore(bucket, config={"skip_signature": True} if anyone else {}, **limits)
