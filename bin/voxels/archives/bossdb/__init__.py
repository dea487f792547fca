"""BossDB: a channel's metadata, and boxes of voxels read through intern, or from their bucket.

intern asks once, without a time limit, and believes what it gets. Here every request has limits,
is asked again where that may help, and its answer is checked.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar
from urllib.parse import quote

import blosc
import numpy as np
import numpy.typing as npt
import requests
import urllib3
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import ChannelResource
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_after_delay,
    stop_when_event_set,
    wait_exponential,
    wait_random,
)

from ...boxes import Box, grid
from .. import NOTHING, Refused, Unreachable, brief, spelled
from . import frames
from .answers import Limits, judged, over_limit, spent
from .frames import CUBOID_ZYX

# One answer is decoded while others come in.
blosc.set_releasegil(True)

T = TypeVar("T")


# Someone waits for metadata; a block is worth patience.
METADATA_LIMITS = Limits(
    connect=5, silence=20, answer=30, attempts=3, longest_retry_after=10, bytes=2**24
)
VOXEL_LIMITS = Limits(connect=10, silence=60, answer=300, attempts=6)

REQUESTS_AT_ONCE = 4
LARGEST_REQUEST_BYTES = 16 * 2**20
SMALLEST_REQUEST_BYTES = 2 * 2**20
LARGEST_ANSWER_BYTES = 8 * math.prod(CUBOID_ZYX)

_NAME = r"[A-Za-z0-9_-]+"
_URI = re.compile(rf"bossdb://({_NAME})/({_NAME})/({_NAME})")
_HOST = re.compile(r"(https?)://([^\s/@?#]+[^\s@?#]*?)/*")


def canonical(uri: str, directory: str) -> str:
    """Return a channel's URI: it has one spelling only, and no paths."""
    _names(uri)
    return uri


