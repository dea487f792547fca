"""Blocks of a made volume that has grown: those with the voxels that an earlier one had there.

A larger cutout is another request, and its volume another channel. What a workflow made of a block
of the earlier one is taken from there, where all that it was read from is the same.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core import ledger, stores
from ..core.tables import Request, Run
from ..kit.locations import url
from ..voxels.boxes import Box
from .made import Made
from .tables import Channel, MadeBlock, MadeChannel

EARLIER = 3  # channels that are looked at, at most: the latest


def candidates(
    table: Any, made: Made, own: dict[str, Any], boxes: Iterable[Box]
) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Return of which bundles blocks may be taken, instead of making them, and what to say of it.

    Parameters
    ----------
    table : table class
        A stage table whose key is that of `Block` and what is `own`, with a part `Source`.
    made : Made
        What is read.
    own : dict
        What else is in the key.
    boxes : iterable of Box
        What is read of it for each block.

    Returns
    -------
    dict
        By block, of those that are not recorded, the setting `same` that `kit.taking` reads: the
        bundle's `url`, its `content_sha256`, and the digests that its sources `made`.
    tuple of str
        A note for the user; none where no earlier volume has such blocks.
    """
    identity = made.output.channel(made.request)["channel_id"]
    sources = {box.name: [one.name for one in made.blocks.meeting(box)] for box in boxes}
    keys = [own | {"channel_id": identity, "block": name} for name in sources]
    names = table().primary_key
    at = names.index("block")
    for key in ledger.recorded(table, keys):
        del sources[key[at]]
    if not sources:
        return {}, ()
    digests = _digests(MadeBlock() & {"channel_id": identity}, "block")
    wanted = {name: {block: digests[block] for block in some} for name, some in sources.items()}
    found: dict[str, dict[str, Any]] = {}
    others: set[str] = set()
    for channel in _earlier(made, identity):
        of_block = table.Source() * MadeBlock.proj("made_sha256", source_block="block")
        told: dict[str, dict[str, str]] = defaultdict(dict)
        for row in (of_block & own & {"channel_id": channel}).to_dicts():
            told[row["block"]][row["source_block"]] = row["made_sha256"]
        for name in told.keys() & wanted.keys() - found.keys():
            others.add(name)
            if told[name] == wanted[name]:
                found[name] = own | {"channel_id": channel, "block": name}
    here = stores.Here()
    recorded = ledger.recorded(table, found.values())
    bundles = {name: recorded[tuple(key[one] for one in names)] for name, key in found.items()}
    same = {
        name: {
            "url": url(Path(places[0])),
            "content_sha256": bundle.content_sha256,
            "made": [wanted[name][block] for block in sources[name]],
        }
        for name, bundle in bundles.items()
        if (places := here.candidates(bundle))
    }
    uri, other = made.output.channel(made.request)["uri"], len(others) - len(found)
    differ = f"; {other:,} have others, as where objects are numbered anew" if other else ""
    note = (
        f"of {len(sources):,} blocks of {uri} that are to be made, {len(same):,} have the voxels "
        f"of an earlier volume there, and are taken from what was made of that{differ}"
    )
    return same, (note,) if others else ()


def _digests(rows: Any, name: str) -> dict[str, str]:
    return {row[name]: row["made_sha256"] for row in rows.to_dicts()}


def _earlier(made: Made, identity: str) -> list[str]:
    """Return the channels that are the same output of requests with the same parameters."""
    asked = MadeChannel() * Request * Channel.proj("resolution")
    asked *= Run.proj("run_started", first_run_id="run_id")
    (own,) = (asked & {"channel_id": identity}).to_dicts()
    names = ("workflow", "paramset_id", "output_name", "resolution")
    same = asked & {name: own[name] for name in names}
    rows = same.to_dicts(order_by=("run_started DESC", "channel_id"), limit=EARLIER + 1)
    return [row["channel_id"] for row in rows if row["channel_id"] != identity][:EARLIER]
