"""The store and the bundles in it: what a unit leaves for good, and how it is found again.

A bundle is a directory `<store>/<PROCESS>/<id[:2]>/<id>` with its files and `bundle.json`.
It is written beside, then renamed into place, so that it is there whole or not at all. It is on
disk before anyone is told of it (`kit.disk`).

A store is known by the id in its `store.json`, wherever it lies.

In a bucket (`kit.buckets`) nothing can be renamed: files go to `…/<id>/<attempt>/`, where no other
attempt writes, and then `bundle.json` is put where there must not be one. It lists the files
without the attempt, which it names in `attempts`, so that it tells the same of them as on disk.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from . import buckets, disk

VERSION = 1
MANIFEST = "bundle.json"
STORE_FILE = "store.json"
MARKS = ".recorded"

T = TypeVar("T")
R = TypeVar("R")

_FETCHED_AHEAD = 8
WORKING = ".tmp-"
"""How the name of what is being made begins, in a store."""

ASIDE = ".retired"
"""Where in a store bundles are set aside."""


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
    """Return the directory that a store or bundle URL names, or the path that stands for it.

    Raises
    ------
    ValueError
        If it is neither a path nor a `file://`, `s3://` or `gs://` URL.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "file" and re.fullmatch(r"(localhost)?/[^?#]*", rest):
        return Path(os.path.abspath(unquote(rest.removeprefix("localhost"))))
    if scheme.lower() in ("s3", "gs"):
        return buckets.local(url)
    if "://" in url:
        raise ValueError(
            f"store {url} can't be used: a store is a directory, given as a path or as "
            "file:///path, or s3://bucket/path or gs://bucket/path"
        )
    try:
        return Path(os.path.abspath(Path(url).expanduser()))
    except RuntimeError:
        raise ValueError(f"store {url} can't be used: there is no such user") from None


def url(path: Path) -> str:
    """Return the URL of what `local` gave, or of something below it."""
    return buckets.url(path) if buckets.holds(path) else path.as_uri()


def shown(path: Path) -> str:
    """Return how a user would write what `local` gave."""
    return buckets.url(path) if buckets.holds(path) else str(path)


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
        found = json.loads(text)["store"]
        if not re.fullmatch("[0-9a-f]{32}", found):
            raise ValueError(found)
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{shown(path)} does not tell the id of a store: bring it back as it was"
        ) from None
    return str(found)


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
    found = store_id(store)
    if found is None:
        raise OSError(f"{shown(path)} can't be read")
    return found


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


def each(function: Callable[[T], R], items: Iterable[T], path: Path) -> Iterable[R]:
    """Yield a function's results in order; side by side if it asks the bucket that holds a path."""
    return buckets.at_once(function, items) if buckets.holds(path) else map(function, items)


def place(store: Path, process: str, unit: str) -> Path:
    """Return where the bundle of a unit is, or will be."""
    return store / process / unit[:2] / unit


def every(store: Path, processes: str) -> Iterator[Path]:
    """Yield the directories of all bundles of the processes that match a pattern."""
    pattern = f"{processes}/*/*/{MANIFEST}"
    if buckets.holds(store):
        # absolute, so that it matches from the start: `.retired` has such names as well
        below = (path.relative_to(store) for path in buckets.below(store))
        found = (store / path for path in below if Path("/", path).match(f"/{pattern}"))
    else:
        found = store.glob(pattern)
    yield from (path.parent for path in found)


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

    def part(self, name: str, start: int, end: int) -> bytes:
        """Read some bytes of a file, counted from its end: negative, as in a slice."""
        path = self.at(name)
        if buckets.holds(path):
            (entry,) = self._listed(name)
            return buckets.read(path, entry["bytes"] + start, entry["bytes"] + end)
        with path.open("rb") as stream:
            stream.seek(start, os.SEEK_END)
            return stream.read(end - start)

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
        buckets.fetch(self.store / self.actual(entry["path"]), entry["sha256"])


def fetch(given: Iterable[Finished], *names: str) -> None:
    """Have files of bundles here that will be read: those in a bucket come side by side."""
    files = [(one, name) for one in given if buckets.holds(one.directory) for name in names]
    for _ in buckets.at_once(lambda file: file[0].file(file[1]), files) if files else ():
        pass


