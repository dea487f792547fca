"""The id by which a store is known, wherever it lies: what its `store.json` holds."""

import contextlib
import json
import re
import uuid
from pathlib import Path

from . import buckets, disk
from .digests import canonical
from .locations import WORKING, shown

STORE_FILE = "store.json"


def store_id(store: Path) -> str | None:
    """Return the id of the store in a directory; None if there is none, or it can't be read.

    Raises
    ------
    ValueError
        If its `store.json` is not one.
    """
    path = store / STORE_FILE
    try:
        text = buckets.read(path) if buckets.holds(path) else path.read_bytes()
    except OSError:
        return None
    try:
        identity = json.loads(text)["store"]
        if not re.fullmatch("[0-9a-f]{32}", identity):
            raise ValueError(identity)
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{shown(path)} does not tell the id of a store: bring it back as it was"
        ) from None
    return str(identity)


def found_store(store: Path) -> str:
    """Return a store's id, which is made now if it has none; of two at once, both get the same.

    Raises
    ------
    OSError
        If it can't be written.
    """
    text = canonical({"store": uuid.uuid4().hex}).encode() + b"\n"
    path = store / STORE_FILE
    if store_id(store) is None:
        if buckets.holds(path):
            buckets.create(path, text)
        else:
            _create(path, text)
    identity = store_id(store)
    if identity is None:
        raise OSError(f"{shown(path)} can't be read")
    return identity


def _create(path: Path, text: bytes) -> None:
    """Write a file with all that is in it, unless there is one."""
    new = path.with_name(f"{WORKING}{uuid.uuid4().hex}")
    try:
        new.write_bytes(text)
        disk.flush([new])
        try:
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(new)
        except OSError:  # a file system without links
            with contextlib.suppress(FileExistsError), path.open("xb") as stream:
                stream.write(text)
            disk.flush([path])
    finally:
        new.unlink(missing_ok=True)
    disk.flush_names([path], Path(path.anchor))
