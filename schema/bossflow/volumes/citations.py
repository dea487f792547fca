"""How channels are cited: recorded as the archive and the user say it, and told again."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ..core import ledger, work
from ..voxels.archives.cited import LONGEST
from .channels import Key, key_of
from .tables import Channel


def with_citations(request: work.Request, described: dict[str, Any]) -> work.Request:
    """Return a request that registers how the channel is cited that it reads.

    What was said last counts; where nothing is said now, what was said before stays.

    Parameters
    ----------
    request : Request
        Given a `channel`, and what is `chosen` of it.
    described : dict
        What DESCRIBE found.
    """
    channel = request.given["channel"]
    key: Key = (
        channel["uri"],
        channel["resolution"],
        tuple(sorted(request.given["chosen"].items())),
    )
    said: dict[str, dict[str, str]] = {}
    for given in described["channels"]:
        if key_of(given) == key:
            said |= given.get("citations", {})
    rows = [
        {"channel_id": channel["channel_id"], "stated_by": by}
        | {name: told.get(name) for name in LONGEST}
        for by, told in sorted(said.items())
    ]
    # each alone: a single row of a request may change
    return dataclasses.replace(
        request, rows=(*request.rows, *((Channel.Citation, [row]) for row in rows))
    )


def citations(channels: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return how channels are cited, by id: `stated_by`, `citation`, `doi`, `licence`."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    rows = ledger.among(Channel.Citation(), "channel_id", channels)
    for row in sorted(rows, key=lambda row: str(row["stated_by"])):
        found[row.pop("channel_id")].append(row)
    return found


def in_words(one: dict[str, Any]) -> str:
    """Return how something is cited, in one line, and who says so."""
    doi = f"https://doi.org/{one['doi']}" if one["doi"] else None
    licence = f"licence {one['licence']}" if one["licence"] else None
    words = "; ".join(filter(None, (one["citation"], doi, licence)))
    return f"{words} (as given by the {one['stated_by']})"
