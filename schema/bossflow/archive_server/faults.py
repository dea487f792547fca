"""Faults on purpose: an archive that misbehaves as a plan says, so that its readers can be tested.

What a plan does to a request depends on its seed, on what is asked for, and on how often that was
asked before, but not on who asks first: a run can be repeated.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import blosc
import numpy as np
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DRIP_SECONDS = 0.1
_log = logging.getLogger(__name__)

# ---- kinds: what comes instead of the answer ----


def _truncate(packed: bytes, luck: Random) -> bytes:
    return packed[: len(packed) // 2]


def _corrupt(packed: bytes, luck: Random) -> bytes:
    return packed[:2] + b"\xff" + packed[3:]  # the flags: another compressor than was used


def _flip(packed: bytes, luck: Random) -> bytes:
    voxels = bytearray(blosc.decompress(packed))
    voxels[luck.randrange(len(voxels))] ^= 1 << luck.randrange(8)
    return _packed(voxels, packed)


def _dtype(packed: bytes, luck: Random) -> bytes:
    bits = 8 * packed[3]  # of a voxel
    voxels = np.frombuffer(blosc.decompress(packed), f"uint{bits}")
    return _packed(voxels.astype("uint32" if bits != 32 else "uint64"), packed)


def _shape(packed: bytes, luck: Random) -> bytes:
    voxels = blosc.decompress(packed)
    return _packed(voxels + voxels[: packed[3]], packed)


def _zeros(packed: bytes, luck: Random) -> bytes:
    return _packed(bytes(int.from_bytes(packed[4:8], "little")), packed)


def _packed(voxels: Any, like: bytes) -> bytes:
    packed: bytes = blosc.compress(bytes(voxels), like[3], cname="lz4")
    return packed


async def _silence(answer: Response, receive: Receive, send: Send) -> None:
    await _gone(receive)


async def _reset(answer: Response, receive: Receive, send: Send) -> None:
    _abort(send)
    await _gone(receive)


async def _break(answer: Response, receive: Receive, send: Send) -> None:
    await _start(answer, send, len(answer.body) // 2)
    _abort(send)
    await _gone(receive)


async def _drip(answer: Response, receive: Receive, send: Send) -> None:
    await _start(answer, send, 1)
    left = asyncio.create_task(_gone(receive))
    body = bytes(answer.body)
    for number in range(1, len(body)):
        await asyncio.wait([left], timeout=_DRIP_SECONDS)
        if left.done():
            return
        await _body(send, body[number : number + 1])
    await _body(send, b"", more_body=False)


async def _start(answer: Response, send: Send, n_bytes: int) -> None:
    """Send the headers and the first bytes of an answer."""
    headers = answer.raw_headers
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await _body(send, bytes(answer.body[:n_bytes]))


async def _body(send: Send, body: bytes, more_body: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more_body})


def _abort(send: Send) -> None:
    """Reset the connection (RST): ASGI has no word for that, uvicorn's transport has."""
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    at_once = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    transport.abort()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _said(status: int, code: int, message: str) -> Response:
    return JSONResponse({"status": status, "code": code, "message": message}, status)


_STATUS = {
    "throttle": Response(status_code=429, headers={"Retry-After": "1"}),
    "error": Response(status_code=500),
    "busy": Response(status_code=503),
    # of the Boss's own: what passes, in spite of its status, and what does not
    "system": _said(400, 9001, "Error during the request"),
    "limit": _said(429, 3004, "User is throttled. Expected available tomorrow."),
}
_CONNECTION: dict[str, Callable[[Response, Receive, Send], Awaitable[None]]] = {
    "silence": _silence,  # no answer, ever
    "reset": _reset,  # the connection is reset before the answer
    "break": _break,  # and in the middle of it
    "drip": _drip,  # ten bytes a second
}
_VOXELS: dict[str, Callable[[bytes, Random], bytes]] = {
    "truncate": _truncate,  # half of the blosc
    "corrupt": _corrupt,  # blosc that can't be decompressed
    "flip": _flip,  # blosc as it should be, with one bit of the voxels flipped
    "dtype": _dtype,  # voxels of another type
    "shape": _shape,  # one voxel too many
    "zeros": _zeros,
}

KINDS = (*_STATUS, *_CONNECTION, *_VOXELS)
"""Faults of single requests; the last six happen to voxels only."""

# ---- the plan ----


