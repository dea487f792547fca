"""Single files that volumes are in, read in pieces wherever they lie: on disk, HTTP(S), S3, GCS."""

from __future__ import annotations

import hashlib
import io
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import RLock
from typing import Any, BinaryIO, NamedTuple, cast

from .. import Refused, Unreachable
from . import kvstores, listing
from .kvstores import brief_reason

PIECE_BYTES = 2**18
"""What is asked for at once of a file elsewhere, at least, and kept."""

PIECES_KEPT = 64


class File(NamedTuple):
    """A file that is open to be read.

    Attributes
    ----------
    stream : BinaryIO
        Its bytes, at any position.
    path : str
        Where it is on disk; empty if it is elsewhere.
    """

    stream: BinaryIO
    path: str = ""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        if isinstance(self.stream, Remote):
            return self.stream.size
        return os.fstat(self.stream.fileno()).st_size

    @property
    def told(self) -> dict[str, Any]:
        """What `voxels.files.seen` needs to tell it from a later one."""
        if not isinstance(self.stream, Remote):
            return {"place": self.path, "about": [self.path], "chunks": None}  # or what is in it
        key, size, tag = "/file", self.stream.size, self.stream.tag
        if not tag:  # nothing but its size tells
            return {"stamp": repr(size)}
        number = int.from_bytes(hashlib.blake2b(tag.encode(), digest_size=7).digest())
        return {"place": key, "about": [key], "chunks": None, "found": {key: [size, number]}}

    @property
    def problem(self) -> Exception | None:
        """What went wrong when it was read, if that is not its format's reader's to say."""
        return self.stream.problem if isinstance(self.stream, Remote) else None

    def forget_problem(self) -> None:
        """Forget what went wrong so far."""
        if isinstance(self.stream, Remote):
            self.stream.problem = None


def looks(path: str) -> tuple[int, int] | None:
    """Return size and time (ns) of a file on disk, by which it is known again; None: no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def directory(place: str, uri: str) -> File:
    """Return a directory, whose files whoever reads them opens.

    Raises
    ------
    Refused
        If there is none.
    """
    path = place.removeprefix("file://")
    if path == place:
        raise Refused(f"{uri} can't be read in place: directories of files are read on disks only")
    if not os.path.isdir(path):
        raise Refused(f"{uri} can't be read: there is no such directory")
    return File(io.BytesIO(), path)


def opened(place: str, uri: str) -> File:
    """Open the file at a place, as `kvstores.split` spells it.

    Parameters
    ----------
    place : str
    uri : str
        What messages call it.

    Raises
    ------
    Refused, Unreachable
    """
    if not place.startswith("file://"):
        return File(cast(BinaryIO, Remote(place, uri)))
    path = place.removeprefix("file://")
    if os.path.isdir(path):
        raise Refused(
            f"{uri} can't be read: it is a directory, not a file; one of planes is planes://DIRECTORY"
        )
    try:
        return File(open(path, "rb"), path)
    except FileNotFoundError:
        raise Refused(f"{uri} can't be read: there is no such file") from None
    except OSError as error:
        raise Refused(f"{uri} can't be read: {error.strerror}") from None


class Remote(io.RawIOBase):
    """A file elsewhere: asked for by ranges of bytes, small ones in whole pieces that are kept.

    The first request tells its size as well. A file that becomes another one meanwhile is refused.

    Parameters
    ----------
    place : str
        https://host/path, http://host/path, s3://bucket/path or gs://bucket/path.
    uri : str
        What messages call it.

    Attributes
    ----------
    size : int
        In bytes.
    tag : str
        Its ETag, or when it was modified; empty where the server tells neither.
    requests : int
        How many were made.
    problem : Exception or None
        The last error: libraries that read this replace it by words of their own.

    Raises
    ------
    Refused, Unreachable
    """

    def __init__(self, place: str, uri: str) -> None:
        self._uri, self._lock, self._at = uri, RLock(), 0
        self._pieces: OrderedDict[int, bytes] = OrderedDict()
        self.requests, self.tag, self.size = 0, "", 0
        self.problem: Exception | None = None
        scheme, _, rest = place.partition("://")
        bucket, _, self._key = rest.partition("/")
        if scheme.startswith("http"):
            self._store, self._key = _http(place), ""
        else:
            self._store = listing.client(scheme, bucket)
        self._pieces[0] = self._asked(0, PIECE_BYTES)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it has positions."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position."""
        self._at = offset + (0, self._at, self.size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from here on; return how many bytes there were."""
        view = memoryview(buffer).cast("B")
        with self._lock:
            content = self.between(self._at, self._at + len(view))
            view[: len(content)] = content
            self._at += len(content)
        return len(content)

    def between(self, start: int, end: int) -> bytes:
        """Return the bytes of a range, as far as there are any."""
        end = min(end, self.size)
        if start >= end:
            return b""
        with self._lock:
            if end - start > PIECE_BYTES:
                return self._asked(start, end)
            numbers = range(start // PIECE_BYTES, (end - 1) // PIECE_BYTES + 1)
            lacking = [number for number in numbers if number not in self._pieces]
            if lacking:
                self._keep(lacking[0], lacking[-1])
            for number in numbers:
                self._pieces.move_to_end(number)
            content = b"".join(self._pieces[number] for number in numbers)
            while len(self._pieces) > PIECES_KEPT:
                self._pieces.popitem(last=False)
        first = numbers[0] * PIECE_BYTES
        return content[start - first : end - first]

    def _keep(self, first: int, last: int) -> None:
        content = self._asked(first * PIECE_BYTES, min((last + 1) * PIECE_BYTES, self.size))
        for number in range(first, last + 1):
            at = (number - first) * PIECE_BYTES
            self._pieces[number] = content[at : at + PIECE_BYTES]

    def _asked(self, start: int, end: int) -> bytes:
        import obstore

        with self._told():
            self.requests += 1
            answer = obstore.get(self._store, self._key, options={"range": (start, end)})
            content, about = bytes(answer.bytes()), answer.meta
            told = about["e_tag"] or about["last_modified"].timestamp()
            size, tag = int(about["size"]), str(told or "")
            if not self.size:
                self.size, self.tag = size, tag
            if (size, tag) != (self.size, self.tag):
                raise Refused(f"{self._uri} became another file while it was read: run again")
            if len(content) != min(end, size) - start:
                raise Unreachable(f"{self._uri} can't be reached: an answer was cut off")
        return content

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say errors in sentences, and keep the last one."""
        from obstore import exceptions

        try:
            try:
                yield
            except FileNotFoundError:
                raise Refused(f"{self._uri} can't be read: there is no such file") from None
            except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError):
                raise Refused(
                    f"{self._uri} may not be read with the rights or credentials that are here"
                ) from None
            except exceptions.NotSupportedError:
                raise Refused(
                    f"{self._uri} can't be read in place: its server gives whole files only; copy "
                    "it to a disk or a bucket"
                ) from None
            except (exceptions.BaseError, OSError) as error:
                reason = brief_reason(str(error).partition("\n")[0])
                raise Unreachable(f"{self._uri} can't be reached: {reason}") from None
        except (Refused, Unreachable) as error:
            self.problem = error
            raise


def _http(place: str) -> Any:
    from obstore.store import HTTPStore

    limits = kvstores.METADATA_LIMITS
    return HTTPStore.from_url(
        place,
        client_options={"timeout": timedelta(seconds=limits.seconds), "allow_http": True},
        retry_config={"max_retries": limits.retries, "retry_timeout": timedelta(minutes=2)},
    )
