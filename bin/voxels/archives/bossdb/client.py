"""How BossDB is asked, by intern's session or one of our own.

intern asks once, without a time limit, and believes what it gets. Here every request has limits,
is asked again where that may help, and its answer is checked.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

import blosc
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

from .. import Unreachable
from . import frames
from .addresses import checked_token, host_of, names_of
from .answers import judged
from .frames import CUBOID_ZYX
from .patience import Limits

T = TypeVar("T")

LARGEST_ANSWER_BYTES = 8 * math.prod(CUBOID_ZYX)


class _Channel(ChannelResource):  # type: ignore[misc]
    """A channel of any dtype: intern knows no uint32, BossDB does."""

    def validate_datatype(self, value: str) -> str:
        return value


@cache
def opened(
    uri: str, host: str, token: str, limits: Limits
) -> tuple[BossRemote, ChannelResource, bool]:
    """Return intern's remote and channel, and whether the voxels may be in a bucket.

    Kept, as the blocks of a task share connections.
    """
    collection, experiment, name = names_of(uri)
    protocol, address = host_of(host)
    # Given a dictionary, intern reads no configuration file; it takes % for interpolation.
    remote = BossRemote(
        {"protocol": protocol, "host": address.replace("%", "%%"), "token": "public"}
    )
    remote.token_volume = checked_token(token)
    service = remote.volume_service
    service.session_send_opts = _send_options(service.session, host, limits)
    ask = asker(service.session, uri, host, token, limits)
    service.session.hooks["response"].append(_refuse_bomb)
    held = channel_of(ask, uri)
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


def asker(
    session: requests.Session, uri: str, host: str, token: str, limits: Limits
) -> Callable[[str], dict[str, Any]]:
    """Prepare a session; return a function that gets the JSON object at a path of the archive."""
    host_of(host)
    headers = {"Authorization": f"Token {checked_token(token)}", "Accept": "application/json"}
    options = _send_options(session, host, limits)
    session.trust_env = False  # else a password for this host in ~/.netrc replaces the token
    session.hooks["response"].append(partial(_receive, limits=limits))

    def ask(path: str) -> dict[str, Any]:
        def attempt() -> dict[str, Any]:
            request = requests.Request("GET", f"{host.rstrip('/')}/v1/{path}", headers)
            response = session.send(session.prepare_request(request), **options)
            response.raise_for_status()
            try:
                answer = response.json()
            except (ValueError, RecursionError):  # also what is deep, or a number of many digits
                answer = None
            if not isinstance(answer, dict):
                raise Unreachable("it is not the JSON that BossDB gives")
            return answer

        return persist(attempt, uri, host, limits, threading.Event())

    return ask


def channel_of(ask: Callable[[str], dict[str, Any]], uri: str) -> dict[str, Any]:
    """Return what the archive tells of a channel."""
    collection, experiment, channel = names_of(uri)
    return ask(f"collection/{collection}/experiment/{experiment}/channel/{channel}")


def persist(
    attempt: Callable[[], T], what: str, host: str, limits: Limits, hopeless: threading.Event
) -> T:
    """Call `attempt` until it succeeds, is refused, or was made often enough."""
    attempts = 1 if host in silent else limits.attempts
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
        result = retrying(once)
    except Unreachable:
        if time.monotonic() - started > limits.silence:
            silent.add(host)
        raise
    silent.discard(host)
    return result


silent: set[str] = set()
"""Hosts that kept this program waiting in vain: until one answers, it is asked once for a thing."""
