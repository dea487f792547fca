"""Stores as this machine sees them: a store is its id, and lies where its `store.json` is found.

A team's machines mount stores in different places, and have different stores in places of one
name. What can't be found here is *away*: nothing is known of what it holds, so nothing of it is
ever called lost.
"""

import hashlib
import os
import shlex
import socket
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

from .. import database
from ..database.insert import insert_absent
from ..kit import buckets, bundles, locations, retiring, store_ids
from . import ledger
from .ledger import Recorded
from .tables import Execution, Store


def machine() -> str:
    """Return this machine's name (`BOSSFLOW_MACHINE`, for containers; default: its host name)."""
    return (os.environ.get("BOSSFLOW_MACHINE") or socket.gethostname())[:255]


class Here:
    """Where stores lie, seen from this machine; each place is looked at once.

    Parameters
    ----------
    given : Path, optional
        The store that a run was given.
    """

    def __init__(self, given: Path | None = None) -> None:
        self.given = given
        self._places: dict[str, list[tuple[str, str]]] = defaultdict(list)
        own = machine()
        rows = Store.Place().to_dicts(order_by=("store_id", "machine"))
        for row in sorted(rows, key=lambda row: row["machine"] != own):
            self._places[row["store_id"]].append((row["machine"], row["store_url"]))
        self._ids: dict[Path, str | None] = {}
        self._paths: dict[str, Path | None] = {}
        self._claims: dict[Path, dict[str, dict[str, str]]] = defaultdict(dict)

    def id_of(self, store: Path) -> str | None:
        """Return the id of the store in a directory, or None."""
        if store not in self._ids:
            self._ids[store] = store_ids.store_id(store)
        return self._ids[store]

    def path(self, store_id: str) -> Path | None:
        """Return where a store is here; None if it is away."""
        if store_id not in self._paths:
            places = [locations.local(url) for _, url in self._places[store_id]]
            if self.given is not None and self.id_of(self.given) == store_id:
                places.insert(0, self.given)
            right = (place for place in places if self._is(place, store_id))
            self._paths[store_id] = next(right, None)
        return self._paths[store_id]

    def _is(self, place: Path, store_id: str) -> bool:
        """Say whether a store lies in a place; one that can't tell its id is away."""
        try:
            return self.id_of(place) == store_id
        except ValueError:
            if place == self.given:
                raise
            self._ids[place] = None
            return False

    def places(self, store_id: str) -> list[tuple[str, str]]:
        """Return the machines that know a store, this one first, and its URL there."""
        return self._places.get(store_id, [])

    def where(self, store_id: str) -> str:
        """Return where a store is or was seen, in words."""
        path = self.path(store_id)
        if path is not None:
            return locations.shown(path)
        for name, url in self._places[store_id]:
            return f"{locations.shown(locations.local(url))} of {name}"
        return store_id

    def where_is(self, bundle: Recorded) -> str:
        """Return in words where a recorded bundle is or was."""
        if bundle.copies:
            return self.where(bundle.copies[0][0])
        return locations.shown(locations.local(bundle.bundle_url).parents[2])

    def named(self, name: str) -> str:
        """Return the id of the store that a user names by its place, its id, or the start of it.

        Raises
        ------
        ValueError
            If there is none, or there are several.
        """
        known = {str(store_id) for store_id in Store.to_arrays("store_id")}
        place = locations.local(name)
        ids = {store_id for store_id in known if store_id == self.id_of(place)}
        own = (machine(), locations.url(place))
        ids = ids or {store_id for store_id in known if own in self._places[store_id]}
        if not ids and os.sep not in name:
            return ledger.named(Store, name)
        if len(ids) != 1:
            said = f"{len(ids)} stores are" if ids else "no store is"
            raise ValueError(f"{said} known by {name!r}: see `bossflow stores`")
        return ids.pop()

    def check(self) -> None:
        """Check the store that a run was given.

        Raises
        ------
        ValueError
            If it was another one before, or is a copy of one that is here as well.
        """
        store, own = self._given, machine()
        identity, url, shown = self.id_of(store), locations.url(store), locations.shown(store)
        if identity is None:
            for known, places in self._places.items():
                seen = [place for name, place in places if name == own or buckets.holds(store)]
                if url in seen:
                    raise ValueError(
                        f"store {shown} is not what it was: it has no {store_ids.STORE_FILE} any "
                        "more. Mount it, or give credentials; if it is gone for good, `bossflow "
                        f"invalidate --store {known[:8]}` forgets what was in it"
                    )
            return
        places = self._places[identity]
        others = [
            place
            for place in (locations.local(other) for _, other in places)
            if place != store and self._is(place, identity) and not _same(place, store)
        ]
        if others and (own, url) not in places:
            raise ValueError(
                f"store {shown} is a copy of {locations.shown(others[0])}, which is here as well: "
                f"say which of the two is used here by `bossflow stores --use {shlex.quote(shown)}"
                f"`, or remove {store_ids.STORE_FILE} from the copy, which makes it a store of its "
                "own"
            )

    def open(self) -> None:
        """Give the store that a run was given an id, unless it has one."""
        self._ids[self._given] = store_ids.found_store(self._given)

    def is_used(self) -> bool:
        """Say whether something is recorded in the store that a run was given."""
        identity = self.id_of(self._given)
        if identity and Execution.Copy() & {"store_id": identity}:
            return True
        start = locations.url(self._given) + "/"
        unclaimed = (
            f"SELECT 1 FROM {Execution.full_table_name} e WHERE LEFT(e.bundle_url, %s) = %s "
            f"AND NOT EXISTS (SELECT 1 FROM {Execution.Copy.full_table_name} c "
            "WHERE c.execution_id = e.execution_id) LIMIT 1"
        )
        return bool(database.connection().query(unclaimed, (len(start), start)).fetchone())

    @property
    def _given(self) -> Path:
        assert self.given is not None
        return self.given

    def candidates(self, bundle: Recorded) -> list[str]:
        """Return the directories where a recorded bundle should be here, as they are looked for.

        The store that was given comes first, then where it was when it was recorded. They are
        texts: of 10,000 bundles, objects would take too long.
        """
        if not bundle.copies and bundle.dropped:
            return []
        if not bundle.copies:
            claimed = self._claim(bundle)
            return [str(claimed)] if claimed else []
        stores = [(self.path(store_id), path) for store_id, path in bundle.copies]
        pairs = [(store, f"{store}/{path}") for store, path in stores if store is not None]
        if len(pairs) > 1:  # else there is nothing to choose
            own = self.given, bundle.bundle_url
            pairs.sort(key=lambda pair: (pair[0] != own[0], locations.url(Path(pair[1])) != own[1]))
        return [path for _, path in pairs]

    def is_as_recorded(self, directory: Path, manifest_sha256: str) -> bool:
        """Say whether a bundle that no store has claimed is there, and what was recorded."""
        try:
            text = bundles.manifest_text(directory)
        except OSError:
            return False
        return hashlib.sha256(text).hexdigest() == manifest_sha256

    def _claim(self, bundle: Recorded) -> Path | None:
        directory = locations.local(bundle.bundle_url)
        if not self.is_as_recorded(directory, bundle.manifest_sha256):
            return None
        store = directory.parents[2]
        row = {"execution_id": bundle.execution_id, "copy_sha256": bundle.manifest_sha256}
        row["copy_path"] = directory.relative_to(store).as_posix()
        self._claims[store][bundle.execution_id] = row
        return directory

    def register(self) -> None:
        """Record where the given store is, and what the stores here have claimed.

        To be called under the schema's lock.
        """
        self._register(self._given)
        for other, rows in self._claims.items():
            if self.id_of(other) is None:
                try:
                    self._ids[other] = store_ids.found_store(other)
                except OSError:  # somebody else's: it is used as it is
                    continue
            self._register(other)
            identity = self.id_of(other)
            insert_absent(Execution.Copy(), [row | {"store_id": identity} for row in rows.values()])
        self._claims.clear()
        self._note()

    def _note(self) -> None:
        """Note in BOSSFLOW_HOME where this machine's stores are, for conf/containers.sh."""
        known = {place for places in self._places.values() for place in places}
        paths = {locations.local(url) for name, url in known if name == machine()}
        file = database.home() / "stores"
        with suppress(OSError):  # who has no containers needs it not
            noted = file.read_text().splitlines() if file.exists() else []
            new = {str(path) for path in paths if not buckets.holds(path)} - {*noted}
            with file.open("a") as stream:
                stream.writelines(f"{path}\n" for path in sorted(new))

    def _register(self, store: Path) -> None:
        identity = self.id_of(store)
        assert identity is not None
        url = locations.url(store)
        Store.insert1({"store_id": identity}, skip_duplicates=True)
        if url not in {known for _, known in self._places[identity]}:
            self.use(identity, store)
        set_aside(identity, store)

    def use(self, identity: str, store: Path) -> None:
        """Record that this machine's place of a store is this one."""
        key = {"store_id": identity, "machine": machine()}
        place = Store.Place.full_table_name
        # not by DataJoint, which finds no name with a quote or backslash in it
        database.connection().query(
            f"DELETE FROM {place} WHERE store_id = %s AND machine = %s", tuple(key.values())
        )
        Store.Place.insert1(key | {"store_url": locations.url(store)})
        others = [place for place in self._places[identity] if place[0] != key["machine"]]
        self._places[identity] = [(key["machine"], locations.url(store)), *others]


def use(name: str) -> str:
    """Record that this machine's place of a store is the one named; return the store's id.

    Raises
    ------
    ValueError
        If there is no store that the database knows.
    """
    here, store = Here(), locations.local(name)
    identity = here.id_of(store)
    if identity is None or identity not in set(Store.to_arrays("store_id").tolist()):
        raise ValueError(f"{name} is no store that is known here: see `bossflow stores`")
    here.use(identity, store)
    return identity


def _same(path: Path, other: Path) -> bool:
    """Say whether two paths are one directory."""
    if buckets.holds(path) or buckets.holds(other):
        return False
    return os.path.samefile(path, other)


def set_aside(identity: str, store: Path) -> None:
    """Set aside what was invalidated while the store was away.

    To be called under the schema's lock.
    """
    rows = (Store.Retired() & {"store_id": identity}).to_dicts()
    if not rows:
        return
    directories = []
    for row in rows:
        directory = store / row["retired_path"]
        try:
            text = bundles.manifest_text(directory)
        except FileNotFoundError:
            continue
        if hashlib.sha256(text).hexdigest() == row["retired_sha256"]:
            directories.append(directory)
    retiring.retire(store, directories)
    (Store.Retired() & {"store_id": identity}).delete_quick()
