"""Where volumes lie, and how they are asked: files, HTTP(S), S3, Google Cloud Storage."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

# Read when the first request is made: a connection that is silent for so long is given up.
os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_TIME_SECONDS", "60")
os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_LIMIT_BYTES", "1")

import tensorstore as ts

from .. import DIRECTORIES, MODULES, Refused, Unreachable, brief
from ..likely import likely
from . import s3


class Limits(NamedTuple):
    """How long to wait for an answer, in seconds, and how often to ask again, and after what."""

    seconds: float
    retries: int
    longest_wait: str
    first_wait: str = "1s"


# Someone waits for metadata; a block is worth patience.
METADATA_LIMITS = Limits(seconds=60, retries=3, longest_wait="5s")
VOXEL_LIMITS = Limits(seconds=900, retries=6, longest_wait="60s")

_BUCKETS = {"s3": "s3", "gs": "gcs"}
_LOGIN = re.compile(r"(?<=//)[^/@]*@")
_REMOTE = re.compile(r"(https?|s3|gs)://([^\s/@?#\\]+)(?:/([^\s?#\\]*))?")


def split(uri: str, directory: str = "") -> tuple[str, str]:
    """Return a URI's format and its place, in the one spelling that each place has."""
    scheme, _, place = uri.partition("://")
    if scheme == "webknossos":  # after # there is a layer
        place = place.rpartition("#")[0] or place
    remote = _REMOTE.fullmatch(place.rstrip("/"))
    if remote:
        protocol, host, path = remote.groups("")
        if protocol.startswith("http"):
            host = host.lower().removesuffix(":443" if protocol == "https" else ":80")
        if not {"", ".", ".."} & set(path.split("/")) or not path:
            return scheme, f"{protocol}://{host}/{path}".rstrip("/")
    path = place.removeprefix("file://")
    if not path or "://" in path or not path.isprintable():
        told, logins = _LOGIN.subn("", uri)  # no password is repeated
        raise Refused(
            f"source {brief(told)} is malformed: write {scheme}:// and then https://host/path, "
            "s3://bucket/path, gs://bucket/path, file:///path or the path of a directory"
            + (", without a login" if logins else "")
        )
    if not os.path.isabs(path) and not directory:
        raise Refused(f"source {brief(uri)} is a relative path: write {scheme}://file:///path")
    absolute = os.path.realpath(os.path.join(directory, path))
    if path != place and "%" in path and not os.path.exists(absolute):
        # A URL that bossflow itself gave, such as that of a result.
        decoded = os.path.realpath(os.path.join(directory, unquote(path)))
        absolute = decoded if os.path.exists(decoded) and decoded.isprintable() else absolute
    return scheme, "file:///" + absolute.lstrip("/")


def outer(uri: str, number: int) -> str:
    """Return the URI of the directory so many above a volume; empty if there is none."""
    scheme, place = split(uri)
    for _ in range(number):
        place = place.rpartition("/")[0]
    return f"{scheme}://{place}" if re.match(r"\w+://[^/]|file:///.", place) else ""


def kvstore_of(place: str) -> dict[str, Any]:
    """Return tensorstore's words for a place."""
    scheme, _, rest = place.partition("://")
    if scheme == "file":
        return {"driver": "file", "path": f"{rest}/"}
    if scheme.startswith("http"):
        return {"driver": "http", "base_url": f"{place}/"}
    bucket, _, path = rest.partition("/")
    kvstore = {"driver": _BUCKETS[scheme], "bucket": bucket, "path": f"{path}/" if path else ""}
    return kvstore | (s3.access() if scheme == "s3" else {})


def under(kvstore: dict[str, Any], path: str) -> dict[str, Any]:
    """Return tensorstore's words for a directory below a place."""
    name = "base_url" if kvstore["driver"] == "http" else "path"
    return kvstore | {name: f"{kvstore[name]}{path.strip('/')}/"}


@cache
def shared_context(limits: Limits) -> Any:
    """Return what tensorstores share; kept, as connections are among it."""
    retries = {
        "max_retries": limits.retries,
        "initial_delay": limits.first_wait,
        "max_delay": limits.longest_wait,
    }
    drivers = ("http", "s3", "gcs")
    return ts.Context({f"{driver}_request_retries": retries for driver in drivers})


