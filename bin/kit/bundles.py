"""The store and the bundles in it: what a unit leaves for good, and how it is found again.

A bundle is a directory `<store>/<PROCESS>/<id[:2]>/<id>` with its files and `bundle.json`.
It is written beside, then renamed into place, so that it is there whole or not at all.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

VERSION = 1
MANIFEST = "bundle.json"


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: Any) -> str:
    """Return the sha256 (64 hex digits) of a value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def fingerprint(programs: Path) -> str:
    """Return a hash (16 hex digits) of all Python files below a directory."""
    files = [path for path in files_below(programs) if path.suffix == ".py"]
    texts = {path.relative_to(programs).as_posix(): path.read_text("utf-8") for path in files}
    return digest(texts)[:16]


def unit_id(process: str, key: dict[str, Any]) -> str:
    """Return the name of a unit (32 hex digits): the hash of its process and primary key."""
    return digest([process, key])[:32]


def local(url: str) -> Path:
    """Return the directory that a store or bundle URL names.

    Raises
    ------
    ValueError
        If it is neither a path nor a `file://` URL.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    if "://" in url:
        raise ValueError(
            f"store {url} can't be used: a store is a directory, given as a path or as file:///path"
        )
    try:
        return Path(url).expanduser().absolute()
    except RuntimeError:
        raise ValueError(f"store {url} can't be used: there is no such user") from None


def place(store: Path, process: str, unit: str) -> Path:
    """Return where the bundle of a unit is, or will be."""
    return store / process / unit[:2] / unit


@dataclass(frozen=True)
class Finished:
    """A whole bundle: its directory and what `bundle.json` says."""

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


def read(directory: Path) -> Finished:
    """Read a bundle's manifest.

    Raises
    ------
    FileNotFoundError
        If there is no whole bundle.
    ValueError
        If `bundle.json` is not one, or its content digest does not hold.
    """
    text = (directory / MANIFEST).read_bytes()
    try:
        manifest = json.loads(text)
        if manifest["bundle"] != VERSION:
            raise ValueError(f"its version is {manifest['bundle']}, not {VERSION}")
        if manifest["content_sha256"] != content_digest(manifest):
            raise ValueError("its content digest does not hold")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{directory / MANIFEST} is not a valid bundle: {error}") from error
    return Finished(directory, manifest, hashlib.sha256(text).hexdigest())


def content_digest(manifest: dict[str, Any]) -> str:
    """Return the digest of a bundle's results: no times, no run, no place."""
    names = ("process", "key", "arguments", "attributes", "urls", "parts", "files", "inputs")
    return digest({name: manifest[name] for name in names})


def file_record(path: Path, store: Path) -> dict[str, Any]:
    """Return one file's entry for a manifest: its path in the store, size and sha256."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        size = stream.tell()
    return {"path": path.relative_to(store).as_posix(), "bytes": size, "sha256": sha256}


def files_below(directory: Path) -> Iterator[Path]:
    """Yield every file below a directory, in a fixed order."""
    for root, directories, names in os.walk(directory):
        directories.sort()
        yield from (Path(root) / name for name in sorted(names))


def whole(bundle: Finished, store: Path) -> bool:
    """Say whether all files of a bundle are there with their sizes (their bytes: `verify`)."""
    for entry in bundle.manifest["files"]:
        try:
            if (store / entry["path"]).stat().st_size != entry["bytes"]:
                return False
        except FileNotFoundError:
            return False
    return True


class Damaged(ValueError):
    """A bundle whose files are not what its manifest says."""


def verify(bundle: Finished, store: Path) -> None:
    """Check the size and sha256 of every file of a bundle.

    Raises
    ------
    Damaged
        Naming the first file that is missing or not what the manifest says.
    """
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
            found = file_record(path, store)
        except FileNotFoundError:
            raise Damaged(f"{path} is missing, but its bundle lists it") from None
        if found != entry:
            raise Damaged(
                f"{path} is not what its bundle says: {found['bytes']} bytes, sha256 "
                f"{found['sha256'][:12]}…, expected {entry['bytes']} bytes, "
                f"{entry['sha256'][:12]}…"
            )


def commit(working: Path, final: Path) -> bool:
    """Rename a finished directory into its place; False if another whole bundle is there."""
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        working.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(working)
        return False
    return True


def retire(store: Path, directories: Iterable[Path]) -> list[Path]:
    """Move bundles aside into `<store>/.retired`, where nothing is ever reused from."""
    moved = []
    for directory in directories:
        target = store / ".retired" / directory.relative_to(store)
        number = 0
        while target.exists():
            number += 1
            target = target.with_name(f"{directory.name}.{number}")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            directory.rename(target)
        except FileNotFoundError:
            continue  # another process retired it, or it never was there
        moved.append(target)
    return moved
