"""Bundles: what a unit leaves in a store for good, and how it is read again.

A bundle is a directory `<store>/<PROCESS>/<id[:2]>/<id>` with its files and `bundle.json`.
It is written beside, then renamed into place (`kit.committing`), so that it is there whole or not
at all. It is on disk before anyone is told of it (`kit.disk`).

In a bucket (`kit.buckets`) nothing can be renamed: files go to `…/<id>/<attempt>/`, where no other
attempt writes, and then `bundle.json` is put where there must not be one. It lists the files
without the attempt, which it names in `attempts`, so that it tells the same of them as on disk.
"""

import contextlib
import hashlib
import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from . import buckets, fetched
from .digests import content_digest
from .locations import MANIFEST, shown

VERSION = 1
"""Of what `bundle.json` says, and how."""

_FETCHED_AHEAD = 8


@dataclass(frozen=True)
class Finished:
    """A whole bundle: its directory and what `bundle.json` says.

    Its files are read through `file`: in a bucket, the directory only stands for them.
    """

    directory: Path
    manifest: dict[str, Any]
    manifest_sha256: str

    @property
    def key(self) -> dict[str, Any]:
        """The primary key of the row that the bundle fills."""
        key: dict[str, Any] = self.manifest["key"]
        return key

    @property
    def content_sha256(self) -> str:
        """The digest of what the bundle holds, without when and by whom it was made."""
        content: str = self.manifest["content_sha256"]
        return content

    @property
    def as_input(self) -> dict[str, Any]:
        """How a bundle that is made from this one names it."""
        names = ("process", "unit_id", "key", "content_sha256")
        return {name: self.manifest[name] for name in names}

    @property
    def store(self) -> Path:
        """The store that the bundle is in."""
        return self.directory.parents[2]

    def at(self, name: str) -> Path:
        """Return where a file or directory of the bundle is; in a bucket, what stands for it."""
        return self.store / self.actual((self.directory / name).relative_to(self.store).as_posix())

    def actual(self, path: str) -> str:
        """Return where in the store a file or directory is that `bundle.json` names.

        Raises
        ------
        ValueError
            If it is of a bundle whose attempt is not named.
        """
        attempts = self.manifest.get("attempts")
        if attempts is None:
            return path
        *place, name = path.split("/", 3)
        attempt = attempts.get("/".join(place))
        if attempt is None:
            raise ValueError(f"{shown(self.directory)} names no attempt for its file {path}")
        return "/".join([*place, attempt, name])

    def file(self, name: str) -> Path:
        """Return a file of the bundle, or a directory with all its files, to read.

        Raises
        ------
        ValueError
            If it was fetched from a bucket and is not what was stored.
        """
        if buckets.holds(self.directory):
            for _ in buckets.at_once(self._fetch, self._listed(name)):
                pass
        return self.at(name)

    def files_in(self, place: str) -> list[Path]:
        """Return its files below a path in the store, to read: such as chunks of a volume.

        Raises
        ------
        ValueError
            If one is missing, or not what was recorded: of files here, not of that size.
        """
        entries = [entry for entry in self.manifest["files"] if entry["path"].startswith(place)]
        paths = [self.store / self.actual(entry["path"]) for entry in entries]
        if buckets.holds(self.directory):
            for _ in buckets.at_once(self._fetch, entries):
                pass
            return paths
        for path, entry in zip(paths, entries, strict=True):
            size = path.stat().st_size if path.exists() else "missing"
            if size != entry["bytes"]:
                raise ValueError(f"{path} has {entry['bytes']} bytes in its bundle, and is {size}")
        return paths

    def part(self, name: str, start: int, end: int) -> bytes:
        """Read some bytes of a file, counted from its end: negative, as in a slice."""
        (entry,) = self._listed(name)
        return self.span(name, entry["bytes"] + start, entry["bytes"] + end)

    def span(self, name: str, start: int, end: int) -> bytes:
        """Read some bytes of a file and no others; who asks knows whether they are right.

        Raises
        ------
        ValueError
            If the file ends before.
        """
        path = self.at(name)
        if buckets.holds(path):
            content = buckets.read(path, start, end)
        else:
            with path.open("rb") as stream:
                stream.seek(start)
                content = stream.read(end - start)
        if len(content) != end - start:
            raise ValueError(f"{shown(path)} is damaged: it ends before byte {end:,}")
        return content

    def lies_in(self, inputs: Iterable["Finished"]) -> bool:
        """Say whether its files in other bundles are in these, not in what was there before."""
        attempts = self.manifest.get("attempts", {})
        return all(
            attempts.get(place, attempt) == attempt
            for given in inputs
            for place, attempt in given.manifest.get("attempts", {}).items()
        )

    def _listed(self, name: str) -> list[dict[str, Any]]:
        """Return the entries of a file, or of the files below a directory."""
        path = (self.directory / name).relative_to(self.store).as_posix()
        entries = self.manifest["files"]
        return [
            entry
            for entry in entries
            if entry["path"] == path or entry["path"].startswith(f"{path}/")
        ]

    def _fetch(self, entry: dict[str, Any]) -> None:
        fetched.fetch(self.store / self.actual(entry["path"]), entry["sha256"])


