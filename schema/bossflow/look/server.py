"""The server of a viewer: Neuroglancer's own, on 127.0.0.1, with the layers' volumes beside it.

One origin serves page and volumes, so no other page in the browser may read them: no CORS. What is
asked for under another host's name, as by a page whose name was made to lead here, is refused;
and every address has an unguessable word in it.
"""

import asyncio
import contextlib
import json
import secrets
import sys
import threading
from collections.abc import Callable
from typing import Any

import neuroglancer
import neuroglancer.server
import tornado.web

from ..voxels.archives import Refused, Unreachable
from .served import Volume

READERS = 8
"""Cells that are read side by side."""

OTHER_HOSTS = r"(?!(127\.0\.0\.1|localhost)$).*"


class Served:
    """Volumes that are served until the process ends.

    Parameters
    ----------
    volumes : list of Volume
    port : int
        0 takes a free one.

    Attributes
    ----------
    base : str
        The address of volume N is this, a slash and N.
    """

    def __init__(self, volumes: list[Volume], port: int = 0) -> None:
        neuroglancer.set_server_bind_address("127.0.0.1", port)
        try:
            neuroglancer.server.start()
        except OSError as error:
            raise ValueError(f"port {port} of 127.0.0.1 can't be used: {error.strerror}") from None
        server, token = neuroglancer.server.global_server, secrets.token_urlsafe(24)
        about = {"volumes": volumes, "readers": asyncio.Semaphore(READERS), "told": set()}
        server.app.add_handlers(OTHER_HOSTS, [(".*", _NotHere)])
        cells = (f"/volumes/{token}/(0|[1-9][0-9]{{0,8}})/(.*)", _Cells, about)
        server.app.add_handlers(".*", [cells, ("/favicon.ico", _Nothing)])
        self.base = f"{server.server_url}/volumes/{token}"


class _NotHere(tornado.web.RequestHandler):
    def prepare(self) -> None:
        self.send_error(403)


class _Nothing(tornado.web.RequestHandler):
    """What browsers ask for unasked: else they note an error."""

    def get(self) -> None:
        self.set_status(204)


class _Cells(tornado.web.RequestHandler):
    """Answers GET and HEAD; Tornado refuses all other methods."""

    def initialize(self, volumes: list[Volume], readers: Any, told: set[str]) -> None:
        self._volumes, self._readers, self._told = volumes, readers, told

    async def get(self, number: str, _: str) -> None:
        path = self.request.path.split("/", 4)[4]  # as it was sent: nothing is decoded
        found = None
        try:
            if int(number) < len(self._volumes):
                volume = self._volumes[int(number)]
                async with self._readers:
                    span = self.request.headers.get("Range")
                    found = await _apart(lambda: volume.answer(path, span))
        except (Refused, Unreachable, ValueError, OSError) as error:
            self._tell(str(error))
            self.send_error(502)
            return
        if found is None:
            self.send_error(404)
            return
        kind, value = found
        told = "application/json" if kind == "json" else "application/octet-stream"
        self.set_header("Content-Type", told)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "private, max-age=3600")
        if kind == "file":
            value, part = value
            if part:
                self.set_status(206)
                self.set_header("Content-Range", part)
        self.finish(json.dumps(value) if kind == "json" else value)

    head = get

    def _tell(self, sentence: str) -> None:
        """Say once what a viewer can't."""
        if sentence not in self._told:
            self._told.add(sentence)
            print(f"note: {sentence}", file=sys.stderr)


async def _apart(function: Callable[[], Any]) -> Any:
    """Return what a function does, in a thread that holds up no end of the process."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def tell(found: Any, error: Exception | None) -> None:
        if not future.done():  # it is, if nobody waits any more
            future.set_exception(error) if error else future.set_result(found)

    def run() -> None:
        found, error = None, None
        try:
            found = function()
        except Exception as failed:
            error = failed
        with contextlib.suppress(RuntimeError):  # the server was stopped
            loop.call_soon_threadsafe(tell, found, error)

    threading.Thread(target=run, daemon=True).start()
    return await future
