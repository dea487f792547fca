"""A BossDB-compatible archive for volumes on disk, which real `intern` reads and writes.

The demo, the tests and a lab with volumes of its own serve them with this one. It speaks the part
of the Boss API that finds a channel and moves its cutouts: blosc of C-order ZYX voxels over HTTP.
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
from collections.abc import Mapping
from types import MappingProxyType

import blosc
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from . import cutouts
from .cutouts import MAX_MIB, Faults
from .experiments import collections
from .served import Volume
from .services import ROUTES, error

_HEAD_BYTES = 2**14  # of path and headers


def app(
    volumes: Mapping[str, Volume],
    token: str | None = None,
    writable: bool = False,
    faults: Faults | None = None,
    max_mib: int = MAX_MIB,
    meta: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Starlette:
    """Make the archive as an ASGI application.

    Parameters
    ----------
    volumes : mapping of str to Volume
        What each `bossdb://collection/experiment/channel` serves. Channels of one experiment
        share its coordinate frame: extent, offset and voxel size.
    token : str, optional
        Without it everyone may read (and write, if `writable`); with it, only who sends it.
    writable : bool
        Whether cutouts may be written.
    faults : callable, optional
        Asked before every cutout, in the event loop: a response that it returns (or that what it
        returns awaits to) is sent instead of the cutout.
    max_mib : int
        Largest cutout, in MiB of voxels; of 64-bit voxels, as in the Boss, four times as many. All
        that are under way take four times this at most, or one alone what it takes; others wait.
    meta : mapping of str to mapping
        Keys and values that are noted of `collection`, `collection/experiment` or
        `collection/experiment/channel`, such as how to cite it.

    Raises
    ------
    ValueError
        If a URI is malformed, channels of one experiment disagree, or the token isn't ASCII.
    """
    blosc.set_nthreads(1)
    blosc.set_releasegil(True)  # also frees it of its global lock: cutouts use all cores
    if token is not None and not (token and token.isascii() and token.isprintable()):
        raise ValueError("the archive's token must be printable ASCII")
    routes = [
        Route(path + slash, endpoint, methods=methods)
        for path, endpoint, methods in [*ROUTES, (cutouts.PATH, cutouts.cutout, ["GET", "POST"])]
        for slash in ("", "/", "//")  # intern lists collections with two
    ]
    server = Starlette(
        routes=routes,
        middleware=[Middleware(_Gate, token=token, volumes=list(volumes.values()))],
        exception_handlers={HTTPException: _refusal},
    )
    server.router.redirect_slashes = False  # to whatever host the client names
    server.state.collections = collections(volumes)
    server.state.public = token is None
    server.state.writable = writable
    server.state.meta = meta
    server.state.faults = faults
    server.state.max_bytes = max_mib * 2**20
    server.state.taken = 0  # bytes of memory that cutouts under way may take
    server.state.freed = asyncio.Event()
    return server


class _Gate:
    """Let a request pass only if its head is of a sane size and its token is known.

    As in the Boss, an unknown one is refused also where none would be needed. An archive that has
    no token takes any.
    """

    def __init__(self, inner: ASGIApp, token: str | None, volumes: list[Volume]) -> None:
        self.inner = inner
        self.expected = None if token is None else f"Token {token}".encode()
        self.closed = token is not None and not any(volume.public for volume in volumes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # h11 has such a limit, but not for what comes in one piece
            fields = [scope["raw_path"], scope["query_string"], *itertools.chain(*scope["headers"])]
            if sum(map(len, fields)) > _HEAD_BYTES:
                message = f"path and headers have more than {_HEAD_BYTES} bytes"
                await error(431, message)(scope, receive, send)
                return
            sent = dict(scope["headers"]).get(b"authorization", b"")
            known = self.expected is None or hmac.compare_digest(sent, self.expected)
            if not known and sent not in (b"", b"Token public"):
                await JSONResponse({"detail": "Invalid token."}, 401)(scope, receive, send)
                return
            if not known and self.closed:
                await error(403, "this archive needs a token")(scope, receive, send)
                return
            scope["anonymous"] = not known
        await self.inner(scope, receive, send)


async def _refusal(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, HTTPException)
    return error(refused.status_code, refused.detail, getattr(refused, "code", 0))
