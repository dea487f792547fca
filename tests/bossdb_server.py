"""An archive that is read through real intern, and answers that no archive would give."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from bossflow.archive_server.app import app
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives import bossdb
from voxels.archives.bossdb import answers, client, patience
from voxels.boxes import Box

BIN = Path(__file__).parent.parent / "bin"
URI = "bossdb://lab/brain/neurons"
OFFSET_ZYX = (5, 500, 7)
SHAPE_ZYX = (30, 40, 540)
WHOLE = Box.of(OFFSET_ZYX, SHAPE_ZYX)
SMALL = Box(508, 520, 505, 520, 10, 20)  # across one cuboid border in each axis
TOKEN = "hush-0f7%a"

Fault = Callable[[Request], Any]
REAL_LIMITS = patience.METADATA_LIMITS, patience.VOXEL_LIMITS


def voxels_of(dtype: str) -> npt.NDArray[Any]:
    return np.random.default_rng(3).integers(
        0, np.iinfo(dtype).max, SHAPE_ZYX, dtype, endpoint=True
    )


VOXELS = voxels_of("uint64")

Serve = Callable[[ASGIApp], str]


@contextmanager
def at_one_address() -> Iterator[Serve]:
    """Serve one application after the other at one address, which starts up but once."""
    served: list[ASGIApp] = []

    async def latest(scope: Scope, receive: Receive, send: Send) -> None:
        await served[-1](scope, receive, send)

    with serving(latest) as address:

        def put(application: ASGIApp) -> str:
            served[:] = [application]
            return address

        yield put


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    with at_one_address() as put:
        yield put


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.Limits(
        connect=5, silence=10, answer=20, attempts=3, first_wait=0.01, longest_retry_after=5
    )
    monkeypatch.setattr(patience, "METADATA_LIMITS", limits)
    monkeypatch.setattr(patience, "VOXEL_LIMITS", limits)
    client.opened.cache_clear()
    bossdb._places.clear()
    client.silent.clear()
    answers.spent.clear()


def archive(
    voxels: npt.NDArray[Any] = VOXELS, token: str | None = None, faults: Fault | None = None
) -> ASGIApp:
    volume = volume_of(voxels, OFFSET_ZYX, (30.0, 4.0, 8.0))
    return app({URI: volume}, token, faults=faults)


@pytest.fixture
def host(serve: Serve) -> str:
    return serve(archive())


def telling(inner: ASGIApp, **changes: Any) -> ASGIApp:
    """An archive whose metadata say something else: changes by attribute, None removes it."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/cutout/" in scope["path"]:
            return await inner(scope, receive, send)
        body = b""

        async def keep(message: Any) -> None:
            nonlocal body
            body += message.get("body", b"")

        await inner(scope, receive, keep)
        told = json.loads(body)
        told |= {name: value for name, value in changes.items() if name in told}
        told = {name: value for name, value in told.items() if value is not None}
        return await JSONResponse(told)(scope, receive, send)

    return outer


def answering(response: Response) -> ASGIApp:
    """A server that has one answer to everything."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    return answer


def pull(host: str, box: Box = SMALL, verify: bool = False) -> npt.NDArray[Any]:
    return bossdb.read(URI, 0, host, "public", "uint64", box, verify)


def part_of(box: Box) -> npt.NDArray[Any]:
    return VOXELS[box.slices(OFFSET_ZYX)]


def broken_off(request: Request) -> Response:
    return Response(b"short", headers={"Content-Length": "50000"})