def archive_name(uri: str, host: str) -> str:
    """Return host, port and path of the archive, as requests goes there, in one spelling."""
    try:
        name = spelled(str(requests.Request("GET", host).prepare().url))
    except ValueError:
        name = ""
    if not name:
        raise _malformed(host)
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
        Refused, as the URI names a channel, and what is read has one time; but for `time` 0.
    size_nm_zyx
        Not used: BossDB always states a voxel size.

    Returns
    -------
    dict
        `kind` ("image" or "annotation"), `dtype`, `shape_zyx` and `offset_zyx` (voxels of this
        resolution), `voxel_size_nm_zyx`, `chunk_zyx` (BossDB's cuboid, or a bucket's chunk).

    Raises
    ------
    Refused
        If the URI or host is malformed, the token is refused, there is no such channel or
        resolution, its metadata make no sense, or BossDB does not serve its voxels.
    Unreachable
        If the archive gives no usable answer.
    """
    if "channel" in chosen:
        raise Refused(f"{uri} names its channel: leave out the parameter channel")
    if chosen.get("time"):
        raise Refused(f"time {chosen['time']} of {uri} can't be read: leave out the parameter time")
    limits = VOXEL_LIMITS if patient else METADATA_LIMITS
    collection, experiment, channel = _names(uri)
    with requests.Session() as session:
        ask = _asker(session, uri, host, token, limits)
        held = _channel(ask, uri)
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
    place = frames.bucket(held)
    unlike: Refused | Unreachable | None = None
    if place:
        try:
            found = metadata | {"chunk_zyx": _chunk_in(place, resolution, metadata)}
            _places[uri, resolution, host, token] = place
            return found
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
        found = volumes.describe(volumes.canonical(place, ""), resolution, "", "")
    except Unreachable as error:
        raise _away.setdefault(place, error) from None
    for name in ("dtype", "shape_zyx", "offset_zyx"):
        if found[name] != metadata[name]:
            raise Refused(
                f"{place} does not agree: its {name} is {found[name]}, BossDB's {metadata[name]}"
            )
    return found["chunk_zyx"]


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
    remote, channel, may_be_elsewhere = _opened(uri, host, token, VOXEL_LIMITS)
    if channel.datatype != dtype:
        held = brief(channel.datatype).strip("'")
        raise Refused(f"{uri} at {host} holds {held}, where {dtype} was expected")
    place = may_be_elsewhere and _place(uri, resolution, host, token)
    if place:
        from .. import volumes

        return volumes.read(place, resolution, "", "", dtype, box)
    if (host, f"Token {token}") in spent:
        raise over_limit(f"box {box.name} of {uri} at resolution {resolution}", host)
    voxels = np.empty(box.shape_zyx, dtype)
    hopeless = threading.Event()

    def cutout(part: Box) -> npt.NDArray[Any]:
        try:
            found: npt.NDArray[Any] = remote.get_cutout(
                channel,
                resolution,
                [part.x0, part.x1],
                [part.y0, part.y1],
                [part.z0, part.z1],
                parallel=False,
            )
        except (blosc.blosc_extension.error, ValueError) as error:
            if isinstance(error, requests.RequestException):
                raise
            raise Unreachable("it is damaged or has the wrong size") from None
        if found.shape != part.shape_zyx or found.dtype != voxels.dtype:
            raise Unreachable(f"it is {found.dtype} of shape {found.shape} (ZYX)")
        return found

    def fill(part: Box) -> None:
        where = part.slices(box.corner_zyx)
        what = f"box {part.name} of {uri} at resolution {resolution}"

        def attempt() -> None:
            voxels[where] = cutout(part)
            if verify and not np.array_equal(cutout(part), voxels[where]):
                raise Unreachable("two reads differ")

        _persist(attempt, what, host, VOXEL_LIMITS, hopeless)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        jobs = [pool.submit(fill, part) for part in requests_of(box, voxels.itemsize)]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:
            hopeless.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return voxels


def requests_of(box: Box, bytes_per_voxel: int) -> list[Box]:
    """Cut a box into requests: whole cuboids, clipped to the box, as many in z as is sensible.

    A request is at most 16 MiB or one cuboid, so far below the 60 million voxels at which intern
    cuts requests itself; smaller where that keeps all connections busy.
    """
    depth, height, width = CUBOID_ZYX
    _, box_height, box_width = box.shape_zyx
    slab_bytes = depth * min(height, box_height) * min(width, box_width) * bytes_per_voxel
    share = box.voxel_count * bytes_per_voxel // REQUESTS_AT_ONCE
    wanted = min(LARGEST_REQUEST_BYTES, max(SMALLEST_REQUEST_BYTES, share))
    slabs = max(1, wanted // slab_bytes)
    return grid(box, (slabs * depth, height, width), (0, 0, 0))


class _Channel(ChannelResource):  # type: ignore[misc]
    """A channel of any dtype: intern knows no uint32, BossDB does."""

    def validate_datatype(self, value: str) -> str:
        return value


def _place(uri: str, resolution: int, host: str, token: str) -> str:
    """Return the volume in a bucket that holds the voxels, if any does; asked once a task."""
    channel = uri, resolution, host, token
    if channel not in _places:
        describe(*channel, patient=True)
    return _places[channel]


_places: dict[tuple[str, int, str, str], str] = {}
"""Volumes in buckets, by the channels that are read there; empty where BossDB is asked."""


@cache
def _opened(
    uri: str, host: str, token: str, limits: Limits
) -> tuple[BossRemote, ChannelResource, bool]:
    """Return intern's remote and channel, and whether the voxels may be in a bucket.

    Kept, as the blocks of a task share connections.
    """
    collection, experiment, name = _names(uri)
    protocol, address = _host(host)
    # Given a dictionary, intern reads no configuration file; it takes % for interpolation.
    remote = BossRemote(
        {"protocol": protocol, "host": address.replace("%", "%%"), "token": "public"}
    )
    remote.token_volume = _token(token)
    service = remote.volume_service
    service.session_send_opts = _send_options(service.session, host, limits)
    ask = _asker(service.session, uri, host, token, limits)
    service.session.hooks["response"].append(_refuse_bomb)
    held = _channel(ask, uri)
    dtype = str(held.get("datatype")).lower()
    # Not remote.get_channel, which fails on uint32. A remote always speaks to BossDB itself, also
    # where `storage_type` would make intern.array go to a bucket behind it.
    channel = _Channel(name, collection, experiment, datatype=dtype)
    return remote, channel, bool(frames.bucket(held))


def _send_options(session: requests.Session, host: str, limits: Limits) -> dict[str, Any]:
    """Return what to send requests to the host with: proxies, certificates, time limits."""
    options = dict(session.merge_environment_settings(host, {}, False, None, None))
    return options | {"timeout": (limits.connect, limits.silence)}


def _receive(response: requests.Response, limits: Limits, **_: Any) -> None:
    """Take in a body, at most so long: `timeout` only bounds the silence between its pieces."""
    deadline = time.monotonic() + limits.answer
    pieces = []
    size = 0
    try:
        # In pieces as they come, of a size that costs little; requests would take 10 KiB each.
        while piece := response.raw.read1(2**18, decode_content=True):
            pieces.append(piece)
            size += len(piece)
            if time.monotonic() > deadline:
                response.close()
                raise Unreachable(f"it was not whole after {limits.answer:g} s")
            if size > limits.bytes:
                response.close()
                raise Unreachable(f"it has more than {limits.bytes} bytes")
    except urllib3.exceptions.HTTPError as error:
        response.close()
        raise requests.ConnectionError(error) from error
    response._content = b"".join(pieces)


def _refuse_bomb(response: requests.Response, **_: Any) -> None:
    """Look at the size that blosc claims to unpack to: a few bytes could take gigabytes."""
    unpacked = int.from_bytes(response.content[4:8], "little")
    if unpacked > LARGEST_ANSWER_BYTES and blosc.cbuffer_validate(response.content):
        raise Unreachable(f"it claims to unpack to {unpacked} bytes")


def _asker(
    session: requests.Session, uri: str, host: str, token: str, limits: Limits
) -> Callable[[str], dict[str, Any]]:
    """Prepare a session; return a function that gets the JSON object at a path of the archive."""
    _host(host)
    headers = {"Authorization": f"Token {_token(token)}", "Accept": "application/json"}
    options = _send_options(session, host, limits)
    session.trust_env = False  # else a password for this host in ~/.netrc replaces the token
    session.hooks["response"].append(partial(_receive, limits=limits))

    def ask(path: str) -> dict[str, Any]:
        def attempt() -> dict[str, Any]:
            request = requests.Request("GET", f"{host.rstrip('/')}/v1/{path}", headers)
            response = session.send(session.prepare_request(request), **options)
            response.raise_for_status()
            try:
                found = response.json()
            except (ValueError, RecursionError):  # also what is deep, or a number of many digits
                found = None
            if not isinstance(found, dict):
                raise Unreachable("it is not the JSON that BossDB gives")
            return found

        return _persist(attempt, uri, host, limits, threading.Event())

    return ask


def _channel(ask: Callable[[str], dict[str, Any]], uri: str) -> dict[str, Any]:
    collection, experiment, channel = _names(uri)
    return ask(f"collection/{collection}/experiment/{experiment}/channel/{channel}")


def _persist(
    attempt: Callable[[], T], what: str, host: str, limits: Limits, hopeless: threading.Event
) -> T:
    """Call `attempt` until it succeeds, is refused, or was made often enough."""
    attempts = 1 if host in _silent else limits.attempts
    started = time.monotonic()

    def once() -> T:
        try:
            return attempt()
        except requests.RequestException as error:
            raise judged(error, what, host, limits) from None
        except Unreachable as error:
            raise Unreachable(f"the answer of {host} for {what} can't be used: {error}") from None

    back_off = wait_exponential(limits.first_wait, limits.longest_wait) + wait_random(
        0, limits.first_wait
    )

    def worthwhile(error: BaseException) -> bool:
        return isinstance(error, Unreachable) and error.retry_after <= limits.longest_retry_after

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(back_off(state), getattr(error, "retry_after", 0.0))

    retrying = Retrying(
        retry=retry_if_exception(worthwhile),
        wait=wait,
        stop=stop_after_attempt(attempts)
        | stop_after_delay(limits.patience)
        | stop_when_event_set(hopeless),
        sleep=sleep_using_event(hopeless),
        reraise=True,
    )
    try:
        found = retrying(once)
    except Unreachable:
        if time.monotonic() - started > limits.silence:
            _silent.add(host)
        raise
    _silent.discard(host)
    return found


_silent: set[str] = set()
"""Hosts that kept this program waiting in vain: until one answers, it is asked once for a thing."""

_away: dict[str, Unreachable] = {}
"""Volumes in buckets that this program waited for in vain, where BossDB itself may answer."""


def _names(uri: str) -> tuple[str, str, str]:
    """Return collection, experiment and channel."""
    match = _URI.fullmatch(uri)
    if not match:
        raise Refused(
            f"source {brief(uri)} is malformed: write bossdb://collection/experiment/channel"
        )
    collection, experiment, channel = match.groups()
    return collection, experiment, channel


def _host(host: str) -> tuple[str, str]:
    """Return protocol and address."""
    match = _HOST.fullmatch(host)
    if not match:
        raise _malformed(host)
    protocol, address = match.groups()
    return protocol, address


def _malformed(host: str) -> Refused:
    return Refused(
        f"bossdb_host {brief(host)} is malformed: write http:// or https://, a name and, where "
        "needed, a port"
    )


def _token(token: str) -> str:
    """Return the token if a header can hold it; the error must not show it."""
    if not re.fullmatch(r"[!-~]+", token):
        raise Refused("BOSSDB_TOKEN is malformed: a token is one word of ASCII characters")
    return token
