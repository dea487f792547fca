"""Objects of buckets that were fetched, as files here."""

import hashlib
import threading
import uuid
from pathlib import Path

from . import buckets

_KEPT_BYTES = 2**28
"""What a task keeps of the files that it has fetched, beside those of the unit at hand."""

_fetched: dict[Path, int] = {}  # sizes, the longest unused first
_used: set[Path] = set()  # since `tidy`
_lock = threading.Lock()


def fetch(path: Path, expected_sha256: str) -> None:
    """Have an object here as a file, checked against its sha256.

    Raises
    ------
    ValueError
        If it is not what was stored.
    """
    with _lock:
        _used.add(path)
        if path in _fetched:
            _fetched[path] = _fetched.pop(path)
            return
    buckets.object_of(path)  # refuses what would lead elsewhere
    path.parent.mkdir(parents=True, exist_ok=True)
    coming = path.with_name(f".{uuid.uuid4().hex}")
    digest = hashlib.sha256()
    with coming.open("wb") as stream:
        for part in buckets.parts(path):
            digest.update(part)
            stream.write(part)
        size = stream.tell()
    if digest.hexdigest() != expected_sha256:
        coming.unlink()
        raise ValueError(
            f"{buckets.url(path)} is not what its bundle says: it was changed, or damaged"
        )
    coming.rename(path)
    with _lock:
        _fetched[path] = size


def drop(path: Path) -> None:
    """Delete a file here that was fetched or is stored."""
    with _lock:
        _fetched.pop(path, None)
    path.unlink(missing_ok=True)


def drop_all() -> None:
    """Delete all files here that were fetched."""
    for path in list(_fetched):
        drop(path)


def tidy() -> None:
    """Delete files that were fetched, the longest unused first, but none used since the last call.

    So a task's disk is bounded: by what two units need, one of which may be read ahead.
    """
    with _lock:
        idle = [path for path in _fetched if path not in _used]
        _used.clear()
        spare = sum(_fetched.values()) - _KEPT_BYTES
    for path in idle:
        if spare > 0:
            spare -= _fetched[path]
            drop(path)
