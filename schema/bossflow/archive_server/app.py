"""A BossDB-compatible archive for volumes on disk, which real `intern` reads and writes.

The demo, the tests and a lab with volumes of its own serve them with this one. It speaks the part
of the Boss API that finds a channel and moves its cutouts: blosc of C-order ZYX voxels over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import inspect
import itertools
import json
import math
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import blosc
import click
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..voxels.boxes import Box
from . import demo
from .channels import ROUTES, TYPE_ERROR, Experiment, Refusal, collections, error, find
from .faults import misbehaving, read_plan
from .volumes import Level, Triple, Volume, open_volume, xyz

Faults = Callable[[Request], Response | None | Awaitable[Response | None]]

MAX_MIB = 520
"""Largest cutout, in MiB of voxels, if nothing else is said: BossDB's own limit."""

_CUTOUTS = 4  # the largest ones that there is memory for, voxels or blosc, at a time
_CONNECTIONS = 512
_HEAD_BYTES = 2**14  # of path and headers
_PATIENCE = 300  # seconds for a client to take or send a cutout
_PIECE = 2**18  # bytes
_OVERHEAD = 16  # bytes that blosc may add
_RANGE = re.compile(r"([0-9]+):([0-9]+)")


def _read(level: Level | None, box: Box, dtype: np.dtype[Any]) -> bytes:
    """Compress the voxels of a box; this takes about twice their bytes of memory.

    What a level has not, inside of the coordinate frame, is zero, as in the Boss.
    """
    there = _there(level, box)
    if level and there == box:
        voxels = np.ascontiguousarray(_part(level, box), dtype)
    else:
        voxels = np.zeros(box.shape_zyx, dtype)
        if level and there:
            voxels[there.slices(box.corner_zyx)] = _part(level, there)
    packed: bytes = blosc.compress(voxels, dtype.itemsize, clevel=5, cname="lz4")
    return packed


def _there(level: Level | None, box: Box) -> Box | None:
    with contextlib.suppress(ValueError):
        return level.box.intersect(box) if level else None
    return None


def _part(level: Level, box: Box) -> Any:
    part = level.array[box.slices(level.offset_zyx)]
    return part if isinstance(part, np.ndarray) else part.read(order="C").result()


def _write(level: Level, box: Box, dtype: np.dtype[Any], packed: bytes) -> None:
    """Write the voxels of a box, or raise ValueError if `packed` doesn't hold them."""
    expected = box.voxel_count * dtype.itemsize
    # the size comes first: a small body could unpack to gigabytes
    if not blosc.cbuffer_validate(packed) or int.from_bytes(packed[4:8], "little") != expected:
        raise ValueError(f"the body is not blosc of {expected} bytes, box {box.name} as {dtype}")
    try:
        voxels = np.frombuffer(blosc.decompress(packed), dtype).reshape(box.shape_zyx)
    except blosc.blosc_extension.error as error:
        raise ValueError(f"the body can't be decompressed: {error}") from error
    if voxels.max() > np.iinfo(level.dtype).max:
        raise ValueError(f"{voxels.max()} doesn't fit into the volume, which holds {level.dtype}")
    index = box.slices(level.offset_zyx)
    if isinstance(level.array, np.ndarray):
        level.array[index] = voxels
    else:
        level.array[index].write(voxels.astype(level.dtype, copy=False)).result()


# ---- the API ----


def app(
    volumes: Mapping[str, Volume],
    token: str | None = None,
    writable: bool = False,
    faults: Faults | None = None,
    max_mib: int = MAX_MIB,
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
        for path, endpoint, methods in [*ROUTES, (_CUTOUT, _cutout, ["GET", "POST"])]
        for slash in ("", "/", "//")  # intern lists collections with two
    ]
    archive = Starlette(
        routes=routes,
        middleware=[Middleware(_Gate, token=token, volumes=list(volumes.values()))],
        exception_handlers={HTTPException: _refusal},
    )
    archive.router.redirect_slashes = False  # to whatever host the client names
    archive.state.collections = collections(volumes)
    archive.state.public = token is None
    archive.state.writable = writable
    archive.state.faults = faults
    archive.state.max_bytes = max_mib * 2**20
    archive.state.taken = 0  # bytes of memory that cutouts under way may take
    archive.state.freed = asyncio.Event()
    return archive


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


