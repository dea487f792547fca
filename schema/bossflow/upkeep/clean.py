"""Make room in stores: what was set aside, what killed tasks left, what can be pulled again."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import datajoint as dj

from .. import database
from ..core import stores
from ..core.dependents import stages_of
from ..core.ledger import among
from ..core.tables import Execution, Run, Store
from ..database.insert import insert_absent
from ..kit import clutter, locations
from ..kit.clutter import Clutter
from ..volumes.tables import Block, PulledBlock


class Pulled(NamedTuple):
    """A bundle of a pulled block that may be dropped, or was, and is still there."""

    execution: str
    path: str
    manifest_sha256: str
    n_bytes: int
    marked: bool = False


@dataclass
class Room:
    """What may go from a store.

    Attributes
    ----------
    store : Path
        Where it is here.
    store_id : str
        Its id.
    retired, leftovers : list of Clutter
        Bundles that were set aside; what killed programs left.
    young : int
        How many of these a program may still be writing.
    pulled : list of Pulled
        Bundles of pulled blocks of which something was made.
    kept : int
        How many are kept, as nothing was made of them yet.
    """

    store: Path
    store_id: str
    retired: list[Clutter] = field(default_factory=list)
    leftovers: list[Clutter] = field(default_factory=list)
    young: int = 0
    pulled: list[Pulled] = field(default_factory=list)
    kept: int = 0


def look(store: str | None = None, days: float = 0) -> list[Room]:
    """Return what may go from each store that is here, or from one.

    Parameters
    ----------
    store : str, optional
        Its place, its id, or the start of it.
    days : float
        Only what is older.

    Raises
    ------
    ValueError
        If the store that is named is not known, or away.
    """
    here = stores.Here()
    names = [here.named(store)] if store else sorted(map(str, Store.to_arrays("store_id")))
    rooms = []
    for name in names:
        path = here.path(name)
        if path is not None:
            rooms.append(_room(path, name, days))
        elif store:
            raise ValueError(f"store {here.where(name)} is away: mount it, or give credentials")
    return rooms


def _room(store: Path, name: str, days: float) -> Room:
    aside, left = clutter.found(store)
    oldest = days * clutter.DAY
    old = [item for item in left if item.seconds >= max(oldest, clutter.DAY)]
    room = Room(store, name, [item for item in aside if item.seconds >= oldest], old)
    room.young = sum(item.seconds < clutter.DAY for item in left)
    rows = PulledBlock() * Execution.proj("bundle_bytes", "executed", pulled_by="execution_id")
    rows *= Execution.Copy.proj("copy_path", "copy_sha256", pulled_by="execution_id")
    rows &= {"store_id": name}
    if days:
        then = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
        rows &= f"executed < '{then:%Y-%m-%d %H:%M:%S}'"
    every = rows.to_dicts()
    made = _made_of(every)
    room.pulled = [
        Pulled(row["pulled_by"], row["copy_path"], row["copy_sha256"], row["bundle_bytes"])
        for row in every
        if (row["channel_id"], row["block"]) in made
    ]
    room.kept = len(every) - len(room.pulled)
    room.pulled += _half_dropped(store, name)
    return room


def _made_of(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return channel and block of those of which something is recorded beside their voxels."""
    made: set[tuple[str, str]] = set()
    keys = {(row["channel_id"], row["block"]) for row in rows}
    for table in stages_of(Block):
        if table is not PulledBlock:
            for some in database.pieces(keys):
                blocks = Block() & [
                    {"channel_id": channel, "block": block} for channel, block in some
                ]
                met = (blocks & table.proj()).to_dicts()
                made |= {(row["channel_id"], row["block"]) for row in met}
    for name, link in PulledBlock().children(foreign_key_info=True):  # of another channel's blocks
        channel, block = ({of: own for own, of in link["attr_map"].items()}[of] for of in _PLACE)
        table = dj.FreeTable(database.connection(), name)
        for some in database.pieces(keys):
            of_these = table & [dict(zip((channel, block), key, strict=True)) for key in some]
            made |= {(row[channel], row[block]) for row in of_these.to_dicts()}
    return made


_PLACE = ("channel_id", "block")


def _half_dropped(store: Path, name: str) -> list[Pulled]:
    """Return what was marked as dropped by a command that was killed before it deleted it."""
    rows = (Execution.Dropped() * Execution.proj("bundle_bytes") & {"store_id": name}).to_dicts()
    here = stores.Here()

    def is_here(row: dict[str, Any]) -> bool:
        return here.is_as_recorded(store / row["dropped_path"], row["dropped_sha256"])

    return [
        Pulled(
            row["execution_id"],
            row["dropped_path"],
            row["dropped_sha256"],
            row["bundle_bytes"],
            marked=True,
        )
        for row, is_there in zip(rows, locations.each(is_here, rows, store), strict=True)
        if is_there
    ]


def drop(room: Room) -> int:
    """Mark the pulled bundles of a store as dropped, then delete them; return how many went.

    A kill in between leaves files that no row tells of, which the next `look` finds. A run that
    takes them up meanwhile records them before they go, and they stay, or finds them gone.
    """
    conn, here, number = database.connection(), stores.Here(), 0
    for start in range(0, len(room.pulled), database.limits.PIECE):
        some = room.pulled[start : start + database.limits.PIECE]
        with database.lock(conn):
            names = [pulled.execution for pulled in some]
            copies, marked = (
                {
                    row["execution_id"]
                    for row in among(table & {"store_id": room.store_id}, "execution_id", names)
                }
                for table in (Execution.Copy(), Execution.Dropped())
            )
            todo = [
                pulled
                for pulled in some
                if pulled.execution in (marked - copies if pulled.marked else copies)
            ]
            with conn.transaction:
                _mark(room.store_id, [pulled for pulled in todo if not pulled.marked])
            places = {room.store / pulled.path: pulled.manifest_sha256 for pulled in todo}
            as_recorded = locations.each(
                lambda place: here.is_as_recorded(*place), places.items(), room.store
            )
            intact = [path for path, is_there in zip(places, as_recorded, strict=True) if is_there]
            gone = clutter.take(room.store, intact)
        clutter.remove(room.store, gone)
        number += len(todo)
    return number


def _mark(store_id: str, some: list[Pulled]) -> None:
    """Note that a store has no bundle of executions any more, as it was deleted on purpose."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    keys = [{"execution_id": pulled.execution, "store_id": store_id} for pulled in some]
    for table in (of() for of in (Execution.Dropped, Execution.Copy)) if keys else ():
        (table & keys).delete_quick()
    marks = [
        key
        | {"dropped_path": pulled.path, "dropped_sha256": pulled.manifest_sha256, "dropped": now}
        for key, pulled in zip(keys, some, strict=True)
    ]
    insert_absent(Execution.Dropped(), marks)


def unfinished() -> list[str]:
    """Return the runs of the last week that may go on, in words: they may need what is pulled."""
    rows = Run.proj("run_name", "run_started", "run_parameters")
    week = datetime.now(UTC).replace(tzinfo=None) - timedelta(weeks=1)
    last = rows & f"run_started > '{week:%Y-%m-%d %H:%M:%S}'"
    return [
        f"{row['run_name']} of {row['run_started']:%Y-%m-%d %H:%M}"
        for row in last.to_dicts(order_by="run_started")
        if "ended" not in row["run_parameters"]
    ]