def fetch(given: Iterable[Finished], *names: str) -> None:
    """Have files of bundles here that will be read: those in a bucket come side by side."""
    files = [
        (bundle, name) for bundle in given if buckets.holds(bundle.directory) for name in names
    ]
    for _ in buckets.at_once(lambda file: file[0].file(file[1]), files) if files else ():
        pass


def stream(given: Iterable[Finished], name: str) -> Iterator[Path]:
    """Yield a file of each bundle in turn; what is fetched for it goes when the next one comes."""
    given = list(given)
    if not any(buckets.holds(bundle.directory) for bundle in given):
        yield from (bundle.file(name) for bundle in given)
        return
    with ThreadPoolExecutor(_FETCHED_AHEAD) as pool:
        left = iter(given)
        coming = deque(pool.submit(bundle.file, name) for bundle in islice(left, _FETCHED_AHEAD))
        while coming:
            path = coming.popleft().result()
            coming.extend(pool.submit(bundle.file, name) for bundle in islice(left, 1))
            yield path
            if buckets.holds(path):
                fetched.drop(path)


def read(directory: Path) -> Finished:
    """Read a bundle's manifest.

    Raises
    ------
    FileNotFoundError
        If there is no whole bundle.
    ValueError
        If `bundle.json` is not one, or its content digest does not hold.
    """
    text = manifest_text(directory)
    try:
        manifest = json.loads(text)
        if manifest["bundle"] != VERSION:
            raise ValueError(f"its version is {manifest['bundle']}, not {VERSION}")
        if manifest["content_sha256"] != content_digest(manifest):
            raise ValueError("its content digest does not hold")
    except (ValueError, KeyError, TypeError) as error:
        where = shown(directory / MANIFEST)
        raise ValueError(f"{where} is not a valid bundle: {error}") from error
    return Finished(directory, manifest, hashlib.sha256(text).hexdigest())


def manifest_text(directory: Path) -> bytes:
    """Return `bundle.json` of a bundle; FileNotFoundError if there is none."""
    path = directory / MANIFEST
    return buckets.read(path) if buckets.holds(path) else path.read_bytes()


@contextlib.contextmanager
def held(bundle: Finished, directory: Path) -> Iterator[int]:
    """Hold a directory of a bundle, to write files there.

    What is written through the file descriptor that this yields goes where the bundle is, into
    `.retired` too: by its path, a program that was suspended could write into one made anew. In a
    bucket these are different places anyway.

    Raises
    ------
    ValueError
        If the bundle was retired since it was read, before or while it was held.
    """
    aside = f"{bundle.directory} was set aside after it was read"
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        if not (buckets.holds(directory) or in_place(bundle)):
            raise ValueError(aside)
        yield descriptor
        if not (directory.exists() and os.path.samestat(directory.stat(), os.fstat(descriptor))):
            raise ValueError(aside)
    finally:
        os.close(descriptor)


def in_place(bundle: Finished) -> bool:
    """Say whether the bundle that was read is still the one in its place."""
    try:
        text = manifest_text(bundle.directory)
    except OSError:
        return False
    return hashlib.sha256(text).hexdigest() == bundle.manifest_sha256


def there(directory: Path) -> bool:
    """Say whether there is a `bundle.json`."""
    path = directory / MANIFEST
    return buckets.exists(path) if buckets.holds(path) else path.exists()


def stamp(directory: Path) -> tuple[Any, ...]:
    """Return what changes when a bundle is made again; FileNotFoundError if there is none."""
    path = directory / MANIFEST
    if buckets.holds(path):
        return buckets.head(path)
    written = path.stat()
    return written.st_ino, written.st_mtime_ns
