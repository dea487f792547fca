"""What things are called in documents for others: URIs, percent-encoded."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode


@cache
def local(*parts: str) -> str:
    """Return the id of what only this document knows: `#unit/3f…`."""
    plain = (part if part.isascii() and part.isalnum() else quote(part, safe="") for part in parts)
    return "#" + "/".join(plain)


def bundle(url: str) -> str:
    """Return the URI of a bundle's directory.

    Parameters
    ----------
    url : str
        As `Execution.bundle_url` has it: of a file system, percent-encoded already.
    """
    return (url if url.startswith("file:") else quote(url, safe="/:@")) + "/"


def channel(one: Mapping[str, Any]) -> str:
    """Return the URI of a channel.

    Parameters
    ----------
    one : mapping
        As `look.lineage` tells of channels.
    """
    about = {"archive": one["archive"], "resolution": one["resolution"]} | (one["chosen"] or {})
    return f"{quote(one['uri'], safe='/:@')}#{urlencode(about)}"


def box(channel: str, name: str) -> str:
    """Return the URI of a box of a channel, by that of the channel."""
    return f"{channel}&box={name}"


def when(told: str, seconds: float = 0.0) -> str:
    """Return a time that is told without a zone (UTC), and so much later, as ISO 8601 has it."""
    if seconds:
        told = (datetime.fromisoformat(told) + timedelta(seconds=seconds)).isoformat()
    return f"{told}.000000"[:23] + "+00:00"


def ended(one: Mapping[str, Any]) -> str:
    """Return when a unit ended, as `look.lineage` tells of executions."""
    return when(one["executed"], one["seconds"])
