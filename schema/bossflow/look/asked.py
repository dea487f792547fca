"""What somebody asks the lineage of: which rows of stage tables it is."""

import contextlib
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from .. import database
from ..core import holdings, ledger, stores
from ..core.cascade import Rows
from ..core.made_for import last_made_for
from ..core.tables import Execution, Request, Store
from ..kit import bundles, locations
from ..volumes.tables import Block, Channel, MadeChannel
from ..voxels.archives import Refused
from ..voxels.archives.made import Named, is_made, named
from ..voxels.boxes import Box
from . import listed
from .traced import Trace

_UNIT = re.compile("[0-9a-f]{32}")
_VOXEL = re.compile(r"(-?\d{1,18}),(-?\d{1,18}),(-?\d{1,18})", re.ASCII)
WAYS = (
    "a request (id, start of it, or name), REQUEST#COMPONENT, REQUEST@x,y,z, "
    "REQUEST@x0-x1_y0-y1_z0-z1, the same of a channel (its URI or id: `bossflow channels`), an "
    "execution's id, or a file in a store"
)
"""What can be asked for."""


class Asked(NamedTuple):
    """What is asked about.

    Attributes
    ----------
    kind : str
        `request`, `component`, `box`, `execution` or `file`.
    about : dict
        What is known of it; JSON values.
    rows : dict
        The rows of stage tables that it is, or that were made straight from it.
    within : dict, optional
        By the id of a channel, boxes there to which it is confined.
    """

    kind: str
    about: dict[str, Any]
    rows: Rows
    within: dict[str, list[Box]] | None = None


def asked_for(what: str, trace: Trace) -> Asked:
    """Return what a text names.

    Raises
    ------
    ValueError
        If it names nothing, or several things, or what is not recorded.
    """
    if not what.strip() or not what.isprintable():
        raise ValueError(f"{what!r} names nothing: give {WAYS}")
    if _called(what):
        return _request(what, trace)
    head, sign, tail = what.rpartition("#")
    if sign and head and re.fullmatch("[0-9]{1,18}", tail):
        return _component(head, int(tail), trace)
    head, sign, tail = what.rpartition("@")
    if sign and head and (box := _box(tail)):
        return _part(head, box, trace)
    if is_made(what):
        return _request(_named(what).request, trace)
    if "://" in what and not what.lower().startswith(("file:", "s3:", "gs:")):
        raise ValueError(f"{what} is no file: of a channel, name a voxel or box: {what}@x,y,z")
    if "/" in what or (os.path.lexists(what) and not re.fullmatch("[0-9a-f]+", what)):
        return _file(what, trace)
    if _UNIT.fullmatch(what):
        return _execution(what, trace)
    if "#" in what or "@" in what:
        raise ValueError(f"{what!r} names nothing: give {WAYS}")
    return _request(what, trace)


def _called(name: str) -> bool:
    query = f"SELECT 1 FROM {Request.Name.full_table_name} WHERE request_name = %s LIMIT 1"
    return bool(database.connection().query(query, (name,)).fetchone())


def _box(text: str) -> Box | None:
    """Return the box that a text names, as a voxel or a box, if it does."""
    if found := _VOXEL.fullmatch(text):
        x, y, z = map(int, found.groups())
        return Box(x, x + 1, y, y + 1, z, z + 1)
    return Box.parse(text) if re.fullmatch(r"[-\d_]+", text, re.ASCII) else None


def _filled(rows: Rows) -> Rows:
    return {table: keys for table, keys in rows.items() if keys}


def _request(name: str, trace: Trace) -> Asked:
    identity = ledger.named(Request, name)
    return Asked("request", {"request": identity}, _of_request(identity, trace))


def _of_request(identity: str, trace: Trace) -> Rows:
    rows = _filled(trace.of_request(identity))
    rows = rows or _filled(trace.of_executions(last_made_for(identity)))
    if not rows:
        raise ValueError(
            f"nothing is recorded of request {identity} yet: see `bossflow status --request "
            f"{identity}`"
        )
    return rows


def _within(rows: Rows, box: Box, trace: Trace) -> tuple[Rows, dict[str, list[Box]]]:
    """Return those of the rows that are of blocks which meet a box, and their channels."""
    chosen: Rows = {}
    within: dict[str, list[Box]] = {}
    for table, keys in rows.items():
        for key in keys:
            place = trace.place((table, key))
            if place and Box.parse(place[1]).meets(box):
                chosen.setdefault(table, set()).add(key)
                within[place[0]] = [box]
    return chosen, within


def _component(name: str, number: int, trace: Trace) -> Asked:
    identity = ledger.named(Request, name)
    rows = _of_request(identity, trace)
    by_block = any(trace.place((table, key)) for table, keys in rows.items() for key in keys)
    for table in rows if by_block else ():
        for part, start in listed.with_boxes(trace.stages[table]).items():
            about = listed.row(trace.stages[table], part, identity, number)
            box = listed.box_of(about, start)
            chosen, within = _within(rows, box, trace)
            if not chosen:
                raise ValueError(
                    f"the blocks of component {number} of request {identity} are not recorded "
                    f"yet: see `bossflow status --request {identity}`"
                )
            return Asked("component", {"request": identity} | about, chosen, within)
    raise ValueError(f"request {identity} has no components: they are of segmentations")


