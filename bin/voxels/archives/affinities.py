"""The channels that a row asks for: of most workflows one, of affinities one for each axis."""

from __future__ import annotations

from typing import Any

from . import Refused, brief
from .intensity import GIVEN, of_intensity, of_source
from .made import is_made

SOURCES = ("source", "source_y", "source_x")
"""Parameters that name the volumes of affinities along z, y and x, where each has one."""


def every_channel(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row as it asks for each of its channels: the one that its cutout is of first.

    Raises
    ------
    Refused
        If affinities can't be what it asks for.
    """
    if "affinity_channels" not in row:
        return [of_source(row), *of_intensity(row)]
    every, where = of_affinities(row), row["where"]
    if row["channel"] is not None:
        raise Refused(
            f"channel {row['channel']} in {where} is one, and affinities are three: leave it out, "
            "and say which by affinity_channels, such as 0,1,2"
        )
    given = [name for name in SOURCES[1:] if row[name] is not None]
    if len(given) == 1:
        (other,) = {*SOURCES[1:]}.difference(given)
        raise Refused(
            f"{given[0]} in {where} is of one axis: give {other} too, or, where all three are "
            "channels of source, neither"
        )
    if not given and is_made(row["source"]):
        raise Refused(
            f"source {brief(row['source'])} in {where} is of one channel, as all that was made "
            "here, and affinities are three: give those along y and x as source_y and source_x"
        )
    if len({(one["source"], one["channel"]) for one in every}) < len(every):
        words = "source, source_y and source_x" if given else "affinity_channels"
        raise Refused(f"{words} in {where} name one twice: give those of z, y and x")
    return every


def of_affinities(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row that asks for each channel of its affinities: of edges along z, y and x.

    Of a volume that was made here size and place are known: what is given of these is of others.
    """
    of_each = [name for name in SOURCES if row[name] is not None]
    names = of_each if len(of_each) == len(SOURCES) else ["source"] * len(SOURCES)
    channels = row["affinity_channels"] or ([None] * 3 if names == of_each else [0, 1, 2])
    made = [is_made(row[name]) for name in names]
    every = []
    for name, channel, is_known in zip(names, channels, made, strict=True):
        called = {"source": name, "channel": "affinity_channels"}
        one = row | {"source": row[name], "channel": channel, "called": called}
        every.append(one | (dict.fromkeys(GIVEN) if is_known and not all(made) else {}))
    return every
