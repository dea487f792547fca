"""Files of subjects wherever they lie: on a disk, HTTP(S), S3, Google Cloud Storage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from voxels.archives import Refused, Unreachable
from voxels.archives.places import kvstores, ranged


@contextmanager
def opened(path: str) -> Iterator[ranged.File]:
    """Open a file that is named by a path or an address.

    Raises
    ------
    ValueError
        With a sentence, if it can't be read.
    """
    try:
        place = f"file://{path}" if path.startswith("/") else path
        file = ranged.opened(kvstores.split(f"nifti://{place}")[1], path)
        with file.stream:
            yield file
    except (Refused, Unreachable) as error:
        raise ValueError(str(error)) from None


def known(file: ranged.File, path: str, name: str) -> dict[str, Any]:
    """Return what tells a file from others: of one on a disk its digest, else its server's tag.

    Raises
    ------
    ValueError
        If its server gives none.
    """
    told: dict[str, Any] = {"path": path, "bytes": file.size}
    if isinstance(file.stream, ranged.Remote):
        if not file.stream.tag:
            raise ValueError(
                f"{name} has no ETag, by which another file would be noticed: copy it to a disk"
            )
        return told | {"tag": file.stream.tag}
    told["sha256"] = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type]
    file.stream.seek(0)
    return told


def whole(path: str, most: int, name: str) -> bytes:
    """Return all bytes of a small file.

    Raises
    ------
    ValueError
        If it has more than `most`, or can't be read.
    """
    with opened(path) as file:
        if file.size > most:
            raise ValueError(f"{name} has {file.size:,} bytes, and may have {most:,} at most")
        return file.stream.read(file.size)


def check(file: ranged.File, planned: dict[str, Any]) -> None:
    """Refuse a file that is not the one that was planned with.

    Raises
    ------
    ValueError
        If it changed since.
    """
    if known(file, planned["path"], planned["path"]) != planned:
        raise ValueError(f"{planned['path']} changed since the run began: run again")


def checked(planned: dict[str, Any]) -> bytes:
    """Return all bytes of a small file that was planned with, by its digest.

    Raises
    ------
    ValueError
        If it changed since, or can't be read.
    """
    content = whole(planned["path"], planned["bytes"], planned["path"])
    if hashlib.sha256(content).hexdigest() != planned["sha256"]:
        raise ValueError(f"{planned['path']} changed since the run began: run again")
    return content
