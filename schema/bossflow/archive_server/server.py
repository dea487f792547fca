"""A server in a thread of this process, which the archive is served with."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

_CONNECTIONS = 512


@contextlib.contextmanager
def serving(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an application from a thread of this process while the context lasts.

    Parameters
    ----------
    app : ASGI application
    host : str
        Address to listen on.
    port : int
        0 takes a free one.

    Yields
    ------
    str
        The base URL, such as `http://127.0.0.1:43210`; connections are accepted from here on.

    Raises
    ------
    OSError
        If the address can't be listened on.
    """

    async def until_stopped(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # which uvicorn shows with a traceback
            await app(scope, receive, send)

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once only if the protocol is named
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        config = uvicorn.Config(
            until_stopped,
            log_config=None,
            access_log=False,
            http="h11",
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            ws="none",
            lifespan="off",
            timeout_keep_alive=75,  # longer than clients pause between two blocks
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, args=([listener],), name="archive", daemon=True
        )
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise OSError("the server stopped while it started")
            time.sleep(0.002)
        name = f"[{host}]" if family == socket.AF_INET6 else host
        try:
            yield f"http://{name}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
