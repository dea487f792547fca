"""The files of a request's bundles, copied into a crate and checked on their way."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..core import holdings, stores
from ..kit import buckets, bundles, digests, locations
from ..kit.bundles import Finished
from .crate import File

PART = 2**22


def listed(told: dict[str, Any], request: str) -> list[tuple[str, Finished]]:
    """Return the bundles of a request's own units that are here, by execution.

    Where it has none of its own, as calls that others may have asked for too, its results are.

    Raises
    ------
    ValueError
        If one is not here, or is not what was recorded.
    """
    made_by = told["made_by"]
    own = [name for name in made_by if told["executions"][name]["request"] == request] or made_by
    here, found = stores.Here(), []
    rows = sorted(holdings.copies(own), key=lambda row: here.path(row["store_id"]) is not None)
    places = {row["execution_id"]: row for row in rows}  # here, where one is
    for name in own:
        one, row = told["executions"][name], places.get(name)
        store = here.path(row["store_id"]) if row else None
        if row is None or store is None:
            where = here.where(row["store_id"]) if row else one["bundle"]
            raise ValueError(
                f"--with-data: the files of {one['process']} are not here: {where} is away, or "
                "they were deleted to make room"
            )
        bundle = bundles.read(store / row["copy_path"])
        if bundle.content_sha256 != one["content_sha256"]:
            raise ValueError(f"{locations.shown(bundle.directory)} is not what was recorded")
        found.append((name, bundle))
    return found


def size(found: list[tuple[str, Finished]]) -> int:
    """Return the bytes of the files of bundles."""
    return sum(one["bytes"] for _, bundle in found for one in bundle.manifest["files"])


def copied(
    found: list[tuple[str, Finished]], directory: Path, progress: Callable[[int], None]
) -> Iterator[File]:
    """Copy the files of bundles to `data`, below which they lie as in the store; yield each.

    Raises
    ------
    ValueError
        If one is not what its bundle says.
    """
    done: set[str] = set()
    for name, bundle in found:
        for one in bundle.manifest["files"]:
            path = f"data/{one['path']}"
            if path in done:  # of a unit that was made twice
                continue
            done.add(path)
            source, target = bundle.store / bundle.actual(one["path"]), directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if _copy(source, target, progress) != (one["bytes"], one["sha256"]):
                raise damaged(source)
            yield File(path, one["bytes"], one["sha256"], name)


def damaged(file: Path) -> ValueError:
    """Return the error of a file that is not what its bundle says."""
    return ValueError(
        f"{locations.shown(file)} is not what its bundle says: `bossflow verify` tells more"
    )


def seen(source: Path, take: Callable[[bytes], object]) -> tuple[int, str]:
    """Return size and sha256 of a file in a store, whose bytes are handed over part by part."""
    digest, number = hashlib.sha256(), 0
    for part in buckets.parts(source) if buckets.holds(source) else _parts(source):
        digest.update(part)
        take(part)
        number += len(part)
    return number, digest.hexdigest()


def _copy(source: Path, target: Path, progress: Callable[[int], None]) -> tuple[int, str]:
    with target.open("wb") as stream:
        return seen(source, lambda part: progress(stream.write(part)))


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while part := stream.read(PART):
            yield part


def of(directory: Path, name: str, about: str = "") -> File:
    """Return a file that was written into a crate."""
    one = digests.file_record(directory / name, directory)
    return File(one["path"], one["bytes"], one["sha256"], None, about)