async def _cutout(request: Request) -> ASGIApp:
    """Read or write one box of a channel."""
    state = request.app.state
    if state.faults is not None:
        fault = state.faults(request)
        fault = await fault if inspect.isawaitable(fault) else fault
        if isinstance(fault, Response):
            return fault
    volume: Volume = find(request, "collection", "experiment", "channel")
    experiment: Experiment = find(request, "collection", "experiment")
    level, box = _locate(request, volume, experiment)
    if volume.dtype.itemsize == 4:
        # the Boss fails over these, instead of refusing them
        return Response("<h1>Server Error (500)</h1>", 500, media_type="text/html")
    n_bytes = box.voxel_count * volume.dtype.itemsize
    counted = n_bytes / 4 if volume.dtype.itemsize == 8 else n_bytes
    if counted > state.max_bytes or n_bytes > blosc.MAX_BUFFERSIZE:
        raise HTTPException(
            413,
            f"box {box.name} has {n_bytes} bytes, and {state.max_bytes} can be sent (of 64-bit "
            "voxels four times as many, of any less than 2 GiB): ask for less",
        )
    if request.method == "POST":
        if not state.writable:
            raise HTTPException(403, "this archive is served for reading only")
        if level is None or not level.box.contains(box):
            raise HTTPException(400, f"box {box.name} leaves what can be written at its resolution")
        async with _memory(state, 2 * n_bytes):
            packed = await _body(request, n_bytes + _OVERHEAD)
            try:
                await run_in_threadpool(_write, level, box, volume.dtype, packed)
            except ValueError as problem:
                raise HTTPException(400, str(problem)) from problem
        experiment.stale.add(request.path_params["channel"])
        return Response(status_code=201)
    if "filter" in request.query_params:
        raise HTTPException(400, "cutouts filtered by id are not served: leave filter out")
    if request.query_params.get("iso", "").lower() == "true":
        raise HTTPException(400, "there is no second, isotropic pyramid here: leave iso out")
    resolution, channel = int(request.path_params["resolution"]), request.path_params["channel"]
    made = experiment.downsample_status(channel) == "DOWNSAMPLED"
    if resolution > volume.base_resolution and not made:
        if volume.kind == "annotation":
            return Response("<h1>Server Error (500)</h1>", 500, media_type="text/html")
        level = None

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        async with _memory(state, 2 * n_bytes):  # until all is sent
            try:
                packed = await run_in_threadpool(_read, level, box, volume.dtype)
            except (ValueError, OSError) as problem:  # it says where the volume is
                print(f"box {box.name} can't be read: {problem}", file=sys.stderr)
                raise HTTPException(500, f"box {box.name} can't be read from its volume") from None
            response = StreamingResponse(
                _pieces(packed),
                headers={"Content-Length": str(len(packed))},
                media_type="application/blosc",
            )
            # of a client that doesn't take it, uvicorn closes the connection
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await response(scope, receive, send)

    return respond


@contextlib.asynccontextmanager
async def _memory(state: State, n_bytes: int) -> AsyncIterator[None]:
    """Wait until there is memory; the largest cutout fits in any case once it is alone."""
    while state.taken and state.taken + n_bytes > _CUTOUTS * state.max_bytes:
        state.freed.clear()
        await state.freed.wait()
    state.taken += n_bytes
    try:
        yield
    finally:
        state.taken -= n_bytes
        state.freed.set()


async def _pieces(body: bytes) -> AsyncIterator[memoryview]:
    """Cut a body up: sent whole, it would be copied over and over (a seventh of the speed)."""
    view = memoryview(body)
    for start in range(0, len(view), _PIECE):
        yield view[start : start + _PIECE]


def _locate(request: Request, volume: Volume, experiment: Experiment) -> tuple[Level | None, Box]:
    """Find the level, if it is there, and the box that the path names; or refuse as the Boss does.

    Its addresses have one digit for the resolution, and none for a sign. A box is compared with
    the coordinate frame, that of the finest voxels, at every resolution.
    """
    path = request.path_params
    ranges = [_RANGE.fullmatch(path[axis]) for axis in "xyz"]
    edges = [edge for match in ranges if match for edge in match.groups()]
    if not re.fullmatch("[0-9]", path["resolution"]) or len(edges) != 6:
        raise HTTPException(404, "Not Found")
    first, resolution = volume.base_resolution, int(path["resolution"])
    if not first <= resolution < first + experiment.n_levels:
        last = first + experiment.n_levels - 1
        raise Refusal(
            400, f"resolution {resolution} is not served: it has {first}..{last}", TYPE_ERROR
        )
    asked = "/".join(path[axis] for axis in "xyz")
    if max(map(len, edges)) > 15:
        raise Refusal(400, f"{asked[:60]}... is no box", TYPE_ERROR)
    box = Box(*map(int, edges))
    if any(box[i] >= box[i + 1] for i in (0, 2, 4)):
        raise HTTPException(400, f"{asked} is no box: write x0:x1/y0:y1/z0:z1, each end larger")
    if not experiment.frame.contains(box):
        raise HTTPException(
            400,
            f"box {box.name} leaves the coordinate frame, which is {experiment.frame.name} at "
            "every resolution",
        )
    level = resolution - first
    return (volume.levels[level] if level < len(volume.levels) else None), box


