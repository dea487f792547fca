"""Setting bundles aside, where nothing is ever reused from."""

import contextlib
import errno
import hashlib
from collections.abc import Iterable
from pathlib import Path

from . import buckets, disk
from .locations import ASIDE, MANIFEST


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
