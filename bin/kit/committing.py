"""How a bundle gets into its place: at once, whole, and on disk."""

import contextlib
import errno
import json
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import buckets, disk
from .bundles import Finished
from .digests import files_below
from .locations import MANIFEST


def flush(bundle: Finished) -> None:
    """Have a whole bundle on disk: who made it may have been killed before it was."""
    if not buckets.holds(bundle.directory):
        files = [bundle.store / entry["path"] for entry in bundle.manifest["files"]]
        files.append(bundle.directory / MANIFEST)
        disk.flush(files)
        disk.flush_names(files, bundle.store)


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
