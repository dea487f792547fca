"""Word in a store that bundles are being recorded, so that no program sets them aside."""

import json
import os
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from . import buckets, disk
from .bundles import Finished
from .digests import canonical
from .locations import WORKING

DIRECTORY = ".recorded"


def leave(store: Path, unit_ids: Iterable[str]) -> None:
    """Leave word in a store that bundles of these units are being recorded."""
    name = f"{datetime.now(UTC):%Y%m%d}-{uuid.uuid4().hex[:16]}"
    path, text = store / DIRECTORY / name, canonical(sorted(unit_ids)).encode()
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


def names(store: Path) -> list[str]:
    """Return the names of the marks in a store."""
    directory = store / DIRECTORY
    if buckets.holds(store):
        return sorted(path.name for path in buckets.below(directory))
    return sorted(os.listdir(directory)) if directory.is_dir() else []


def is_recorded(bundle: Finished, known: Iterable[str]) -> bool:
    """Say whether a bundle was recorded since only these marks were there."""
    directory = bundle.store / DIRECTORY
    for name in set(names(bundle.store)) - set(known):
        path = directory / name
        text = buckets.read(path) if buckets.holds(path) else path.read_bytes()
        if bundle.manifest["unit_id"] in json.loads(text):
            return True
    return False


def forget(store: Path, days: int = 60) -> None:
    """Delete marks that are older than any run."""
    oldest = f"{datetime.now(UTC) - timedelta(days):%Y%m%d}"
    old = [store / DIRECTORY / name for name in names(store) if name < oldest]
    if buckets.holds(store):
        buckets.delete(old)
    for path in old if not buckets.holds(store) else ():
        path.unlink(missing_ok=True)
