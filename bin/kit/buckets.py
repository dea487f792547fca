"""Stores in buckets, `s3://bucket/path` and `gs://bucket/path`.

Programs work on files. What they need of a bucket lies in a directory of its own while they run,
and a path below it stands for the object of the same name. What reads or writes a store asks
here wherever it may be a bucket.
"""

import atexit
import contextlib
import hashlib
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from .bucket_clients import client, sentences

T = TypeVar("T")
R = TypeVar("R")

_URL = re.compile(r"(s3|gs)://([\w.-]+(?:/[\w.-]+)*)/?", re.ASCII | re.IGNORECASE)

_AT_ONCE = 16
"""Requests in flight: a bucket answers each after a while, but many side by side."""

_PART_BYTES = 2**23
"""What is read or uploaded at a time; each request in flight holds two at most."""

_parent: Path | None = None
_here: Path | None = None
_lock = threading.Lock()


def work_in(directory: Path) -> None:
    """Have what is fetched lie in a directory, such as a task's, and not in the system's."""
    global _parent
    _parent = directory


def local(url: str) -> Path:
    """Return the path that stands for a bucket's URL.

    Raises
    ------
    ValueError
        If it is none.
    """
    match = _URL.fullmatch(url)
    if not match or {".", ".."} & set(match[2].split("/")):
        raise ValueError(
            f"store {url} can't be used: in a bucket, a store is s3://bucket/path or "
            "gs://bucket/path, of letters, digits, `-`, `_` and `.`"
        )
    return _directory() / match[1].lower() / match[2]


def _directory() -> Path:
    global _here
    with _lock:
        if _here is None:
            _here = Path(tempfile.mkdtemp(prefix="bossflow-", dir=_parent))
            atexit.register(shutil.rmtree, _here, ignore_errors=True)
        return _here


def holds(path: Path | str) -> bool:
    """Say whether a path stands for an object in a bucket."""
    return _here is not None and Path(path).is_relative_to(_here)


def url(path: Path) -> str:
    """Return the URL that a path stands for."""
    scheme, *rest = path.relative_to(_directory()).parts
    return f"{scheme}://{'/'.join(rest)}"


def at_once(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield a function's results in order, many requests side by side."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(function, items)


def head(path: Path) -> tuple[int, str]:
    """Return an object's size, and the ETag that changes when it is written again.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    import obstore

    with sentences(url(path)):
        metadata = obstore.head(*object_of(path))
        return metadata["size"], metadata["e_tag"] or ""


def exists(path: Path) -> bool:
    """Say whether an object is there."""
    try:
        head(path)
    except FileNotFoundError:
        return False
    return True


def read(path: Path, start: int = 0, end: int | None = None) -> bytes:
    """Return an object's bytes, or a range of them.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    import obstore

    with sentences(url(path)):
        if end is None:
            return obstore.get(*object_of(path)).bytes().to_bytes()
        return obstore.get_range(*object_of(path), start=start, end=end).to_bytes()


def sha256(path: Path) -> str:
    """Read an object through and return the sha256 of what it holds."""
    digest = hashlib.sha256()
    for part in parts(path):
        digest.update(part)
    return digest.hexdigest()


def parts(path: Path) -> Iterator[Any]:
    """Yield an object's bytes, as buffers."""
    import obstore

    with sentences(url(path)):
        yield from obstore.get(*object_of(path)).stream(min_chunk_size=_PART_BYTES)


def store(file: Path, path: Path) -> str:
    """Upload a file, replacing what is there; return its ETag.

    Each part goes with its SHA-256, which S3 checks before it takes it.
    """
    import obstore

    with sentences(url(path)):
        stored = obstore.put(*object_of(path), file, chunk_size=_PART_BYTES, max_concurrency=2)
        return stored["e_tag"] or ""


def create(path: Path, content: bytes) -> bool:
    """Write an object if there is none of its name, at once; say whether there was none."""
    # there is also if the answer to our own request got lost
    return put_new(path, content) or read(path) == content


def put_new(path: Path, content: bytes) -> bool:
    """Write an object if there is none of its name; say whether there was none, not even ours."""
    import obstore
    from obstore.exceptions import AlreadyExistsError

    with sentences(url(path)):
        try:
            obstore.put(*object_of(path), content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True


def delete(paths: Iterable[Path]) -> None:
    """Delete objects, where they are there."""
    import obstore

    for path in paths:
        with sentences(url(path)), contextlib.suppress(FileNotFoundError):
            obstore.delete(*object_of(path))


def below(path: Path) -> Iterator[Path]:
    """Yield the paths of all objects below a path."""
    return (inside for inside, _, _ in listed(path))


def listed(path: Path) -> Iterator[tuple[Path, int, datetime]]:
    """Yield path, size and time of writing of all objects below a path."""
    import obstore

    with sentences(url(path)):
        client, key = object_of(path)
        bucket = Path(*path.parts[: len(path.parts) - len(Path(key).parts)])
        for page in obstore.list(client, key):
            for entry in page:
                yield bucket / entry["path"], entry["size"], entry["last_modified"]


def reachable(path: Path) -> bool:
    """Say whether what is below a path can be listed."""
    import obstore

    try:
        with sentences(url(path)):
            obstore.list_with_delimiter(*object_of(path, hurried=True))
    except OSError:
        return False
    return True


def refuse_unwritable(path: Path) -> None:
    """Refuse a store that can't be written, or is not safe to write.

    Raises
    ------
    OSError
        With a sentence that says why.
    """
    import obstore
    from obstore.exceptions import AlreadyExistsError

    probe = path / f".tmp-{uuid.uuid4().hex}"
    with sentences(url(path)):
        client, key = object_of(probe, hurried=True)
        try:
            obstore.put(client, key, b"", mode="create", use_multipart=False)
        except FileNotFoundError:
            raise OSError(f"{url(path)} can't be used: there is no such bucket") from None
        try:
            obstore.put(client, key, b"", mode="create", use_multipart=False)
        except AlreadyExistsError:
            return
        finally:
            obstore.delete(client, key)
    raise OSError(
        f"{url(path)} can't be a store: its server ignores conditional writes (If-None-Match), so "
        "two runs could spoil each other's results"
    )


def object_of(path: Path, hurried: bool = False) -> tuple[Any, str]:
    """Return the client of a path's bucket, and the object's name."""
    scheme, bucket, *key = path.relative_to(_directory()).parts
    if ".." in key:
        raise ValueError(f"{url(path)} names no object")
    return client(scheme, bucket, hurried), "/".join(key)