async def _body(request: Request, limit: int) -> bytes:
    """Read what was sent, or answer 413 as soon as it is too much, 408 if it takes too long."""
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise HTTPException(
                        413, f"the body is larger than this box, {limit} bytes at most"
                    )
    except TimeoutError:
        raise HTTPException(408, f"the body was not whole after {_PATIENCE} s") from None
    except ClientDisconnect:
        raise HTTPException(400, "the body ended before its end") from None
    return bytes(body)


_CUTOUT = "/v1/cutout/{collection}/{experiment}/{channel}/{resolution}/{x}/{y}/{z}"


# ---- the server ----


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


def _voxel_size(_context: object, _option: object, text: str | None) -> Triple | None:
    """Read `--voxel-size-nm x,y,z`."""
    if text is None:
        return None
    try:
        x, y, z = (float(side) for side in text.split(","))
    except ValueError:
        x = y = z = math.nan
    if not all(0 < side < math.inf for side in (x, y, z)):
        raise click.BadParameter(f"{text!r} is no voxel size: write x,y,z in nm, such as 8,8,30")
    return z, y, x


@click.command("serve-archive")
@click.option(
    "--volume",
    "paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help=".npy file (ZYX), Zarr, OME-Zarr or precomputed directory; once for every --uri.",
)
@click.option(
    "--uri", "uris", multiple=True, help="bossdb://collection/experiment/channel to serve it as."
)
@click.option(
    "--voxel-size-nm",
    "size",
    metavar="X,Y,Z",
    callback=_voxel_size,
    help="Voxel size of volumes that state none, as .npy files do.",
)
@click.option("--demo", "with_demo", is_flag=True, help="Make the demo volume and serve it.")
@click.option("--writable", is_flag=True, help="Let cutouts be written into the volumes.")
@click.option(
    "--max-cutout-mib",
    "max_mib",
    type=click.IntRange(1, 2047),
    default=MAX_MIB,
    show_default=True,
    help="Largest cutout, in MiB of voxels (64-bit ones count a quarter); at most, memory for four "
    "is taken, or what one alone takes.",
)
@click.option(
    "--faults",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with a plan of faults: misbehave on purpose, for tests (docs/design.md).",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON file to write when connections are accepted: host and channels.",
)
def serve_archive(
    paths: tuple[Path, ...],
    uris: tuple[str, ...],
    size: Triple | None,
    with_demo: bool,
    writable: bool,
    max_mib: int,
    plan_file: Path | None,
    host: str,
    port: int,
    ready_file: Path | None,
) -> None:
    """Serve volumes on disk as a BossDB-compatible archive, until interrupted.

    Only who sends the token in BOSSFLOW_ARCHIVE_TOKEN is served, if that is set.
    """
    if len(paths) != len(uris) or len(set(uris)) != len(uris):
        raise click.UsageError("give each --volume a --uri of its own")
    if not paths and not with_demo:
        raise click.UsageError("nothing to serve: give --volume and --uri, or --demo")
    token = os.environ.get("BOSSFLOW_ARCHIVE_TOKEN") or None
    try:
        volumes = {
            uri: open_volume(path, size, writable) for uri, path in zip(uris, paths, strict=True)
        }
        if with_demo:
            volumes |= _demo_volumes()
        archive: ASGIApp = app(volumes, token, writable, max_mib=max_mib)
        if plan_file:
            archive = misbehaving(archive, read_plan(plan_file))
        if ready_file:  # one that is left from before would mislead
            ready_file.unlink(missing_ok=True)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    stopped = threading.Event()
    try:
        with serving(archive, host, port) as address:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: stopped.set())
            served = ", ".join(f"{uri} ({_summary(volume)})" for uri, volume in volumes.items())
            who = "whoever has the token" if token else "everyone who reaches it"
            click.echo(f"{address} serves {who}: {served}")
            if plan_file:
                click.echo(f"it misbehaves on purpose, as {plan_file} says")
            if ready_file:
                _announce(ready_file, {"host": address, "channels": list(volumes)})
            stopped.wait()
    except OSError as error:
        raise click.ClickException(f"can't serve on {host} port {port}: {error}") from error
    finally:
        if ready_file:
            ready_file.unlink(missing_ok=True)


def _demo_volumes() -> dict[str, Volume]:
    home = Path(os.environ.get("BOSSFLOW_HOME") or "~/.bossflow").expanduser()
    click.echo(f"demo volume in {home / 'demo'}", err=True)
    return {
        f"bossdb://bossflow/demo/{name}": open_volume(path, demo.VOXEL_SIZE_NM_ZYX)
        for name, path in demo.make(home / "demo").items()
    }


def _summary(volume: Volume) -> str:
    box, size = volume.levels[0].box, volume.levels[0].voxel_size_nm_zyx
    levels = f", {len(volume.levels)} resolutions" if len(volume.levels) > 1 else ""
    return f"{volume.kind} {volume.dtype} {box.name}, voxels of {xyz(size)} nm{levels}"


def _announce(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that is never seen half written."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(content) + "\n")
    partial.replace(path)
