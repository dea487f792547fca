"""Which stores have the bundle of an execution, and where they have it here."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .. import database
from ..kit import buckets, bundles, digests, fetched, locations
from ..kit.texts import sentence
from .ledger import Recorded, among
from .stores import Here
from .tables import Execution, Store
from .work import UnitPlan


def in_one_store(
    units: dict[str, UnitPlan], places: dict[str, list[str]], given: Path | None
) -> dict[str, list[str]]:
    """Return where units' bundles are, with those `within` an input's only where it is.

    What such units write is of use in one store only: one that has them all, if there is one, and
    else the one that a run was given.

    Parameters
    ----------
    units : dict
        All units of what is asked for, by id.
    places : dict
        Unit id to the directories of its bundle, the first of which is taken.
    given : Path, optional
        The store that a run was given.
    """
    inside: dict[str, list[str]] = defaultdict(list)
    for name, unit in units.items():
        if unit.within is not None:
            inside[unit.within.unit_id].append(name)
    kept = dict(places)
    for host, guests in inside.items():
        together = [host, *guests]
        held = [[*map(store_of, places.get(name, ()))] for name in together]
        whole = set(held[0]).intersection(*held[1:])
        chosen = next((store for store in held[0] if store in whole), given and str(given))
        if chosen is None:
            continue
        for name in together:
            left = [path for path in places.get(name, ()) if store_of(path) == chosen]
            if left:
                kept[name] = left
            else:
                kept.pop(name, None)
    return kept


def store_of(bundle: str) -> str:
    """Return the store that a bundle lies in."""
    return bundle.rsplit(os.sep, 3)[0]


def urls(bundle: Recorded, directories: Iterable[str]) -> dict[str, str]:
    """Return where the files that a recorded bundle names are here, by column.

    Nothing if they are where they were when they were recorded, or away.
    """
    for directory in map(Path, directories):
        if locations.url(directory) == bundle.bundle_url:
            break
        with contextlib.suppress(ValueError, OSError):
            opened = bundles.read(directory)
            return {
                name: locations.url(opened.at(path))
                for name, path in opened.manifest["urls"].items()
            }
    return {}


def copies(executions: Iterable[str]) -> list[dict[str, str]]:
    """Return the rows of `Execution.Copy` of executions."""
    return among(Execution.Copy(), "execution_id", executions)


def dropped(executions: Iterable[str]) -> set[str]:
    """Return those of some executions whose bundle was deleted from a store to save space."""
    rows = among(Execution.Dropped.proj(), "execution_id", executions)
    return {row["execution_id"] for row in rows}


def at_hand(executions: Iterable[str]) -> dict[str, Path]:
    """Return the store of each execution's bundle, of those that have one here."""
    here = Here()
    places = {row["execution_id"]: here.path(row["store_id"]) for row in copies(executions)}
    return {name: path for name, path in places.items() if path is not None}


def report() -> list[dict[str, Any]]:
    """Return every store: `store`, `path` (None if it is away), `places`, `bundles` and `bytes`.

    Last, with `store` None, what was recorded before stores had ids, and none has claimed since.
    """
    here = Here()
    query = (
        f"SELECT c.store_id, count(*), sum(e.bundle_bytes) FROM {Execution.full_table_name} e "
        f"LEFT JOIN {Execution.Copy.full_table_name} c ON c.execution_id = e.execution_id "
        "WHERE c.store_id IS NOT NULL OR NOT EXISTS "
        f"(SELECT 1 FROM {Execution.Dropped.full_table_name} d "
        "WHERE d.execution_id = e.execution_id) GROUP BY c.store_id"
    )
    sizes = {row[0]: row[1:] for row in database.connection().query(query).fetchall()}
    known = [str(store_id) for store_id in Store.to_arrays("store_id", order_by="store_id")]
    stores = []
    for name in [*known, *([None] if None in sizes else [])]:
        number, size = sizes.get(name, (0, 0))
        path = here.path(name) if name else None
        stores.append(
            {
                "store": name,
                "path": locations.shown(path) if path else None,
                "places": [
                    {"machine": machine, "url": url} for machine, url in here.places(name or "")
                ],
                "bundles": int(number),
                "bytes": int(size or 0),
            }
        )
    return stores


def refuse_inside(directory: Path, option: str) -> None:
    """Refuse a directory in a store, for what is no bundle: there, only runs write.

    Raises
    ------
    ValueError
        Names the option that gave it.
    """
    here, place = Here(), directory.resolve()
    for name in map(str, Store.to_arrays("store_id")):
        store = here.path(name)
        if store and not buckets.holds(store) and place.is_relative_to(store.resolve()):
            raise ValueError(
                f"{option} {directory} is in store {locations.shown(store)}, which holds what is "
                "recorded and nothing else: name a directory outside of it"
            )


def bundle_here(recorded: Recorded) -> bundles.Finished:
    """Return a recorded bundle that is here.

    Raises
    ------
    ValueError
        If it is not, or is another one than was recorded.
    """
    here, problem = Here(), None
    for directory in map(Path, here.candidates(recorded)):
        try:
            bundle = bundles.read(directory)
        except (ValueError, OSError) as error:
            problem = sentence(error)
            continue
        if bundle.content_sha256 == recorded.content_sha256:
            return bundle
        problem = f"{locations.shown(directory)} is not what was recorded"
    where = here.where_is(recorded)
    raise ValueError(problem or f"store {where} is away: mount it, or give credentials")


def row_groups(bundle: bundles.Finished, folder: str) -> Iterator[Any]:
    """Yield the tables of a bundle's directory of Parquet files, or one file, by row groups.

    Raises
    ------
    ValueError
        If a file is not what was recorded.
    """
    import pyarrow.parquet as pq  # not where no rows are read: who asks for a state waits for it

    inside = (bundle.directory / folder).relative_to(bundle.store).as_posix()
    listed = {entry["path"]: entry for entry in bundle.manifest["files"]}
    for name in sorted(name for name in listed if inside in (name, name.rpartition("/")[0])):
        path = bundle.file(f"{folder}{name.removeprefix(inside)}")
        if not buckets.holds(path) and digests.file_record(path, bundle.store) != listed[name]:
            raise ValueError(f"{path} is not what its bundle says: `bossflow verify` tells more")
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group)
        if buckets.holds(path):
            fetched.drop(path)