def _part(name: str, box: Box, trace: Trace) -> Asked:
    """Return what a request made in a box, or what is in a box of a channel."""
    channel = _channel(name)
    if channel is not None:
        blocks = (Block() & {"channel_id": channel} & _meeting(box)).proj().to_dicts()
        rows = _filled(trace.of_blocks((row["channel_id"], row["block"]) for row in blocks))
        if not rows:
            raise ValueError(f"nothing that is recorded was made of {box.name} of {name}")
        return Asked("box", {"channel": channel, "box": box.name}, rows, {channel: [box]})
    identity = ledger.named(Request, name)
    chosen, within = _within(_of_request(identity, trace), box, trace)
    if not chosen:
        raise ValueError(
            f"request {identity} has no recorded block in {box.name}: coordinates are voxels of "
            f"the channel that was asked for; `bossflow status --request {identity}` shows its box"
        )
    return Asked("box", {"request": identity, "box": box.name}, chosen, within)


def _meeting(box: Box) -> str:
    """Return the condition that a row of `Block` meets a box."""
    axes = zip("xyz", box[::2], box[1::2], strict=True)
    return " AND ".join(
        f"block_{axis}0 < {high} AND block_{axis}1 > {low}" for axis, low, high in axes
    )


def _channel(name: str) -> str | None:
    """Return the id of the channel that a URI or an id names; None if neither is meant."""
    if is_made(name):
        made = _named(name)
        key = {"request_id": ledger.named(Request, made.request), "resolution": made.level or 0}
        output = {"output_name": made.output} if made.output else {}
        rows = (Channel() * MadeChannel() & key & output).to_dicts()
        found = [(row["channel_id"], f"volume {row['output_name']}") for row in rows]
    else:
        condition = "uri = %s" if "://" in name else "channel_id = %s"
        query = f"SELECT channel_id, archive, resolution FROM {Channel.full_table_name} WHERE "
        rows = database.connection().query(query + condition, (name,)).fetchall()
        found = [(row[0], f"of {row[1]}, resolution {row[2]}") for row in rows]
    if len(found) > 1:
        some = "; ".join(f"{identity} ({about})" for identity, about in sorted(found))
        raise ValueError(f"{name} names several channels: give the id of one instead: {some}")
    if not found and "://" in name:
        raise ValueError(f"no channel is known as {name}: see `bossflow channels`")
    return str(found[0][0]) if found else None


def _named(uri: str) -> Named:
    try:
        return named(uri)
    except Refused as error:
        raise ValueError(str(error)) from None


def _execution(name: str, trace: Trace) -> Asked:
    rows = _filled(trace.of_executions([name]))
    if not rows:
        raise ValueError(
            f"no execution has the id {name}: `bossflow lineage REQUEST --json` lists some"
        )
    return Asked("execution", {"execution": name}, rows, _of_blocks(rows, trace))


def _of_blocks(rows: Rows, trace: Trace) -> dict[str, list[Box]] | None:
    """Return the boxes of rows, if each is of a block."""
    within: dict[str, list[Box]] = {}
    for table, keys in rows.items():
        for key in keys:
            place = trace.place((table, key))
            if place is None:
                return None
            within.setdefault(place[0], []).append(Box.parse(place[1]))
    return within


def _file(what: str, trace: Trace) -> Asked:
    path = locations.local(what)
    if not str(what).startswith(("s3:", "gs:")):
        path = Path(os.path.realpath(path))
    above = [path, *path.parents]
    bundle = next((one for one in above if _is_place(one)), None)
    if bundle is None:
        raise ValueError(f"{what} is in no bundle of a store: give {WAYS}")
    store = bundle.parents[2]
    place = bundle.relative_to(store).as_posix()
    identity = stores.Here().id_of(store)
    if identity is None or not (Store() & {"store_id": identity}):
        raise ValueError(f"{what} is in no store that is known here: see `bossflow stores`")
    copies = Execution.Copy() & {"store_id": identity, "copy_path": place}
    names = copies.to_arrays("execution_id").tolist()
    if not names:
        raise ValueError(f"{what} is in a bundle that is not recorded: {locations.shown(bundle)}")
    about = {"file": locations.url(path), "bundle": locations.url(bundle)}
    rows = _filled(trace.of_executions(names))
    if path != bundle and not path.is_dir() and path.name != locations.MANIFEST:
        rows = _filled(trace.of_executions([_writer(path, store, names[0], rows, trace)]))
    return Asked("file", about, rows, _of_blocks(rows, trace))


def _is_place(path: Path) -> bool:
    """Tell whether bundles have such a path in a store."""
    return bool(_UNIT.fullmatch(path.name)) and path.parent.name == path.name[:2]


def _writer(path: Path, store: Path, first: str, rows: Rows, trace: Trace) -> str:
    """Return the execution whose bundle lists a file: units may write into an input's bundle."""
    inside = path.relative_to(store).as_posix()
    requests = {
        trace.key((table, key)).get("request_id") for table, keys in rows.items() for key in keys
    }
    names = [first]
    for identity in filter(None, requests):
        of_request = trace.of_request(identity)
        names += trace.executions(
            (t, key) for t, keys in of_request.items() for key in keys
        ).values()
    places = {row["execution_id"]: row for row in holdings.copies(names)}
    for name in dict.fromkeys(names):
        if name in places:
            with contextlib.suppress(OSError, ValueError):
                bundle = bundles.read(store / places[name]["copy_path"])
                if inside in map(bundle.actual, (one["path"] for one in bundle.manifest["files"])):
                    return name
    raise ValueError(f"{locations.shown(path)} is a file that no recorded bundle there lists")
