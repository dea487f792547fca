"""How requests about a cutout are told, whatever is made of it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from .. import database
from ..core import ledger, states, work
from ..core.tables import Request
from ..voxels.archives.made import is_made, named, uri_of
from .citations import citations
from .tables import RequestImage


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


class Known(NamedTuple):
    """What is known of the sources of requests.

    Attributes
    ----------
    called : dict
        What `by_name` gives for them.
    images : dict
        URIs of the images that results are to be looked at with, by request.
    cited : dict
        How channels are cited, by id.
    """

    called: dict[str, str]
    images: dict[str, str]
    cited: dict[str, list[dict[str, Any]]]


def of_cutout(request: work.Request, blocks: tuple[int, int], known: Known) -> dict[str, Any]:
    """Return channel, source, box, method, parameters and blocks of a request.

    Parameters
    ----------
    request : Request
        Given a `channel`, what is `chosen` of it, and a `cutout`.
    blocks : tuple of 2 int
        How many are recorded, and how many there are.
    known : Known
        What `sources` gave for the requests.

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
        "source_name": _shown(channel, known.called) if is_made(channel["uri"]) else None,
        "archive": channel["archive"],
        "resolution": channel["resolution"],
        "chosen": request.given["chosen"] or None,
        "box": request.given["cutout"],
        "image_source": known.images.get(request.request_id),
        "citations": known.cited.get(channel["channel_id"], []),
        "method": request.paramset.method,
        "parameters": request.paramset.parameters,
        "blocks_total": total,
        "blocks_recorded": recorded,
    }


def _shown(channel: dict[str, Any], called: Mapping[str, str]) -> str:
    level = f"@{channel['resolution']}" if channel["resolution"] else ""
    return f"{called.get(channel['uri'], channel['uri'])}{level}"


def sources(requests: Collection[work.Request]) -> Known:
    """Return what is known of the sources of requests."""
    by_id = {request.request_id: request.given["channel"]["uri"] for request in requests}
    images = ledger.among(RequestImage(), "request_id", by_id)
    return Known(
        by_name(by_id.values()),
        {row["request_id"]: row["image_uri"] for row in images},
        citations({request.given["channel"]["channel_id"] for request in requests}),
    )


def in_words(counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    """Return numbers of units by process as a user would say them: `1 pyramid, 64 blocks`."""
    return ", ".join(
        f"{counts.get(process, 0):,} {name}" + ("" if counts.get(process) == 1 else "s")
        for process, name in names.items()
    )
