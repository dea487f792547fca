"""Places outside of the stores that volumes are written to: a directory, or a path in a bucket.

What is there belongs to one request, which a marker tells: anything else is left alone. Its id does
not tell all, as other data may lie at one path on two machines: so the marker names the store as
well in which the first run of it was at work. Older ones don't.
"""

import contextlib
import errno
import glob
import hashlib
import json
import os
import uuid
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .. import Refused
from . import s3
from .claims import MARKER, gone, refuse_others, refuse_unmounted
from .listing import client

_BEGUN = f".{MARKER}-"
"""How the name of a marker begins that is being written."""

_PART_BYTES = 2**23
"""What is read back at a time."""


class Unusable(OSError):
    """What a destination can't be used for; `disk` is where it lies, if that is here."""

    def __init__(self, said: str, disk: Path | None) -> None:
        super().__init__(said)
        self.disk = disk


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

    def found(self) -> dict[str, str] | None:
        """Return what the marker says: nothing where there is none that can be read.

        Returns
        -------
        dict or None
            `request`, and of all but the oldest `store`; None if nothing is there.

        Raises
        ------
        OSError
            If it can't be looked at.
        """
        with self._told():
            if self._is_empty():
                return None
            try:
                marker = json.loads(bytes(self._bytes(MARKER)))
            except (FileNotFoundError, ValueError):
                return {}
        texts = isinstance(marker, dict) and all(isinstance(one, str) for one in marker.values())
        return marker if texts else {}

    def refuse_inside(self) -> None:
        """Refuse a place that lies in another request's.

        Raises
        ------
        Refused
        """
        import obstore

        above = self._prefix.split("/")[:-1]
        for number in range(len(above), 0, -1):
            marker = "/".join([*above[:number], MARKER])
            with contextlib.suppress(OSError), self._told():  # it may not be for us to see
                obstore.head(self._store, marker)
                raise Refused(
                    f"dest {self.url} lies in another one, whose marker is /{marker}: give a place "
                    "of its own"
                )

    def claim(self, request_id: str, store: str, owners: Collection[str]) -> dict[str, str]:
        """Have the place for a request: it is empty, or this one's already.

        Parameters
        ----------
        request_id : str
        store : str
            Id of the store in which this run is at work.
        owners : collection of str
            As for `refuse_others`.

        Returns
        -------
        dict
            What the marker says.

        Raises
        ------
        Refused
            If something else is there.
        OSError
            If it would go with the container that this is in.
        """
        refuse_unmounted(self.url)
        if self.found() is None:
            text = json.dumps({"request": request_id, "store": store}, indent=1)
            with self._told():
                self._mark(text.encode())
        found = self.found()
        refuse_others(self.url, found, request_id, {store, *owners})
        if found is None:
            raise Refused(gone(self.url, request_id))
        return found

    def refuse_other(self, marker: dict[str, str]) -> None:
        """Refuse a place that has not the marker that the volume was begun with.

        Raises
        ------
        Refused
        """
        found = self.found()
        if found is None:
            raise Refused(gone(self.url, marker["request"]))
        if found != marker:
            refuse_others(self.url, found, marker["request"], ())

    def put(self, directory: Path) -> list[dict[str, Any]]:
        """Write the files below a directory, replacing what is there, and read them back.

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
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            name = file.relative_to(directory).as_posix()
            with file.open("rb") as stream:
                sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            entry = {"path": name, "bytes": file.stat().st_size, "sha256": sha256}
            try:
                with self._told():
                    self._put(name, file)
            except OSError:
                if self.problem(entry):  # else another run put the same, and tidied up
                    raise
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
            if not self._root.exists():
                return True
            return all(name.startswith(_BEGUN) for name in os.listdir(self._root))
        page = next(iter(obstore.list(self._store, f"{self._prefix}/", chunk_size=1)), [])
        return len(page) == 0

    def _mark(self, content: bytes) -> None:
        """Put the marker, whole, where there is none: another request may be as fast."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        if self._root is None:
            key = self._key(MARKER)
            with contextlib.suppress(AlreadyExistsError):
                obstore.put(self._store, key, content, mode="create", use_multipart=False)
            return
        self._root.mkdir(parents=True, exist_ok=True)
        new, marker = self._root / f"{_BEGUN}{uuid.uuid4().hex}", self._root / MARKER
        new.write_bytes(content)
        _flush(new)
        try:
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                marker.hardlink_to(new)
        except OSError:  # a file system without links
            with contextlib.suppress(FileExistsError), marker.open("xb") as stream:
                stream.write(content)
        for left in self._root.glob(f"{_BEGUN}*"):  # this one's, and those of who was killed
            left.unlink(missing_ok=True)
        for one in (marker, *marker.parents):
            with contextlib.suppress(PermissionError):
                _flush(one)

    def _put(self, name: str, content: Any) -> None:
        import obstore

        # in a directory under a name of its own first: obstore's, `#1`, would be another put's next
        own = f"{name}#w{uuid.uuid4().hex}" if self._root is not None else name
        obstore.put(self._store, self._key(own), content)
        if self._root is not None:
            path = self._root / name
            (self._root / own).replace(path)
            for left in path.parent.glob(f"{glob.escape(path.name)}#*"):
                left.unlink(missing_ok=True)  # of a put that was killed
            below = [one for one in path.parents if one.is_relative_to(self._root)]
            for one in (path, *below):  # on disk before anyone is told
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
        """Turn errors into a sentence, but that a file is not there."""
        from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

        try:
            yield
        except (BaseError, OSError) as error:
            said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            if "NoSuchBucket" in str(error):
                said = "there is no such bucket"
            elif isinstance(error, FileNotFoundError):
                raise
            elif "169.254." in said or "metadata.google" in said:
                said = (
                    "there are no credentials: set BOSSFLOW_DEST_AWS_ACCESS_KEY_ID and so on, or, "
                    "for gs://, GOOGLE_APPLICATION_CREDENTIALS"
                )
            elif (
                isinstance(error, PermissionDeniedError | UnauthenticatedError)
                or "status code: 403" in said
            ):
                said = "these credentials may not read and write it"
            raise Unusable(f"dest {self.url} can't be used: {said}", self._root) from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:  # some file systems flush no directories
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
