"""What results that are wrong are: named by blocks, channels, requests, or lost from a store."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import datajoint as dj

from .. import database
from ..core import holdings, installed, ledger, registry, stores
from ..core.dependents import made_of, stages_of
from ..core.made_for import last_made_for
from ..core.removal import Copy, copy_of, unclaimed_of
from ..core.score_tables import Score
from ..core.tables import Execution, ParamSet, Request, Store
from ..kit import bundles, digests, locations
from ..volumes.channels import meets
from ..volumes.tables import Block, Channel, MadeChannel
from ..voxels.boxes import Box


def select(
    blocks: Iterable[str] = (), channel: str | None = None, request: str | None = None
) -> set[str]:
    """Return ids of the executions that made what is named.

    Parameters
    ----------
    blocks : iterable of str
        Boxes (`x0-x1_y0-y1_z0-z1`): every block that meets one, whatever grid it is of; of channels
        that were made here only where `channel` names one, or no other has any.
    channel : str, optional
        The channel's id, or the start of it, needed where several have such blocks; alone, all
        that is made of it.
    request : str, optional
        A request's id, or the start of it: its result, not the blocks that it was made of; where
        it has no row of its own, all that was made last, such as calls of a function.

    Raises
    ------
    ValueError
        If a box is none, or an id is not known, or blocks of several channels meet a box and none
        is named, or a workflow that can't be used here has made something of what is named.
    """
    chosen: set[str] = set()
    for met in _blocks(blocks, channel):
        chosen |= made_of(met)
    if request is not None:
        request = ledger.named(Request, request)
        for asked in (Request() & {"request_id": request}).to_arrays("workflow"):
            installed.opened(asked)
        for table in registry.stage_tables(installed.known_workflows()).values():
            if "request_id" in table().primary_key:
                results = table() & {"request_id": request}
                chosen |= set(results.to_arrays(ledger.execution_attribute(table)))
        chosen |= last_made_for(request)
    return chosen


def _blocks(blocks: Iterable[str], channel: str | None) -> list[Any]:
    """Return the rows of `Block` that are named: those that meet each box, or all of a channel.

    Where no channel is named, none that was made here is meant beside another.
    """
    only = {} if channel is None else {"channel_id": ledger.named(Channel, channel)}
    every, chosen = Block() & only, []
    for block in blocks:
        met = every & meets("block", Box.parse(block))
        channels = sorted(set(met.to_arrays("channel_id")))
        if len(channels) > 1:
            rows = ledger.among(MadeChannel(), "channel_id", channels)
            sources = sorted({*channels}.difference(row["channel_id"] for row in rows))
            channels = sources or channels
            met &= {"channel_id": channels[0]}
        if len(channels) > 1:
            raise ValueError(
                f"blocks of {len(channels)} channels meet {block}: name one with --channel "
                f"({', '.join(channels)})"
            )
        chosen.append(met)
    return chosen or ([every] if only else [])


def lost(executions: Iterable[str] | None, store: str | None) -> set[Copy]:
    """Return bundles that are not in their store any more, which is here: no other can lose any.

    Parameters
    ----------
    executions : iterable of str, optional
        Whose bundles are looked for; default: all.
    store : str, optional
        The id of the store that is looked at; default: all that are here.
    """
    here = stores.Here()
    rows = copies(executions, store)
    places = {
        (row["execution_id"], row["store_id"]): f"{path}/{row['copy_path']}"
        for row in rows
        if (path := here.path(row["store_id"])) is not None
    }
    gone, _ = ledger.lost(places.values())
    return {copy for copy, path in places.items() if path in gone}


def copies(executions: Iterable[str] | None, store: str | None) -> list[dict[str, str]]:
    """Return the rows of `Execution.Copy` of some executions, or all, in a store, or all."""
    if executions is None:
        rows: list[dict[str, str]]
        rows = (Execution.Copy() & ({"store_id": store} if store else {})).to_dicts()
        return rows
    return [row for row in holdings.copies(executions) if store in (None, row["store_id"])]


def kept(chosen: Iterable[Copy], forgotten: Iterable[str]) -> tuple[int, list[str]]:
    """Return of how many of these bundles the rows stay, and the stores that have others of them.

    Parameters
    ----------
    chosen : iterable of (str, str)
        Bundles that would be set aside.
    forgotten : iterable of str
        Executions that would be forgotten.
    """
    here, chosen = stores.Here(), set(chosen)
    names = {name for name, _ in chosen}.difference(forgotten)
    others = {row["store_id"] for row in holdings.copies(names) if copy_of(row) not in chosen}
    where = [here.where(store) + ", away" * (here.path(store) is None) for store in others]
    return len(names), sorted(where)


def strays(blocks: Iterable[str], channel: str | None) -> list[Path]:
    """Return blocks' bundles that a run left in a store and that are not recorded (yet).

    They would be taken over by the next run. Of what is made straight from blocks, the places are
    known, and are looked at in every store that is here; what is made of that, later, names what
    it was made of.
    """
    here = stores.Here()
    known = [path for name in Store.to_arrays("store_id") if (path := here.path(str(name)))]
    places = {database.default_store(), *known}
    left = []
    for met in _blocks(blocks, channel):
        recorded = {
            path
            for row in holdings.copies(made_of(met))
            if (store := here.path(row["store_id"])) is not None
            for path in [store / row["copy_path"]]
        }
        keys = met.proj().to_dicts()
        for store in places:
            candidates = [
                locations.place(store, table.process, digests.unit_id(table.process, key | own))
                for table in stages_of(Block)
                for own in _own_keys(table, met)
                for key in keys
            ]
            unknown = [path for path in candidates if path not in recorded]
            exist = locations.each(bundles.there, unknown, store)
            left += [path for path, is_there in zip(unknown, exist, strict=True) if is_there]
    return left


def _own_keys(table: Any, met: Any) -> list[dict[str, Any]]:
    """Return what a key of a first stage may have beside one of some blocks.

    Nothing, or parameter sets, or the requests that asked for something of the channel.
    """
    own = set(table().primary_key) - set(Block().primary_key)
    if not own:
        return [{}]
    if own == {"request_id"}:
        channels = [{"channel_id": name} for name in set(met.to_arrays("channel_id"))]
        above = set(table().ancestors()).intersection(Request().children())
        asked = [dj.FreeTable(database.connection(), name) for name in above]
        asked = [one for one in asked if "channel_id" in one.heading.names]
        return [row for one in asked for row in (one & channels).proj().to_dicts()]
    for parent, link in table().parents(foreign_key_info=True):
        if parent == ParamSet.full_table_name and set(link["attr_map"]) == own:
            (name,) = own
            return [{name: paramset} for paramset in ParamSet.to_arrays("paramset_id").tolist()]
    return []


def named(executions: Iterable[str], most: int = 10) -> list[str]:
    """Return which blocks of which channels these executions pulled or read, a line each."""
    blocks: set[tuple[str, str]] = set()
    for table in stages_of(Block):
        made_by = ledger.execution_attribute(table)
        rows = ledger.among(table.proj(made_by) * Channel.proj("uri"), made_by, executions)
        blocks |= {(row["uri"], row["block"]) for row in rows}
    lines = [f"{uri} {block}" for uri, block in sorted(blocks)[:most]]
    return lines + ([f"... and {len(blocks) - most} more blocks"] if len(blocks) > most else [])


def scores(executions: Iterable[str]) -> int:
    """Return how many scores go with executions, which made either side."""
    names = Score().primary_key
    rows = ledger.among(Score.Source(), "execution_id", executions)
    return len({tuple(row[name] for name in names) for row in rows})


def preview(executions: dict[str, str]) -> Counter[str]:
    """Return process to how many of its results would go, as the data flow."""
    processes = [Path(locations.local(url)).parents[1].name for url in executions.values()]
    stages = registry.stage_tables(installed.known_workflows())  # rows come in no order
    known = {name: number for number, name in enumerate(stages)}
    return Counter(sorted(processes, key=lambda name: (known.get(name, len(known)), name)))


def away(executions: Iterable[str]) -> Counter[str]:
    """Return the stores, in words, that have bundles of executions but are away, and how many."""
    here, names = stores.Here(), set(executions)
    rows = holdings.copies(names)
    told = Counter(
        here.where(row["store_id"]) for row in rows if here.path(row["store_id"]) is None
    )
    unclaimed = names - {row["execution_id"] for row in rows}
    for row in unclaimed_of(unclaimed - holdings.dropped(unclaimed)):
        if not here.candidates(row):
            told[here.where_is(row)] += 1
    return told


def forget_places(store: str) -> None:
    """Forget where a store is that is gone for good, so that another one may be there."""
    (Store.Place() & {"store_id": store}).delete_quick()