def stream(given: Iterable[Finished], name: str) -> Iterator[Path]:
    """Yield a file of each bundle in turn; what is fetched for it goes when the next one comes."""
    given = list(given)
    if not any(buckets.holds(one.directory) for one in given):
        yield from (one.file(name) for one in given)
        return
    with ThreadPoolExecutor(_FETCHED_AHEAD) as pool:
        left = iter(given)
        coming = deque(pool.submit(one.file, name) for one in islice(left, _FETCHED_AHEAD))
        while coming:
            path = coming.popleft().result()
            coming.extend(pool.submit(one.file, name) for one in islice(left, 1))
            yield path
            if buckets.holds(path):
                buckets.drop(path)


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


def made_digest(manifest: dict[str, Any]) -> str:
    """Return the digest of what was made alone, whatever it was made of."""
    names = ("attributes", "urls", "parts", "files")
    return digest({name: manifest[name] for name in names})


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
        path = store / bundle.actual(entry["path"])
        try:
            size = buckets.head(path)[0] if buckets.holds(path) else path.stat().st_size
            if size != entry["bytes"]:
                return False
        except FileNotFoundError:
            return False
    return True


def flush(bundle: Finished) -> None:
    """Have a whole bundle on disk: who made it may have been killed before it was."""
    if not buckets.holds(bundle.directory):
        files = [bundle.store / entry["path"] for entry in bundle.manifest["files"]]
        files.append(bundle.directory / MANIFEST)
        disk.flush(files)
        disk.flush_names(files, bundle.store)


class Damaged(ValueError):
    """A bundle whose files are not what its manifest says."""


def verify(bundle: Finished, store: Path, read: bool = False) -> None:
    """Check the size and sha256 of every file of a bundle.

    An object in a bucket with the ETag that it got when it was stored was not written since, and
    is not read unless that is asked for.

    Raises
    ------
    Damaged
        Naming the first file that is missing or not what the manifest says.
    """
    if buckets.holds(store):
        _verify_objects(bundle, store, read)
        return
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
        except (FileNotFoundError, NotADirectoryError):
            raise Damaged(f"{path} is missing, but its bundle lists it") from None
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EISDIR):
                raise
            raise Damaged(f"{path} can't be read: {error.strerror}") from None
        if found != entry:
            raise Damaged(
                f"{path} is not what its bundle says: {found['bytes']} bytes, sha256 "
                f"{found['sha256'][:12]}…, expected {entry['bytes']} bytes, "
                f"{entry['sha256'][:12]}…"
            )


def _verify_objects(bundle: Finished, store: Path, read: bool) -> None:
    etags = bundle.manifest.get("etags", {})
    for entry in bundle.manifest["files"]:
        try:
            path = store / bundle.actual(entry["path"])
            size, etag = buckets.head(path)
        except FileNotFoundError:
            raise Damaged(f"{url(path)} is missing, but its bundle lists it") from None
        except ValueError as error:
            raise Damaged(str(error)) from None
        same = not read and etag and etag == etags.get(entry["path"])
        if size != entry["bytes"] or not (same or buckets.sha256(path) == entry["sha256"]):
            raise Damaged(f"{url(path)} is not what its bundle says: it was changed, or damaged")


def commit(
    working: Path, final: Path, manifest: dict[str, Any], outside: Sequence[Path] = ()
) -> bool:
    """Put a finished directory into its place, with its `bundle.json` last, and have it on disk.

    Parameters
    ----------
    working : Path
        The directory.
    final : Path
        Its place.
    manifest : dict
        What `bundle.json` says, but for what a bucket adds.
    outside : sequence of Path
        The bundle's files that lie elsewhere in the store; in a bucket, they go there now.

    Returns
    -------
    bool
        False if there is another whole bundle.
    """
    if buckets.holds(final):
        return _commit_to_bucket(working, final, manifest, outside)
    (working / MANIFEST).write_bytes(_text(manifest))
    files = list(files_below(working))
    disk.flush([*files, *outside])
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        working.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        shutil.rmtree(working)
        return False
    moved = [final / file.relative_to(working) for file in files]
    disk.flush_names([*moved, *outside], final.parents[2])
    return True