def read_plan(path: Path) -> dict[str, Any]:
    """Read a plan of faults.

    A plan is a JSON object. `seed` is a whole number. Each of `KINDS` is either the share of
    requests that it hits (0 to 1), or a list that says which: `[1, 2]` hits all that is asked for
    the first and the second time that it is. `token_expires` is how many requests a token is good
    for. `change` holds attributes of channel, experiment or coordinate frame that have another
    value `after` so many requests.

    Raises
    ------
    ValueError
        If it is no such plan.
    """
    try:
        plan = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no plan of faults: it is not JSON ({error})") from None
    problem = _problem(plan)
    if problem:
        raise ValueError(f"{path} is no plan of faults: {problem}")
    checked: dict[str, Any] = plan
    return checked


def _problem(plan: Any) -> str | None:
    if not isinstance(plan, dict):
        return 'it is not a JSON object, such as {"seed": 1, "busy": 0.1, "reset": [1, 2]}'
    known = ("seed", *KINDS, "token_expires", "change")
    for name, value in plan.items():
        if name not in known:
            return f"{name!r} is not one of {', '.join(known)}"
        if name == "change":
            if not (isinstance(value, dict) and _is_count(value.get("after"))):
                return 'change must be such as {"after": 3, "datatype": "uint16"}'
        elif name in ("seed", "token_expires"):
            if not _is_count(value):
                return f"{name} must be a whole number, not {value!r}"
        elif not _is_share(value) and not (
            isinstance(value, list) and all(_is_count(time) and time > 0 for time in value)
        ):
            return f"{name} must be a share from 0 to 1, or a list such as [1, 2], not {value!r}"
    shares = math.fsum(plan[name] for name in KINDS if _is_share(plan.get(name)))
    return f"its shares add up to {shares:g}: 1 is all there is" if shares > 1 else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def misbehaving(server: ASGIApp, plan: Mapping[str, Any]) -> ASGIApp:
    """Return the server with the faults of a plan; uvicorn must call it directly.

    Parameters
    ----------
    server : ASGI application
    plan : mapping
        As `read_plan` returns it.
    """
    asked: Counter[str] = Counter()
    sent: Counter[bytes] = Counter()
    change = dict(plan.get("change", {}))
    after = change.pop("after", 0)

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await server(scope, receive, send)
        what = f"{scope['method']} {scope['path']}"
        asked[what] += 1
        token = dict(scope["headers"]).get(b"authorization", b"")
        sent[token] += 1
        if sent[token] > plan.get("token_expires", math.inf):
            told = {"status": 401, "code": 3004, "message": "the token has expired"}
            return await JSONResponse(told, 401)(scope, receive, send)
        luck = Random(f"{plan.get('seed', 0)} {what} {asked[what]}")
        kind = _kind(plan, asked[what], luck)
        if kind:
            _log.info("%s: %s, time %d", kind, what, asked[what])
        if kind in _STATUS:
            return await _STATUS[kind](scope, receive, send)
        answer = await _answer(server, scope, receive)
        changed = change and asked.total() > after
        if kind in _CONNECTION:
            return await _CONNECTION[kind](answer, receive, send)
        elif answer.media_type == "application/blosc" and kind:
            answer = _with(answer, _VOXELS[kind](bytes(answer.body), luck))
        elif answer.media_type == "application/json" and answer.status_code == 200 and changed:
            told = json.loads(bytes(answer.body))
            told |= {name: value for name, value in change.items() if name in told}
            answer = _with(answer, json.dumps(told).encode())
        return await answer(scope, receive, send)

    return respond


def _kind(plan: Mapping[str, Any], time: int, luck: Random) -> str | None:
    """Return the fault of a request that is made for the first, second, … time."""
    draw = luck.random()
    for kind in KINDS:
        hits = plan.get(kind, 0)
        if isinstance(hits, list):
            if time in hits:
                return kind
        else:
            draw -= hits
            if draw < 0:
                return kind
    return None


async def _answer(server: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Return what the server answers."""
    start: Message = {}
    body = bytearray()

    async def keep(message: Message) -> None:
        start.update(message if message["type"] == "http.response.start" else {})
        body.extend(message.get("body", b""))

    await server(scope, receive, keep)
    answer = Response(status_code=start["status"])
    answer.raw_headers = list(start["headers"])
    answer.media_type = answer.headers.get("content-type")
    answer.body = bytes(body)
    return answer


def _with(answer: Response, body: bytes) -> Response:
    return Response(body, answer.status_code, media_type=answer.media_type)
