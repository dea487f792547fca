"""BossDB: a channel's metadata, and boxes of voxels read through intern, or from their bucket."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import requests

from ...boxes import Box
from .. import NOTHING, Contents, Refused, Unreachable, brief, offsets, spelled
from ..naming import OfParameter
from . import cutouts, frames, patience
from .addresses import malformed_host, names_of
from .answers import over_limit, spent
from .client import asker, channel_of, opened


def canonical(uri: str, directory: str) -> str:
    """Return a channel's URI: it has one spelling only, and no paths."""
    names_of(uri)
    return uri


def archive_name(uri: str, host: str) -> str:
    """Return host, port and path of the archive, as requests goes there, in one spelling."""
    try:
        name = spelled(str(requests.Request("GET", host).prepare().url))
    except ValueError:
        name = ""
    if not name:
        raise malformed_host(host)
    return name


def address(uri: str, host: str) -> str:
    """Return the address of the archive."""
    return host


def describe(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    patient: bool = False,
    chosen: Mapping[str, int] = NOTHING,
    size_nm_zyx: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return a channel's metadata at one resolution.

    A channel that BossDB itself keeps as a volume in a public bucket is read there, if the bucket's
    metadata agree with BossDB's: faster, and also what BossDB does not serve of it.

    Parameters
    ----------
    uri : str
        bossdb://collection/experiment/channel
    resolution : int
        Level of the hierarchy; 0 is the finest.
    host : str
        Address of the archive, such as https://api.bossdb.io.
    token : str
        What the archive knows the user by.
    patient : bool
        Ask as often as for voxels: nobody waits.
    chosen : mapping
        Refused, as the URI names a channel, and what is read has one time; but for `time` 0, and
        an offset that is BossDB's own.
    size_nm_zyx
        Not used: BossDB always states a voxel size.

    Returns
    -------
    dict
        `kind` ("image" or "annotation"), `dtype`, `shape_zyx` and `offset_zyx` (voxels of this
        resolution), `voxel_size_nm_zyx`, `chunk_zyx` (BossDB's cuboid, or a bucket's chunk),
        `middle_zyx` of another level than the finest.

    Raises
    ------
    Refused
        If the URI or host is malformed, the token is refused, there is no such channel or
        resolution, its metadata make no sense, or BossDB does not serve its voxels.
    Unreachable
        If the archive gives no usable answer.
    """
    if "channel" in chosen:
        raise OfParameter(f"{uri} names its channel: leave out the parameter ", "channel")
    if chosen.get("time"):
        why = f"time {chosen['time']} of {uri} can't be read: leave out the parameter "
        raise OfParameter(why, "time")
    limits = patience.VOXEL_LIMITS if patient else patience.METADATA_LIMITS
    collection, experiment, channel = names_of(uri)
    with requests.Session() as session:
        ask = asker(session, uri, host, token, limits)
        held = channel_of(ask, uri)
        project = ask(f"collection/{collection}/experiment/{experiment}")
        frame_name = project.get("coord_frame")
        if not (isinstance(frame_name, str) and re.fullmatch(r"[^/\\\s]{1,255}", frame_name)):
            raise frames.senseless(uri, host, f"coord_frame {brief(frame_name)}")
        frame = ask(f"coord/{quote(frame_name, safe='', errors='replace')}")
        told = frames.Told(held, project, frame, {})
        if resolution > 0 and frames.tells_extents(told):
            with suppress(Refused):  # not every server has the service
                levels = ask(f"downsample/{collection}/{experiment}/{channel}")
                told = told._replace(levels=levels)
    metadata = frames.metadata(told, uri, resolution, host)
    offsets.refuse_other(offsets.given_zyx(chosen), metadata["offset_zyx"], uri)
    place = frames.bucket(held)
    unlike: Refused | Unreachable | None = None
    if place:
        try:
            in_bucket = metadata | {"chunk_zyx": _chunk_in(place, resolution, metadata)}
            _places[uri, resolution, host, token] = place
            return in_bucket
        except (Refused, Unreachable) as error:
            unlike = error
    why = frames.why_not(told, uri, resolution, metadata["dtype"])
    if why and unlike:
        raise type(unlike)(f"{why}. But {unlike}")
    if why:
        raise Refused(why)
    _places[uri, resolution, host, token] = ""
    return metadata


def _chunk_in(place: str, resolution: int, metadata: dict[str, Any]) -> Any:
    """Return the chunks' shape of a volume in a bucket, if it agrees with a channel's metadata."""
    from .. import volumes  # only such channels need its package

    if place in _away:
        raise _away[place]
    try:
        volume = volumes.describe(volumes.canonical(place, ""), resolution, "", "")
    except Unreachable as error:
        raise _away.setdefault(place, error) from None
    for name in ("dtype", "shape_zyx", "offset_zyx"):
        if volume[name] != metadata[name]:
            raise Refused(
                f"{place} does not agree: its {name} is {volume[name]}, BossDB's {metadata[name]}"
            )
    return volume["chunk_zyx"]


def contents(uri: str, host: str, token: str) -> Contents:
    """Return which resolutions a channel has."""
    limits, (collection, experiment, _) = patience.METADATA_LIMITS, names_of(uri)
    with requests.Session() as session:
        ask = asker(session, uri, host, token, limits)
        held = channel_of(ask, uri)
        project = ask(f"collection/{collection}/experiment/{experiment}")
    first, last = frames.first_and_last(frames.Told(held, project, {}, {}), uri, host)
    place = frames.bucket(held)
    return Contents(f"BossDB, kept as {place}" if place else "BossDB", range(first, last + 1), {})


def cost(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    box: Box,
    chosen: Mapping[str, int] = NOTHING,
) -> tuple[int, int]:
    """Return what it takes to read a box: requests, and bytes at most, as decoded."""
    if place := _place(uri, resolution, host, token):
        from .. import volumes

        return volumes.cost(place, resolution, "", "", box)
    _, channel, _ = opened(uri, host, token, patience.METADATA_LIMITS)
    itemsize = np.dtype(channel.datatype).itemsize
    return len(cutouts.requests_of(box, itemsize)), box.voxel_count * itemsize


def files(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    boxes: Sequence[Box],
    chosen: Mapping[str, int] = NOTHING,
) -> None:
    """Say that BossDB has no files that could be looked at."""


def unwritten(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    boxes: Sequence[Box],
    told: Any,
    chosen: Mapping[str, int] = NOTHING,
) -> str | None:
    """Say of a channel in a bucket what `volumes` does; BossDB tells nothing of what is missing."""
    place = _place(uri, resolution, host, token)
    if not place:
        return None
    from .. import volumes

    return volumes.unwritten(place, resolution, "", "", boxes, None)


def read(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    dtype: str,
    box: Box,
    verify: bool = False,
    chosen: Mapping[str, int] = NOTHING,
) -> npt.NDArray[Any]:
    """Read a box through intern, several requests at once, cut where BossDB's cuboids end.

    A channel whose voxels are in a bucket is read there, by tensorstore.

    Takes the memory of the box and, for each request in flight, of its answer, compressed and not
    (16 MiB of voxels, or one cuboid of 512 x 512 x 16 if that is more).

    Parameters
    ----------
    uri, resolution, host, token
        As for `describe`.
    dtype : str
        What the channel holds; anything else is an error.
    chosen
        Not used: nothing can be chosen.
    box : Box
        What to read, in voxels of this resolution.
    verify : bool
        Ask BossDB for everything twice and compare: blosc has no checksum.

    Returns
    -------
    ndarray
        The voxels, ZYX, C order.

    Raises
    ------
    Refused
        If the archive refuses the token or a request, or the channel holds another dtype.
    Unreachable
        If the archive gives no usable answer, or no two that are the same.
    """
    remote, channel, may_be_elsewhere = opened(uri, host, token, patience.VOXEL_LIMITS)
    if channel.datatype != dtype:
        held = brief(channel.datatype).strip("'")
        raise Refused(f"{uri} at {host} holds {held}, where {dtype} was expected")
    place = may_be_elsewhere and _place(uri, resolution, host, token)
    if place:
        from .. import volumes

        return volumes.read(place, resolution, "", "", dtype, box)
    if (host, f"Token {token}") in spent:
        raise over_limit(f"box {box.name} of {uri} at resolution {resolution}", host)
    return cutouts.read(remote, channel, uri, resolution, host, box, verify)


def _place(uri: str, resolution: int, host: str, token: str) -> str:
    """Return the volume in a bucket that holds the voxels, if any does; asked once a task."""
    channel = uri, resolution, host, token
    if channel not in _places:
        describe(*channel, patient=True)
    return _places[channel]


_places: dict[tuple[str, int, str, str], str] = {}
"""Volumes in buckets, by the channels that are read there; empty where BossDB is asked."""

_away: dict[str, Unreachable] = {}
"""Volumes in buckets that this program waited for in vain, where BossDB itself may answer."""
