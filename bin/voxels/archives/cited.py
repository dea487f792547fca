"""How data are to be cited: what an archive says of it, and what a user does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from . import Refused, Unreachable, brief

LONGEST = {"citation": 4000, "doi": 255, "licence": 1000}
"""Characters of each: of the text, the DOI (10.x/y, without an address), the licence."""

BY_ARCHIVE, BY_USER = "archive", "user"

_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.I | re.ASCII)


def doi_of(text: str) -> str | None:
    """Return the DOI that a text is, without the resolver's address; None if it is none."""
    found = _DOI.fullmatch(text.strip())
    return found[1] if found else None


def given(rows: Iterable[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return how a source is cited by who asks for it; None if nobody says.

    Parameters
    ----------
    rows : iterable of mapping
        All that ask for one channel: `citation`, `doi`, `licence`, each a text or None.

    Raises
    ------
    Refused
        If they say different things, or a DOI is none.
    """
    found: dict[str, str] = {}
    for row in rows:
        for name in LONGEST:
            text = row.get(name)
            if text is None:
                continue
            if name == "doi" and (text := doi_of(text)) is None:
                raise Refused(
                    f"doi {brief(row['doi'])} in {row['where']} is none: write 10.NNNN/… or its "
                    "address at https://doi.org"
                )
            if found.setdefault(name, text) != text:
                raise Refused(
                    f"{name} {brief(text)} in {row['where']} is not what another row says of "
                    f"{row['source']}: give one"
                )
    return found or None


def stated(uri: str, host: str, token: str) -> tuple[dict[str, str] | None, str | None]:
    """Return how an archive says that a channel is cited, and a sentence if it can't be had.

    BossDB's metadata are asked. OME-Zarr, precomputed volumes and N5 have no place for it.
    """
    if not uri.startswith("bossdb://"):
        return None, None
    from .bossdb import citations

    try:
        found = citations.stated(uri, host, token)
    except Refused:  # it has no such service
        return None, None
    except Unreachable as error:
        return None, f"how to cite {uri} is not recorded: {error}"
    if "doi" in found:
        doi = doi_of(found["doi"])
        found = {**found, "doi": doi} if doi else {k: v for k, v in found.items() if k != "doi"}
    long = [name for name, text in found.items() if len(text) > LONGEST[name]]
    kept = {name: text for name, text in found.items() if name not in long}
    note = f"{' and '.join(long)} that {uri} states is too long to be recorded"
    return kept or None, note if long else None
