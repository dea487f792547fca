"""How BossDB says that a channel is cited: by keys of its metadata service."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from .. import Unreachable
from .addresses import names_of
from .client import asker
from .patience import METADATA_LIMITS

_KEYS = {
    "citation": ("citation", "cite", "reference"),
    "doi": ("doi",),
    "licence": ("licence", "license", "rights"),
}
"""What the keys are called, in any case; Boss has no names of its own for them."""

_LIMITS = METADATA_LIMITS._replace(attempts=2, silence=10, answer=10)


def stated(uri: str, host: str, token: str) -> dict[str, str]:
    """Return `citation`, `doi` and `licence`, as far as they are stated, of the nearest place.

    The channel's own count, then those of its experiment, then those of its collection.

    Raises
    ------
    Refused, Unreachable
    """
    names, found = names_of(uri), dict[str, str]()
    with requests.Session() as session:
        ask = asker(session, uri, host, token, _LIMITS)
        for length in (3, 2, 1):
            place = "meta/" + "/".join(names[:length])
            listed = ask(place).get("keys")
            if not isinstance(listed, list):
                raise Unreachable(f"the answer of {host} for {place} is not what BossDB gives")
            for name, keys in _KEYS.items():
                key = next((one for one in listed if str(one).lower() in keys), None)
                if name not in found and key is not None:
                    value = _text(ask(f"{place}?key={quote(str(key), safe='')}").get("value"))
                    found |= {name: value} if value else {}
            if len(found) == len(_KEYS):
                break
    return found


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
