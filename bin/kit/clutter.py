"""What lies in a store and is of no use any more, found by its name and place alone.

Bundles that were set aside, and what is left of programs that were killed.
"""

import contextlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import buckets, locations
from .locations import ASIDE, WORKING

DAY = 24 * 3600.0
"""What did not change for so long is nobody's work any more."""


@dataclass(frozen=True)
class Clutter:
    """One thing that may go.

    Attributes
    ----------
    path : Path
        A file or directory; in a bucket, the prefix of the objects.
    seconds : float
        For how long nothing of it changed, by the clock of whoever keeps the store.
    n_bytes : int
        What goes with it, as far as nothing else links to its files.
    objects : sequence of Path
        In a bucket, what is to be deleted, in this order.
    """

    path: Path
    seconds: float
    n_bytes: int
    objects: Sequence[Path] = field(default=(), repr=False)


def found(store: Path) -> tuple[list[Clutter], list[Clutter]]:
    """Return the bundles of a store that were set aside, and what killed programs left.

    How long ago a bundle was set aside is told by when its directory was renamed (ctime). Of what
    is left, the file that changed last tells: a program may still be writing what is younger than
    a `DAY`.
    """
    if buckets.holds(store):
        return _in_bucket(store)
    now = _now(store)
    aside = [
        _on_disk(directory, now, directory.lstat().st_ctime)
        for directory in sorted((store / ASIDE).glob("*/*/*"))
    ]
    left = [_on_disk(path, now) for path in sorted(store.glob(f"{WORKING}*"))]
    return aside, left


def _now(store: Path) -> float:
    """Return the time by the clock of the store's file system, which may be another machine's."""
    try:
        with tempfile.TemporaryFile(dir=store, prefix=WORKING) as stream:
            return os.fstat(stream.fileno()).st_mtime
    except OSError:  # it may not be written: nothing of it will go
        return time.time()


def _on_disk(path: Path, now: float, since: float | None = None) -> Clutter:
    """Look at a file or a directory; without `since`, what changed last in it tells its age."""
    last, size = 0.0, 0
    links: Counter[tuple[int, int]] = Counter()
    for each in _with_all_in(path):
        with contextlib.suppress(FileNotFoundError):  # it went meanwhile
            seen = each.lstat()
            last = max(last, seen.st_mtime)
            name = seen.st_dev, seen.st_ino
            links[name] += 1
            if not each.is_dir() and links[name] == seen.st_nlink:  # else another link keeps it
                size += seen.st_size
    return Clutter(path, now - (last if since is None else since), size)


def _with_all_in(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        for root, directories, names in os.walk(path):
            yield from (Path(root, name) for name in (*directories, *names))


def _in_bucket(store: Path) -> tuple[list[Clutter], list[Clutter]]:
    """Tell attempts that no `bundle.json` names from those of bundles, in place or set aside."""
    now = time.time()
    objects: dict[Path, tuple[int, float]] = {}
    attempts: dict[Path, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    manifests: dict[Path, Path] = {}  # set aside: and where it was
    left: list[Path] = []
    for path, size, written in buckets.listed(store):
        objects[path] = size, written.timestamp()
        parts = path.relative_to(store).parts
        if parts[0].startswith(WORKING):
            left.append(path)
        elif parts[0] == ASIDE and len(parts) == 5 and parts[4] == locations.MANIFEST:
            manifests[path] = store.joinpath(*parts[1:3], parts[3].partition(".")[0])
        elif len(parts) > 4 and not parts[0].startswith("."):
            attempts[store.joinpath(*parts[:3])][parts[3]].append(path)

    def clutter(path: Path, every: Sequence[Path], told_by: Iterable[Path]) -> Clutter:
        newest = max(objects[item][1] for item in told_by)
        return Clutter(path, now - newest, sum(objects[item][0] for item in every), every)

    # one attempt beside a bundle.json is the one that it names
    doubtful = {place for place, own in attempts.items() if len(own) > 1} | {*manifests.values()}
    asked = [place for place in doubtful if place / locations.MANIFEST in objects]
    in_place = dict(zip(asked, buckets.at_once(_named, asked), strict=True))
    aside = []
    files = list(manifests.items())
    for (path, place), attempt in zip(files, buckets.at_once(_set_aside, files), strict=True):
        if in_place.get(place) not in (attempt, _UNKNOWN):  # else it is being set aside
            own = attempts[place].pop(attempt, [])
            aside.append(clutter(path.parent, [*own, path], [path]))
    leftovers = [clutter(path, [path], [path]) for path in left]
    for place, own_attempts in attempts.items():
        if place in in_place or place / locations.MANIFEST not in objects:
            for attempt, own in own_attempts.items():
                if in_place.get(place) not in (attempt, _UNKNOWN):
                    leftovers.append(clutter(place / attempt, own, own))
    return aside, leftovers


_UNKNOWN = "unknown"


def _named(place: Path) -> str:
    return _set_aside((place / locations.MANIFEST, place))


def _set_aside(file: tuple[Path, Path]) -> str:
    """Return the attempt that a `bundle.json` names of its own; `_UNKNOWN` if it can't be read."""
    path, place = file
    try:
        attempts = json.loads(buckets.read(path))["attempts"]
        return str(attempts[place.relative_to(place.parents[2]).as_posix()])
    except (ValueError, KeyError, TypeError, OSError):
        return _UNKNOWN


def remove(store: Path, some: Iterable[Clutter]) -> None:
    """Delete what was found; what went meanwhile is no matter.

    A directory goes under another name first: a kill leaves nothing that passes for a bundle.
    """
    for item in some:
        if buckets.holds(store):
            buckets.delete(item.objects)
        elif item.path.is_dir() and not item.path.is_symlink():
            named = item.path.name.startswith(WORKING)
            for gone in [item] if named else take(store, [item.path]):
                shutil.rmtree(gone.path)
        else:
            item.path.unlink(missing_ok=True)


def take(store: Path, directories: Iterable[Path]) -> list[Clutter]:
    """Have bundles be none any more, at once; return what of them is to be removed then."""
    if buckets.holds(store):
        return [*buckets.at_once(_take_object, directories)]
    taken = []
    for directory in directories:
        gone = store / f"{WORKING}{directory.name[:32]}-{uuid.uuid4().hex[:8]}"
        with contextlib.suppress(FileNotFoundError):
            directory.rename(gone)
            taken.append(Clutter(gone, 0, 0))
    return taken


def _take_object(directory: Path) -> Clutter:
    buckets.delete([directory / locations.MANIFEST])
    return Clutter(directory, 0, 0, [*buckets.below(directory)])
