"""The channels that a row asks for: of most workflows one, of affinities one for each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import Refused, brief
from .intensity import GIVEN, of_intensity, of_source
from .made import is_made

SOURCES = ("source", "source_y", "source_x")
"""Parameters that name the volumes of affinities along z, y and x, where each has one."""

BESIDE = ("affinities", "affinities_y", "affinities_x")
"""The same where `source` is the segmentation whose regions they are between."""

MOST = {"uint8": 255, "uint16": 65535}
"""The largest affinity, by type."""

LEVELS = dict.fromkeys(SOURCES, "resolution") | dict.fromkeys(BESIDE, "affinities_resolution")
"""Which parameter says what level of each is read."""


def every_channel(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row as it asks for each of its channels: the one that its cutout is of first.

    Raises
    ------
    Refused
        If affinities can't be what it asks for.
    """
    if "affinity_channels" not in row:
        return [of_source(row), *of_intensity(row)]
    if BESIDE[0] in row:
        segmentation, *every = of_regions(row)
        _check(row, every, BESIDE)
        return [segmentation, *every]
    every, where = of_affinities(row), row["where"]
    if row["channel"] is not None:
        raise Refused(
            f"channel {row['channel']} in {where} is one, and affinities are three: leave it out, "
            "and say which by affinity_channels, such as 0,1,2"
        )
    _check(row, every, SOURCES)
    return every


def _check(row: dict[str, Any], every: list[dict[str, Any]], names: Sequence[str]) -> None:
    """Refuse affinities that are not one of each axis."""
    where, (first, *rest) = row["where"], names
    given = [name for name in rest if row[name] is not None]
    if len(given) == 1:
        (other,) = {*rest}.difference(given)
        raise Refused(
            f"{given[0]} in {where} is of one axis: give {other} too, or, where all three are "
            f"channels of {first}, neither"
        )
    if not given and is_made(row[first]):
        raise Refused(
            f"{first} {brief(row[first])} in {where} is of one channel, as all that was made "
            f"here, and affinities are three: give those along y and x as {' and '.join(rest)}"
        )
    if len({(one["source"], one["channel"]) for one in every}) < len(every):
        words = f"{first}, {' and '.join(rest)}" if given else "affinity_channels"
        raise Refused(f"{words} in {where} name one twice: give those of z, y and x")


def of_affinities(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row that asks for each channel of its affinities: of edges along z, y and x.

    Of a volume that was made here size and place are known: what is given of these is of others.
    """
    return _known(_of_each_axis(row, SOURCES))


def of_regions(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row that asks for its segmentation, and for each channel of affinities beside it.

    These are asked for at a resolution of their own. How they are cited is not said.
    """
    others = dict.fromkeys(("time", "citation", "doi", "licence"))
    edges = row | others | {"resolution": row["affinities_resolution"]}
    return _known([row, *_of_each_axis(edges, BESIDE, resolution="affinities_resolution")])


def _of_each_axis(row: dict[str, Any], names: Sequence[str], **called: str) -> list[dict[str, Any]]:
    of_each = [name for name in names if row[name] is not None]
    sources = of_each if len(of_each) == len(names) else [names[0]] * len(names)
    channels = row["affinity_channels"] or ([None] * 3 if sources == of_each else [0, 1, 2])
    return [
        row
        | {
            "source": row[name],
            "channel": channel,
            "called": {"source": name, "channel": "affinity_channels", **called},
        }
        for name, channel in zip(sources, channels, strict=True)
    ]


def _known(every: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what is given of sizes and places where a volume was made here, unlike others."""
    made = [is_made(one["source"]) for one in every]
    return [
        one | (dict.fromkeys(GIVEN) if known and not all(made) else {})
        for one, known in zip(every, made, strict=True)
    ]
