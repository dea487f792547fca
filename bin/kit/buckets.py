"""Stores in buckets, `s3://bucket/path` and `gs://bucket/path`.

Programs work on files. What they need of a bucket lies in a directory of its own while they run,
and a path below it stands for the object of the same name. `kit.bundles` asks here wherever a
store may be a bucket.
"""

import atexit
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_URL = re.compile(r"(s3|gs)://([\w.-]+(?:/[\w.-]+)*)/?", re.ASCII | re.IGNORECASE)

_AT_ONCE = 16
"""Requests in flight: a bucket answers each after a while, but many side by side."""

_KEPT_BYTES = 2**28
"""What a task keeps of the files that it has fetched, beside those of the unit at hand."""

_PART_BYTES = 2**23
"""What is read or uploaded at a time; each request in flight holds two at most."""

_parent: Path | None = None
_here: Path | None = None
_fetched: dict[Path, int] = {}  # sizes, the longest unused first
_used: set[Path] = set()  # since `tidy`
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


def holds(path: Path) -> bool:
    """Say whether a path stands for an object in a bucket."""
    return _here is not None and path.is_relative_to(_here)


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

    with _sentences(path):
        found = obstore.head(*_object(path))
        return found["size"], found["e_tag"] or ""


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

    with _sentences(path):
        if end is None:
            return obstore.get(*_object(path)).bytes().to_bytes()
        return obstore.get_range(*_object(path), start=start, end=end).to_bytes()


def sha256(path: Path) -> str:
    """Read an object through and return the sha256 of what it holds."""
    found = hashlib.sha256()
    for part in _parts(path):
        found.update(part)
    return found.hexdigest()


def _parts(path: Path) -> Iterator[Any]:
    import obstore

    with _sentences(path):
        yield from obstore.get(*_object(path)).stream(min_chunk_size=_PART_BYTES)


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
    _object(path)  # refuses what would lead elsewhere
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex}")
    found = hashlib.sha256()
    with partial.open("wb") as stream:
        for part in _parts(path):
            found.update(part)
            stream.write(part)
        size = stream.tell()
    if found.hexdigest() != expected_sha256:
        partial.unlink()
        raise ValueError(f"{url(path)} is not what its bundle says: it was changed, or damaged")
    partial.rename(path)
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


def store(file: Path, path: Path) -> str:
    """Upload a file, replacing what is there; return its ETag.

    Each part goes with its SHA-256, which S3 checks before it takes it.
    """
    import obstore

    with _sentences(path):
        found = obstore.put(*_object(path), file, chunk_size=_PART_BYTES, max_concurrency=2)
        return found["e_tag"] or ""


def create(path: Path, content: bytes) -> bool:
    """Write an object if there is none of its name, at once; say whether there was none."""
    # there is also if the answer to our own request got lost
    return put_new(path, content) or read(path) == content


def put_new(path: Path, content: bytes) -> bool:
    """Write an object if there is none of its name; say whether there was none, not even ours."""
    import obstore
    from obstore.exceptions import AlreadyExistsError

    with _sentences(path):
        try:
            obstore.put(*_object(path), content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True


def delete(paths: Iterable[Path]) -> None:
    """Delete objects, where they are there."""
    import obstore

    for path in paths:
        with _sentences(path), contextlib.suppress(FileNotFoundError):
            obstore.delete(*_object(path))


def below(path: Path) -> Iterator[Path]:
    """Yield the paths of all objects below a path."""
    return (found for found, _, _ in listed(path))


def listed(path: Path) -> Iterator[tuple[Path, int, datetime]]:
    """Yield path, size and time of writing of all objects below a path."""
    import obstore

    with _sentences(path):
        client, key = _object(path)
        bucket = Path(*path.parts[: len(path.parts) - len(Path(key).parts)])
        for some in obstore.list(client, key):
            for found in some:
                yield bucket / found["path"], found["size"], found["last_modified"]


def reachable(path: Path) -> bool:
    """Say whether what is below a path can be listed."""
    import obstore

    try:
        with _sentences(path):
            obstore.list_with_delimiter(*_object(path, hurried=True))
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
    with _sentences(path):
        client, key = _object(probe, hurried=True)
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


def _object(path: Path, hurried: bool = False) -> tuple[Any, str]:
    """Return the client of a path's bucket, and the object's name."""
    scheme, bucket, *key = path.relative_to(_directory()).parts
    if ".." in key:
        raise ValueError(f"{url(path)} names no object")
    return _client(scheme, bucket, hurried), "/".join(key)


@cache
def _client(scheme: str, bucket: str, hurried: bool) -> Any:
    """Return a client that finds credentials in the environment or the machine's role."""
    from obstore.store import GCSStore, S3Store

    retries: Any = {"max_retries": 2 if hurried else 8, "retry_timeout": timedelta(minutes=3)}
    endpoint = os.environ.get("GOOGLE_BASE_URL", "") if scheme == "gs" else _endpoint()
    options: Any = {
        "allow_http": endpoint.startswith("http://"),
        "read_timeout": timedelta(seconds=60),
        "timeout": timedelta(hours=1),  # of a whole object
    }
    if scheme == "gs":
        return GCSStore(bucket, client_options=options, retry_config=retries)
    config: Any = {"checksum_algorithm": "SHA256"} | ({"endpoint": endpoint} if endpoint else {})
    return S3Store(
        bucket,
        config=config,
        client_options=options,
        retry_config=retries,
        credential_provider=_profile(),
    )


def _endpoint() -> str:
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def _profile() -> Any:
    """Return the credentials of AWS_PROFILE, if it is set."""
    if not os.environ.get("AWS_PROFILE"):
        return None
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        raise OSError("AWS_PROFILE needs the Python package boto3: pip install boto3") from None
    return Boto3CredentialProvider()


@contextlib.contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn the client's errors into one sentence each."""
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error):
            raise OSError(f"{url(path)} can't be used: there is no such bucket") from None
        raise FileNotFoundError(f"{url(path)} is not there") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise PermissionError(
            f"{url(path)} can't be used: these credentials may not read and write it"
        ) from None
    except BaseError as error:
        said = str(error).partition("\n")[0]
        if "NoSuchBucket" in str(error):
            said = "there is no such bucket"
        elif "169.254." in said or "metadata.google" in said:
            said = (
                "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "AWS_PROFILE or, for gs://, GOOGLE_APPLICATION_CREDENTIALS"
            )
        raise OSError(f"{url(path)} can't be used: {said}") from None