def _text(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _commit_to_bucket(
    working: Path, final: Path, manifest: dict[str, Any], outside: Iterable[Path]
) -> bool:
    store, attempt = final.parents[2], uuid.uuid4().hex[:8]
    own = {path: final / attempt / path.relative_to(working) for path in files_below(working)}
    files = own | {path: path for path in outside}
    whole = False
    try:
        etags = list(buckets.at_once(lambda file: buckets.store(*file), files.items()))
        manifest = manifest | {
            "attempts": {final.relative_to(store).as_posix(): attempt}
            | {
                "/".join(path.relative_to(store).parts[:3]): path.relative_to(store).parts[3]
                for path in outside
            },
            "etags": dict(
                zip((listed(path, store) for path in files.values()), etags, strict=True)
            ),
        }
        whole = buckets.create(final / MANIFEST, _text(manifest))
    finally:
        if not whole:
            with contextlib.suppress(OSError):  # what is left there, nobody will look at
                buckets.delete(own.values())
    return whole


def listed(path: Path, store: Path) -> str:
    """Return how `bundle.json` names a file in the store: in a bucket, without the attempt."""
    parts = path.relative_to(store).parts
    return "/".join(parts[:3] + parts[4:] if buckets.holds(store) else parts)


def mark(store: Path, unit_ids: Iterable[str]) -> None:
    """Leave word in a store that bundles are being recorded, so that no program sets them aside."""
    name = f"{datetime.now(UTC):%Y%m%d}-{uuid.uuid4().hex[:16]}"
    path, text = store / MARKS / name, canonical(sorted(unit_ids)).encode()
    if buckets.holds(store):
        buckets.create(path, text)
        return
    path.parent.mkdir(exist_ok=True)
    new = store / f"{WORKING}{uuid.uuid4().hex}"
    try:
        new.write_bytes(text)
        disk.flush([new])
        new.rename(path)
    finally:
        new.unlink(missing_ok=True)
    disk.flush_names([path], store)


def marks(store: Path) -> list[str]:
    """Return the names of what `mark` left there."""
    directory = store / MARKS
    if buckets.holds(store):
        return sorted(path.name for path in buckets.below(directory))
    return sorted(os.listdir(directory)) if directory.is_dir() else []


def is_marked(bundle: Finished, known: Iterable[str]) -> bool:
    """Say whether a bundle was recorded since only these marks were there."""
    directory = bundle.store / MARKS
    for name in set(marks(bundle.store)) - set(known):
        path = directory / name
        text = buckets.read(path) if buckets.holds(path) else path.read_bytes()
        if bundle.manifest["unit_id"] in json.loads(text):
            return True
    return False


def forget_marks(store: Path, days: int = 60) -> None:
    """Delete marks that are older than any run."""
    oldest = f"{datetime.now(UTC) - timedelta(days):%Y%m%d}"
    old = [store / MARKS / name for name in marks(store) if name < oldest]
    if buckets.holds(store):
        buckets.delete(old)
    for path in old if not buckets.holds(store) else ():
        path.unlink(missing_ok=True)


def retire(store: Path, directories: Iterable[Path]) -> list[Path]:
    """Move bundles aside into `<store>/.retired`, where nothing is ever reused from.

    They have moved on disk, too: what a power cut brought back would be taken over by the next run.
    In a bucket it is their `bundle.json` that moves: files stay under an attempt that no other one
    names. Of programs that retire a bundle at once, one does, and the others pass over it.

    Returns
    -------
    list of Path
        Where those are that this program moved.
    """
    if buckets.holds(store):
        return [target for target in buckets.at_once(_retire_manifest, directories) if target]
    moved, directories = [], list(directories)
    for directory in directories:
        if target := _move_aside(directory, store / ASIDE / directory.relative_to(store)):
            moved.append(target)
    disk.flush_names([*moved, *directories], store)
    return moved


def _move_aside(directory: Path, target: Path) -> Path | None:
    target.parent.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        if not target.exists():
            try:
                return directory.rename(target)
            except FileNotFoundError:
                return None  # another process retired it, or it never was there
            except OSError as error:  # one that was there before came there just now
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        number += 1
        target = target.with_name(f"{directory.name}.{number}")


def _retire_manifest(directory: Path) -> Path | None:
    store, path = directory.parents[2], directory / MANIFEST
    try:
        before, text = buckets.head(path), buckets.read(path)
    except FileNotFoundError:
        return None  # another process retired it, or it never was there
    target = store / ASIDE / directory.relative_to(store)
    # of one name for all who retire this one
    target = target.with_name(f"{target.name}.{hashlib.sha256(text).hexdigest()[:8]}")
    ours = buckets.put_new(target / MANIFEST, text)
    with contextlib.suppress(FileNotFoundError):
        if buckets.head(path) == before:  # else it was retired, and made anew, meanwhile
            buckets.delete([path])
    return target if ours else None
