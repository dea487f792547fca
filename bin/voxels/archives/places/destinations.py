"""Places outside of the stores that volumes are written to: a directory, or a path in a bucket.

What is there belongs to one request, whose id a marker tells: anything else is left alone.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .. import Refused
from . import s3
from .listing import client

MARKER = "bossflow.json"

_URL_MAX = 800
"""Characters of a destination's URL: those of what lies there must fit the names of objects."""

_PART_BYTES = 2**23
"""What is read back at a time."""

_BUCKET = re.compile(r"(s3|gs)://([\w.-]+)/([\w.-]+(?:/[\w.-]+)*)/?", re.ASCII)


def spelled(place: str) -> str:
    """Return the one spelling of a destination: a URL.

    Parameters
    ----------
    place : str
        An absolute path, `file:///path`, or `s3://bucket/path` or `gs://bucket/path`.

    Raises
    ------
    Refused
        If it is none, or too long.
    """
    match = _BUCKET.fullmatch(place)
    if match and not {".", ".."} & {*match[3].split("/")}:
        return _short(place.rstrip("/"))
    path = unquote(place.removeprefix("file://")) if place.startswith("file://") else place
    if "://" in place.removeprefix("file://") or not os.path.isabs(path):
        raise Refused(
            f"dest {place} can't be used: give a directory, or s3://bucket/path or "
            "gs://bucket/path, of letters, digits, `-`, `_` and `.`"
        )
    return _short(Path(os.path.realpath(path)).as_uri())


def _short(url: str) -> str:
    if len(url) > _URL_MAX:
        raise Refused(f"dest {url[:60]}... has as a URL more than {_URL_MAX} characters")
    return url


def files_below(directory: Path) -> dict[str, Path]:
    """Return the files below a directory, by their paths in it."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path for path in files}


class Destination:
    """A destination, by its one spelling.

    Raises
    ------
    Refused
        If credentials are malformed.
    """

    def __init__(self, url: str) -> None:
        from obstore.store import LocalStore

        self.url = url
        self._root: Path | None = None
        scheme, _, rest = url.partition("://")
        if scheme == "file":
            self._root = Path(unquote(rest))
            self._prefix = str(self._root).lstrip("/")
            self._store: Any = LocalStore()
        else:
            bucket, _, self._prefix = rest.partition("/")
            self._store = client(scheme, bucket, s3.DESTINATIONS)

    def claim(self, request_id: str) -> None:
        """Have the place for a request: it is empty, or this one's already.

        Raises
        ------
        Refused
            If something else is there.
        """
        text = json.dumps({"request": request_id}, indent=1)
        with self._told():
            if self._is_empty():
                self._mark(text.encode())
        self.refuse_others(request_id, begun=True)

    def refuse_others(self, request_id: str, begun: bool = False) -> None:
        """Refuse a place that holds something that is not this request's.

        Parameters
        ----------
        request_id : str
        begun : bool
            Whether it must hold what the request began.

        Raises
        ------
        Refused
        """
        with self._told():
            if self._is_empty():
                if not begun:
                    return
                raise Refused(
                    f"dest {self.url} is empty, or gone: bring back what was there, or have all of "
                    f"it written again, after `bossflow verify --request {request_id} --retire`"
                )
            try:
                marker = json.loads(bytes(self._bytes(MARKER)))["request"]
            except (FileNotFoundError, ValueError, LookupError, TypeError):
                marker = None
        if marker != request_id:
            whose = f"is of request {marker}" if marker else f"has no {MARKER} of this request"
            raise Refused(
                f"dest {self.url} holds something already, and {whose}: give another place, or "
                "empty it"
            )

    def put(self, files: dict[str, Path]) -> list[dict[str, Any]]:
        """Write files, replacing what is there, and read them back.

        Returns
        -------
        list of dict
            `path`, `bytes` and `sha256` of each.

        Raises
        ------
        OSError
            If a file can't be written, or is read back as something else.
        """
        entries = []
        for name, file in files.items():
            with file.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            entry = {"path": name, "bytes": file.stat().st_size, "sha256": sha256}
            with self._told():
                self._put(name, file)
            if problem := self.problem(entry):
                raise OSError(problem)
            entries.append(entry)
        return entries

    def problem(self, entry: dict[str, Any]) -> str | None:
        """Return a sentence if a file is missing or not what was written."""
        where = f"{self.url}/{entry['path']}"
        digest, size = hashlib.sha256(), 0
        try:
            with self._told():
                for part in self._parts(entry["path"]):
                    digest.update(part)
                    size += len(part)
        except FileNotFoundError:
            return f"{where} is missing, but was written"
        if (size, digest.hexdigest()) == (entry["bytes"], entry["sha256"]):
            return None
        return f"{where} is not what was written: it was changed, or damaged"

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    def _is_empty(self) -> bool:
        import obstore

        if self._root is not None:
            return not self._root.exists() or not any(self._root.iterdir())
        page = next(iter(obstore.list(self._store, f"{self._prefix}/", chunk_size=1)), [])
        return len(page) == 0

    def _mark(self, content: bytes) -> None:
        """Put the marker where there is none: another request may be as fast."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with contextlib.suppress(AlreadyExistsError, FileExistsError):
            if self._root is None:
                key = self._key(MARKER)
                obstore.put(self._store, key, content, mode="create", use_multipart=False)
                return
            self._root.mkdir(parents=True, exist_ok=True)
            with (self._root / MARKER).open("xb") as stream:
                stream.write(content)
        self._flush(MARKER)

    def _put(self, name: str, content: Any) -> None:
        import obstore

        obstore.put(self._store, self._key(name), content)
        self._flush(name)

    def _flush(self, name: str) -> None:
        """Have a file on disk before anyone is told, if it is here."""
        if self._root is not None:
            path = self._root / name
            below = [one for one in path.parents if one.is_relative_to(self._root)]
            for one in (path, *below, self._root.parent):
                _flush(one)

    def _bytes(self, name: str) -> Any:
        import obstore

        return obstore.get(self._store, self._key(name)).bytes()

    def _parts(self, name: str) -> Iterator[Any]:
        """Yield a file's bytes, by requests that each are short."""
        import obstore

        size = obstore.head(self._store, self._key(name))["size"]
        for start in range(0, size, _PART_BYTES):
            end = min(start + _PART_BYTES, size)
            yield obstore.get_range(self._store, self._key(name), start=start, end=end)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the client's errors into a sentence."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):
                raise OSError(f"dest {self.url} can't be used: there is no such bucket") from None
            raise
        except BaseError as error:
            said = str(error).partition("\n")[0]
            raise OSError(f"dest {self.url} can't be used: {said}") from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some file systems flush no directories
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
