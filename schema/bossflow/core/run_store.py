"""The store that a run was given: where it is, what is in it, what is within reach of it."""

import shlex
import tempfile
from collections import Counter
from pathlib import Path

from .. import database
from ..kit import buckets, bundles, locations, recorded_marks
from ..kit.texts import many, unit_name
from . import holdings, ledger, stores, work
from .ledger import Recorded
from .tables import Request
from .work import UnitPlan


def marks(store: Path) -> list[str]:
    """Return what was recorded before: what others record from here on is marked."""
    with database.lock(database.connection()):
        recorded_marks.forget(store)
        return recorded_marks.names(store)


def made(
    requests: list[work.Request],
    by_request: list[list[UnitPlan]],
    missing: dict[str, UnitPlan],
    store: Path,
) -> set[str]:
    """Return the missing units that an earlier run of these requests made, and did not record.

    What killed a task is still to be made, and may kill the next one: these must not be in it.
    """
    names = [request.request_id for request in requests]
    before = {row["request_id"] for row in ledger.among(Request.proj(), "request_id", names)}
    asked = [units for name, units in zip(names, by_request, strict=True) if name in before]
    left = {unit.unit_id: unit for units in asked for unit in units if unit.unit_id in missing}
    places = [locations.place(store, unit.process, unit.unit_id) for unit in left.values()]
    exist = locations.each(bundles.there, places, store)
    return {name for name, is_there in zip(left, exist, strict=True) if is_there}


def reachable(
    recorded: dict[str, Recorded],
    units: dict[str, UnitPlan],
    here: stores.Here,
    known: dict[str, str] | None = None,
) -> tuple[dict[str, str], dict[str, Recorded]]:
    """Return where the bundles of recorded units are here, and the units that are away.

    `known` are those that were found before.

    Raises
    ------
    ValueError
        If bundles are gone from stores that are here.
    """
    places = {name: here.candidates(bundle) for name, bundle in recorded.items()}
    gone, closed = ledger.lost(path for paths in places.values() for path in paths)
    if closed:
        places = {
            name: [path for path in paths if path not in closed] for name, paths in places.items()
        }
    left = {name: [path] for name, path in (known or {}).items()} | places
    if gone:
        left |= {
            name: [path for path in paths if path not in gone] for name, paths in places.items()
        }
    lost = [name for name, paths in places.items() if paths and not left[name]]
    if lost:
        first, where = units[lost[0]], Path(places[lost[0]][0])
        name = shlex.quote(locations.shown(where.parents[2]))
        raise ValueError(
            f"{len(lost)} recorded bundles are not in the store any more (first: "
            f"{unit_name(first.process, first.key)} in {locations.shown(where)}): bring the store "
            f"back, or run `bossflow invalidate --lost --store {name}` so that they are made again"
        )
    kept = holdings.in_one_store(units, left, here.given)
    away = {
        name: bundle for name, bundle in recorded.items() if not (places[name] or bundle.dropped)
    }
    return {name: paths[0] for name, paths in kept.items() if paths}, away


def notes_of(away: dict[str, Recorded], units: dict[str, UnitPlan], here: stores.Here) -> list[str]:
    """Say which stores hold results of this request that can't be reached from here."""
    numbers = Counter((here.where_is(bundle), units[name].exact) for name, bundle in away.items())
    notes = []
    for (where, exact), number in numbers.items():
        they, are = ("it", "is") if number == 1 else ("they", "are")
        then = f"as {they} would not be the same, {they} {are} not made again"
        if exact:
            then = f"{they} {are} made again here, unless you mount it, or give credentials"
        units_of = f"{many(number, 'unit')} of this {are} recorded in store {where}"
        notes.append(f"{units_of}, which is away: {then}")
    return notes


def refuse_away(
    missing: dict[str, UnitPlan],
    bundles_here: dict[str, str],
    recorded: dict[str, Recorded],
    here: stores.Here,
) -> None:
    """Refuse what is to be made from results that are away, and can't be made the same again.

    Raises
    ------
    ValueError
        If there are any.
    """
    for made, unit in missing.items():
        for given in unit.inputs if made not in bundles_here else ():
            name = given.unit_id
            if name in recorded and name not in bundles_here and name not in missing:
                raise ValueError(
                    f"{unit_name(given.process, given.key)} is recorded in store "
                    f"{here.where_is(recorded[name])}, which is away, and would not be the same if "
                    "it was made again: mount the store, or give credentials, or `bossflow "
                    "invalidate` it"
                )


def of_default(here: stores.Here) -> list[str]:
    """Say that the default store is this machine's own, where others use the database as well.

    Raises
    ------
    ValueError
        If nothing is in it yet.
    """
    if database.server().embedded or database.named_store():
        return []
    advice = (
        "give `store` a directory or bucket that all who use the database can reach, or name it "
        'for good in datajoint.json: "stores": {"bossflow": {"protocol": "file", "location": …}}'
    )
    if here.is_used():
        return [f"store {here.given} is in a home directory of this machine: {advice}"]
    raise ValueError(
        f"no store is given, and {here.given} is in a home directory of this machine, while others "
        f"use database {database.server().told} too: {advice}"
    )


STORE_URL_MAX = 800
"""Characters of a store's URL: those of what lies in it must fit the columns of 1024."""


def place(given: str | None, launch_dir: Path) -> Path:
    """Return the directory, or path in a bucket, of the store that a user gave, or the default.

    Raises
    ------
    ValueError
        If its URL is too long.
    """
    if not given:
        store = database.default_store()
    elif "://" in given or given.startswith("~"):
        store = locations.local(given)
    else:
        store = locations.local(str(launch_dir / given))
    if len(locations.url(store)) > STORE_URL_MAX:
        raise ValueError(
            f"store {locations.shown(store)[:60]}... can't be used: as a URL its path has more "
            f"than {STORE_URL_MAX} characters"
        )
    return store


def refuse_unwritable(store: Path) -> None:
    """Raise ValueError if a store can't be written; its directory is made."""
    if buckets.holds(store):
        buckets.refuse_unwritable(store)
        return
    try:
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store):
            pass
    except OSError as error:
        raise ValueError(
            f"store {store} can't be written: {error.strerror}; give `store` a directory "
            "that you may write to"
        ) from None
