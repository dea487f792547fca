"""Blocks of a made volume that has grown: those with the voxels that an earlier one had there.

A larger cutout is another request, and its volume another channel. What a workflow made of a block
of the earlier one is taken from there, where all that it was read from is the same.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from ..core import ledger, registry, stores, work
from ..core.tables import Request, Run
from ..kit import buckets
from ..kit.locations import url
from ..voxels.boxes import Box
from .channels import extent
from .made import Made, Volumes
from .tables import Block, Channel, MadeBlock, MadeChannel, of_requests

EARLIER = 3  # channels that are looked at, at most: the latest


Around = dict[str, tuple[dict[str, Any], Box]]
"""By block, what else is in the key of what is made of it, and the box that this is read from."""


class _Growing(NamedTuple):
    """A request that reads a made volume, and has blocks that are not recorded.

    `like` are columns that what was made for others of the same kind has too.
    """

    request: work.Request
    made: Made
    like: dict[str, Any]
    left: list[str]
    around: Around

    @property
    def channel(self) -> str:
        return str(self.request.given["channel"]["channel_id"])


def with_earlier(
    table: Any,
    requests: list[work.Request],
    own: Callable[[work.Request], dict[str, Any]] | None = None,
    around: Callable[[work.Request], Around] | None = None,
) -> list[work.Request]:
    """Tell requests of which bundles their blocks may be taken, instead of making them.

    Those that read a volume that was made here get the setting `same`: by block, of those that are
    not recorded and that an earlier volume has with the same voxels, what `kit.taking` reads (the
    bundle's `url`, its `content_sha256`, and the digests that its sources `made`). And a note for
    the user, where an earlier volume has such blocks. All of them take as many queries as one.

    Parameters
    ----------
    table : table class
        A stage table with a part `Source`, whose key is that of `Block` and what is `own`.
    requests : list of Request
        Given as `reading.given_of` says, with the setting `made`; with rows of `Block`.
    own : callable, optional
        What else is in the key of a request's blocks: parameters, whoever asks. Absent: the
        request; then blocks of others with the same parameters are of the same kind.
    around : callable, optional
        What is made of blocks with others around them. Absent: it is read from the block alone.
    """
    making = [one for one in requests if one.settings["made"]]
    earlier = _earlier(making) if making else {}
    growing = _growing(table, [one for one in making if earlier[one.request_id]], own, around)
    if not growing:
        return requests
    channels = {name for some in earlier.values() for name in some}
    read = _read_from(table, channels, own is None)
    digests = _digests(channels | {one.channel for one in growing})
    same = [_same(one, read, earlier[one.request.request_id], digests) for one in growing]
    values = ledger.values_of(table().primary_key)
    every = [key for found, _ in same for key, _ in found.values()]
    bundles, here = ledger.recorded(table, every), stores.Here()
    replaced = {}
    for one, (found, others) in zip(growing, same, strict=True):
        taken = {
            block: {
                "url": url(Path(place)),
                "content_sha256": bundles[values(key)].content_sha256,
                "made": made,
            }
            for block, (key, made) in found.items()
            for place in _on_disk(here.candidates(bundles[values(key)]))[:1]
        }
        differ = len(others) - len(found)
        notes = one.request.notes
        if taken or differ:
            notes += (_told(one, len(taken), differ),)
        settings = one.request.settings | {"same": taken}
        identity = one.request.request_id
        replaced[identity] = dataclasses.replace(one.request, settings=settings, notes=notes)
    return [replaced.get(one.request_id, one) for one in requests]


def _growing(
    table: Any,
    requests: list[work.Request],
    own: Callable[[work.Request], dict[str, Any]] | None,
    around: Callable[[work.Request], Around] | None,
) -> list[_Growing]:
    """Return those of the requests that have blocks that are not recorded."""
    values = ledger.values_of(table().primary_key)
    each: list[Around] = [around(one) if around else {} for one in requests]
    keys = [
        [
            (own(one) if own else {"request_id": one.request_id})
            | {name: row[name] for name in ("channel_id", "block")}
            | (near[row["block"]][0] if near else {})
            for kind, rows in one.rows
            for row in rows
            if kind is Block and row["channel_id"] == one.given["channel"]["channel_id"]
        ]
        for one, near in zip(requests, each, strict=True)
    ]
    recorded = ledger.recorded(table, [key for some in keys for key in some])
    growing = []
    for one, some, near in zip(requests, keys, each, strict=True):
        if left := [key["block"] for key in some if values(key) not in recorded]:
            like = own(one) if own else {"paramset_id": one.paramset.paramset_id}
            growing.append(_Growing(one, one.settings["made"], like, left, near))
    return growing


def _on_disk(places: list[str]) -> list[str]:
    """Leave out what is in a bucket: to fetch it takes no less than to make it."""
    return [place for place in places if not buckets.holds(place)]


def _told(one: _Growing, taken: int, differ: int) -> str:
    differing = f"; {differ:,} have others, as where objects are numbered anew" if differ else ""
    uri = one.request.given["channel"]["uri"]
    return (
        f"of {len(one.left):,} blocks of {uri} that are to be made, {taken:,} have the voxels of "
        f"an earlier volume there: what was made of that is taken, where its files fit{differing}"
    )


Read = dict[tuple[str, tuple[Any, ...]], dict[str, list[tuple[dict[str, Any], set[str]]]]]
"""By channel and kind, and block: keys of what was made, and the blocks that it was read from."""


def _read_from(table: Any, channels: Iterable[str], by_request: bool) -> Read:
    """Return what was made of channels, and from which blocks."""
    rows = table.Source() * Request.proj("paramset_id") if by_request else table.Source()
    names = table().primary_key
    kind = ["paramset_id"] if by_request else sorted({*names} - {"channel_id", "block"})
    sources: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    of: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in ledger.among(rows, "channel_id", channels):
        if row.get("source_channel_id", row["channel_id"]) != row["channel_id"]:
            continue  # of an image, which is the same one by the parameters
        key = tuple(row[name] for name in names)
        sources[key].add(row["source_block"])
        of[key] = row
    found: Read = defaultdict(lambda: defaultdict(list))
    for key, row in of.items():
        group = found[row["channel_id"], tuple(row[name] for name in kind)]
        group[row["block"]].append((dict(zip(names, key, strict=True)), sources[key]))
    return found


def _digests(channels: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return by channel and block the digest of what was made there."""
    digests: dict[str, dict[str, str]] = defaultdict(dict)
    for row in ledger.among(MadeBlock.proj("made_sha256"), "channel_id", channels):
        digests[row["channel_id"]][row["block"]] = row["made_sha256"]
    return digests


def _same(
    one: _Growing, read: Read, earlier: Iterable[str], digests: dict[str, dict[str, str]]
) -> tuple[dict[str, tuple[dict[str, Any], list[str]]], set[str]]:
    """Return, by block, the key of what was made of the same, and the digests of its sources.

    And the blocks that an earlier volume has at all.
    """
    found: dict[str, tuple[dict[str, Any], list[str]]] = {}
    others: set[str] = set()
    for block in one.left:
        more, box = one.around.get(block, ({}, Box.parse(block)))
        like = one.like | more
        kind = tuple(like[name] for name in sorted(like))
        sources = [other.name for other in one.made.blocks.meeting(box)]
        wanted = {name: digests[one.channel][name] for name in sources}
        for channel in earlier:
            for key, of in read[channel, kind].get(block, ()):
                others.add(block)
                if {name: digests[channel].get(name) for name in of} == wanted:
                    found.setdefault(block, (key, [wanted[name] for name in sources]))
    return found, others


def _earlier(requests: list[work.Request]) -> dict[str, list[str]]:
    """Return by request the latest channels alike its source that meet its cutout."""
    read = {one.request_id: str(one.given["channel"]["channel_id"]) for one in requests}
    others = _alike({*read.values()})
    found = {}
    for one in requests:
        own, cutout = read[one.request_id], Box.parse(one.given["cutout"])
        meeting = (name for name, box in others[own] if box.meets(cutout))
        found[one.request_id] = [name for name in meeting if name != own][:EARLIER]
    return found


def alike(channels: Iterable[str]) -> dict[str, list[str]]:
    """Return by made channel those that are, at whatever extent, what it is; it is one of them."""
    return {of: [name for name, _ in some] for of, some in _alike(channels).items()}


def _alike(channels: Iterable[str]) -> dict[str, list[tuple[str, Box]]]:
    """Return by channel those that are the same output of others, the latest first, and itself.

    Of requests with the same parameters, for the same channel; or, where volumes are rewritten
    (`Volumes.rewrites`), whatever their parameters, for what those were rewritten from.
    """
    asked = MadeChannel() * Request * Channel
    asked *= Run.proj("run_started", first_run_id="run_id")
    mine = {row["channel_id"]: row for row in ledger.among(asked, "channel_id", channels)}
    rows = ledger.among(asked, "paramset_id", {row["paramset_id"] for row in mine.values()})
    roots = _roots(asked, [*mine.values()])
    rows += ledger.among(asked, "channel_id", roots.keys() - {row["channel_id"] for row in rows})
    rows.sort(key=lambda row: (row["run_started"], row["channel_id"]), reverse=True)
    made_of = _sources({row["request_id"] for row in rows})

    def kind(row: dict[str, Any]) -> tuple[Any, ...]:
        own = row["workflow"], row["output_name"], row["resolution"]
        if root := roots.get(row["channel_id"]):
            return (*own, root)
        return (*own, row["paramset_id"], made_of.get(row["request_id"]))

    found: dict[tuple[Any, ...], list[tuple[str, Box]]] = defaultdict(list)
    for row in rows:
        found[kind(row)].append((row["channel_id"], extent(row)))
    return {name: found[kind(row)] for name, row in mine.items()}


def _roots(asked: Any, rows: list[dict[str, Any]]) -> dict[str, str]:
    """Return what volumes were rewritten from, in one or several steps: theirs and all others'."""
    sources: dict[str, str] = {}
    front = _rewritten(rows)
    while front:
        of = _sources(front.values())
        sources |= {name: of[request] for name, request in front.items()}
        front = _rewritten(ledger.among(asked, "channel_id", {*of.values()} - sources.keys()))
    reached = {name: name for name in {*sources.values()} - sources.keys()}
    roots: dict[str, str] = {}
    while reached:
        requests = {
            row["request_id"]: reached[row["channel_id"]]
            for table in of_requests()
            for row in ledger.among(table.proj("channel_id"), "channel_id", reached)
        }
        further = _rewritten(ledger.among(asked, "request_id", requests))
        reached = {name: requests[request] for name, request in further.items()}
        roots |= reached
    return roots


def _rewritten(rows: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return which of made channels are rewritten ones, with their requests."""
    every = list(rows)
    workflows = {name for name in {row["workflow"] for row in every} if _rewrites(name)}
    return {row["channel_id"]: row["request_id"] for row in every if row["workflow"] in workflows}


def _rewrites(workflow: str) -> bool:
    try:
        makes = registry.load(workflow).makes
    except registry.NotInstalled:
        return False
    return isinstance(makes, Volumes) and makes.rewrites


def _sources(requests: Iterable[str]) -> dict[str, str]:
    """Return the channels that requests are for, by id."""
    return {
        row["request_id"]: row["channel_id"]
        for table in of_requests()
        for row in ledger.among(table.proj("channel_id"), "request_id", requests)
    }
