"""Whether the files of a bundle are what its manifest says."""

import errno
import os
from pathlib import Path

from . import buckets
from .bundles import Finished
from .digests import file_record
from .locations import url


def whole(bundle: Finished, store: Path) -> bool:
    """Say whether all files of a bundle are there with their sizes (their bytes: `verify`)."""
    for entry in bundle.manifest["files"]:
        path = store / bundle.actual(entry["path"])
        try:
            size = buckets.head(path)[0] if buckets.holds(path) else path.stat().st_size
            if size != entry["bytes"]:
                return False
        except FileNotFoundError:
            return False
    return True


class Damaged(ValueError):
    """A bundle whose files are not what its manifest says."""


def verify(bundle: Finished, store: Path, read: bool = False) -> None:
    """Check the size and sha256 of every file of a bundle.

    An object in a bucket with the ETag that it got when it was stored was not written since, and
    is not read unless that is asked for.

    Raises
    ------
    Damaged
        Naming the first file that is missing or not what the manifest says.
    """
    if buckets.holds(store):
        _verify_objects(bundle, store, read)
        return
    inside = os.path.join(os.path.realpath(store), "")
    real: dict[Path, str] = {}  # a link could lead elsewhere; each directory is looked at once
    for entry in bundle.manifest["files"]:
        path = store / entry["path"]
        if path.parent not in real:
            real[path.parent] = os.path.realpath(path.parent)
        target = os.path.join(real[path.parent], path.name)
        if os.path.islink(target):
            target = os.path.realpath(target)
        if not target.startswith(inside):
            raise Damaged(f"{entry['path']} of {bundle.directory} leaves the store {store}")
        try:
            actual = file_record(path, store)
        except (FileNotFoundError, NotADirectoryError):
            raise Damaged(f"{path} is missing, but its bundle lists it") from None
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EISDIR):
                raise
            raise Damaged(f"{path} can't be read: {error.strerror}") from None
        if actual != entry:
            raise Damaged(
                f"{path} is not what its bundle says: {actual['bytes']} bytes, sha256 "
                f"{actual['sha256'][:12]}…, expected {entry['bytes']} bytes, "
                f"{entry['sha256'][:12]}…"
            )


def _verify_objects(bundle: Finished, store: Path, read: bool) -> None:
    etags = bundle.manifest.get("etags", {})
    for entry in bundle.manifest["files"]:
        try:
            path = store / bundle.actual(entry["path"])
            size, etag = buckets.head(path)
        except FileNotFoundError:
            raise Damaged(f"{url(path)} is missing, but its bundle lists it") from None
        except ValueError as error:
            raise Damaged(str(error)) from None
        same = not read and etag and etag == etags.get(entry["path"])
        if size != entry["bytes"] or not (same or buckets.sha256(path) == entry["sha256"]):
            raise Damaged(f"{url(path)} is not what its bundle says: it was changed, or damaged")
