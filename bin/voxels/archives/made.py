"""Volumes that bossflow made, named by the request that did: `bossflow://REQUEST/OUTPUT@LEVEL`.

What a database alone can tell of them, PLAN asks it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from . import Refused, brief

ARCHIVE = "bossflow"
"""What such volumes lie in, as part of a channel's identity; and the scheme of their URIs."""

_URI = re.compile(r"bossflow://([^/@]+)(?:/([^@]*[^/@]))?(?:@(\d{1,2}))?")


class Named(NamedTuple):
    """What a URI names.

    Attributes
    ----------
    request : str
        Start of a request's id, or its name.
    output : str
        Which of its volumes; empty where it says none.
    level : int, optional
        Which level of that.
    """

    request: str
    output: str
    level: int | None


def is_made(uri: str) -> bool:
    """Say whether a source is of this kind."""
    return uri.startswith(f"{ARCHIVE}://")


def named(uri: str) -> Named:
    """Return what a URI names.

    Raises
    ------
    Refused
        If it is malformed.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise Refused(
            f"source {brief(uri)} is malformed: write bossflow://REQUEST, or "
            "bossflow://REQUEST/OUTPUT, or bossflow://REQUEST/OUTPUT@LEVEL, where REQUEST "
            "is the start of a request's id, or its name if that has neither / nor @"
        )
    request, output, level = match.groups()
    return Named(request, output or "", None if level is None else int(level))


def spelled(uri: str, resolution: int) -> tuple[str, int]:
    """Return the one spelling of a URI, without its level, and the level that is meant.

    Raises
    ------
    Refused
        If it is malformed, or says another level than the resolution, which 0 leaves open.
    """
    request, output, level = named(uri)
    if level is not None and resolution not in (0, level):
        raise Refused(
            f"source {brief(uri)} says level {level}, and resolution {resolution}: give one of the "
            "two"
        )
    return uri_of(request, output), resolution if level is None else level


def uri_of(request: str, output: str = "") -> str:
    """Return the URI of a request's output."""
    return f"{ARCHIVE}://{request}{output and '/'}{output}"
