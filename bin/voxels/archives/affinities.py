"""The channels that a row asks for: of most workflows one, of affinities one for each axis."""

from __future__ import annotations

from typing import Any

from . import Refused, brief
from .intensity import of_intensity, of_source
from .made import is_made


def every_channel(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row as it asks for each of its channels: the one that its cutout is of first.

    Raises
    ------
    Refused
        If affinities can't be what it asks for.
    """
    if row.get("affinity_channels") is None:
        return [of_source(row), *of_intensity(row)]
    channels, source, where = row["affinity_channels"], row["source"], row["where"]
    if row["channel"] is not None:
        raise Refused(
            f"channel {row['channel']} in {where} is one, and affinities are three: leave it out, "
            f"and say which by affinity_channels {','.join(map(str, channels))}"
        )
    if len({*channels}) < len(channels):
        raise Refused(
            f"affinity_channels {','.join(map(str, channels))} in {where} name one twice: give "
            "those of z, y and x"
        )
    if is_made(source):
        raise Refused(
            f"source {brief(source)} in {where} is of one channel, as all that was made here, and "
            "affinities are three: give a volume with three channels"
        )
    return of_affinities(row)


def of_affinities(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row that asks for each channel of its affinities: of edges along z, y and x."""
    return [row | {"channel": index, "called": CALLED} for index in row["affinity_channels"]]


CALLED = {"channel": "affinity_channels"}
"""What parameters of a channel are called of affinities."""