def opened(kvstore: dict[str, Any], limits: Limits, what: str) -> Any:
    """Return a place as a store of keys and values."""
    return wait(ts.KvStore.open(kvstore, context=shared_context(limits)), what, limits)


def wait(future: Any, what: str, limits: Limits) -> Any:
    """Return a future's result, its errors as sentences."""
    try:
        return future.result(limits.seconds)
    except TimeoutError:
        raise Unreachable(f"there is no answer for {what} within {limits.seconds:g} s") from None
    except (ValueError, IndexError, OSError, NotImplementedError, RuntimeError) as error:
        raise _judged(str(error), what) from None


def _judged(text: str, what: str) -> Refused | Unreachable:
    """Return what tensorstore's words mean: a code, a sentence, details in brackets."""
    code, _, rest = text.partition(": ")
    # Not at any bracket: what it met instead of what it expected may have some.
    reason = re.split(r" \[(?=[a-z_ ]+=['\"])", rest)[0]
    reason = brief_reason(re.sub(r"Error opening \"\w+\" driver: ", "", reason))
    if code == "INTERNAL" and re.search("(create|get) credentials", rest):
        return Refused(
            f"{what} may not be read: there are no credentials in the profile that "
            f"{s3.PROFILE} names"
        )
    if code in ("PERMISSION_DENIED", "UNAUTHENTICATED"):
        return Refused(f"{what} may not be read with the rights or credentials that are here")
    if code in ("ABORTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL"):
        return Unreachable(f"{what} can't be reached: {reason}")
    return Refused(f"{what} can't be read: {reason or brief_reason(text)}")


def brief_reason(text: str) -> str:
    """Return text in one line of 300 signs at most: its ends, as the cause comes last."""
    line = " ".join(text.split())
    line = line if len(line) <= 300 else f"{line[:95]} ... {line[-200:]}"
    return "".join(sign if sign.isprintable() else "?" for sign in line)


FORMATS = {
    "info": "precomputed",
    "zarr.json": "zarr",
    ".zarray": "zarr",
    ".zgroup": "zarr",
    "attributes.json": "n5",
}
"""The format of which there is a volume where such a file is."""


def hint(uri: str, kvstore: dict[str, Any]) -> str:
    """Return what may be meant by a URI at which there is no volume of its format."""
    scheme, place = split(uri)
    for name, other in FORMATS.items():
        if other != scheme:
            with suppress(Refused, Unreachable):
                if json_at(uri, kvstore, name) is not None:
                    return f"it has a file {name}: write {other}://{place}"
    if kvstore["driver"] == "file":
        path = kvstore["path"].rstrip("/")
        if os.path.isfile(path) and (found := likely(path)) in MODULES:
            return f"it is a file: write {found}://{place}"
        if os.path.isfile(path):
            formats = ", ".join(f"{name}://" for name in MODULES if name not in DIRECTORIES)
            return f"it is a file: of a format that is read, write {formats} before it"
        if not os.path.exists(path):
            return "there is no such directory"
    return ""


def json_at(uri: str, kvstore: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return the JSON object in a file of a volume, or None if there is no such file.

    A store that answers 403 is taken to have no such file where it may be another one that tells:
    public buckets whose keys may not be listed answer so.
    """
    store = opened(kvstore, METADATA_LIMITS, uri)
    try:
        answer = wait(store.read(name), uri, METADATA_LIMITS)
    except Refused:
        if name in ("info", "attributes.json"):
            raise
        return None
    if answer.state == "missing":
        return None
    try:
        content = json.loads(answer.value)
        told(content)  # not deeper than can be gone through
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused(f"{name} of {uri} is not a JSON object")
    return content


def told(metadata: Any) -> Any:
    """Return metadata without what is null: a key without a value is none."""
    if isinstance(metadata, dict):
        return {key: told(value) for key, value in metadata.items() if value is not None}
    return [told(value) for value in metadata] if isinstance(metadata, list) else metadata
