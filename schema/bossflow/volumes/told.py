"""How requests about a cutout are told, whatever is made of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from .. import database
from ..core import states, work
from ..core.tables import Request
from ..voxels.archives.made import is_made, named, uri_of


def by_name(uris: Iterable[str]) -> dict[str, str]:
    """Return URIs of volumes that were made here, with the names of the requests that made them.

    But those without a name that no other request has: such can be asked for by it.
    """
    made = {uri: named(uri) for uri in uris if is_made(uri)}
    latest = {
        request: names[-1]
        for request, names in states.names({one.request for one in made.values()}).items()
    }
    query = f"SELECT request_name FROM {Request.Name.full_table_name} WHERE request_name IN %s"
    often: Counter[str] = Counter()
    for some in database.pieces(set(latest.values())):  # texts that DataJoint might quote wrongly
        rows = database.connection().query(query, (tuple(some),)).fetchall()
        often.update(name for (name,) in rows)
    return {
        uri: uri_of(latest[one.request], one.output)
        for uri, one in made.items()
        if often[latest.get(one.request, "")] == 1
        and not {"/", "@"}.intersection(latest[one.request])
    }


def of_cutout(
    request: work.Request, blocks: tuple[int, int], called: Mapping[str, str]
) -> dict[str, Any]:
    """Return channel, source, box, method, parameters and blocks of a request.

    Parameters
    ----------
    request : Request
        Given a `channel`, what is `chosen` of it, and a `cutout`.
    blocks : tuple of 2 int
        How many are recorded, and how many there are.
    called : mapping
        What `by_name` gave for the sources of requests.

    Returns
    -------
    dict
        JSON values by name; `source_name` is how users are shown a volume that was made here.
    """
    channel = request.given["channel"]
    recorded, total = blocks
    return {
        "channel": channel["channel_id"],
        "source": channel["uri"],
        "source_name": _shown(channel, called) if is_made(channel["uri"]) else None,
        "archive": channel["archive"],
        "resolution": channel["resolution"],
        "chosen": request.given["chosen"] or None,
        "box": request.given["cutout"],
        "method": request.paramset.method,
        "parameters": request.paramset.parameters,
        "blocks_total": total,
        "blocks_recorded": recorded,
    }


def _shown(channel: dict[str, Any], called: Mapping[str, str]) -> str:
    level = f"@{channel['resolution']}" if channel["resolution"] else ""
    return f"{called.get(channel['uri'], channel['uri'])}{level}"


def sources(requests: Iterable[work.Request]) -> dict[str, str]:
    """Return what `by_name` gives for the sources of requests."""
    return by_name(request.given["channel"]["uri"] for request in requests)


def in_words(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    """Return numbers of units by process as a user would say them: `1 pyramid, 64 blocks`."""
    return ", ".join(
        f"{counts.get(process, 0):,} {name}" + ("" if counts.get(process) == 1 else "s")
        for process, name in names.items()
    )
