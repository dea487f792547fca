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

from . import demo
from .archive_faults import misbehaving, read_plan
from .archive_volumes import Level, Triple, Volume, open_volume, xyz
from .voxels.boxes import Box

Faults = Callable[[Request], Response | None | Awaitable[Response | None]]

MAX_MIB = 512
"""Largest cutout, in MiB of voxels, if nothing else is said: BossDB's own limit is about this."""

_CUTOUTS = 4  # the largest ones that there is memory for, voxels or blosc, at a time
_CONNECTIONS = 512
_HEAD_BYTES = 2**14  # of path and headers
_PATIENCE = 300  # seconds for a client to take or send a cutout
_PIECE = 2**18  # bytes
_OVERHEAD = 16  # bytes that blosc may add
_URI = re.compile(r"bossdb://([\w-]+)/([\w-]+)/([\w-]+)", re.ASCII)
_RANGE = re.compile(r"(-?\d{1,15}):(-?\d{1,15})", re.ASCII)
_CODES = {400: 1001, 401: 3004, 403: 3001, 404: 4000, 405: 1006, 413: 2000}  # the Boss's own


def _read(level: Level, box: Box, dtype: np.dtype[Any]) -> bytes:
    """Compress the voxels of a box; this takes about twice their bytes of memory."""
    part = level.array[box.slices(level.offset_zyx)]
    voxels = part if isinstance(part, np.ndarray) else part.read(order="C").result()
    voxels = np.ascontiguousarray(voxels, dtype)
    packed: bytes = blosc.compress(voxels, dtype.itemsize, clevel=5, cname="lz4")
    return packed


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
        Largest cutout, in MiB of voxels. All that are under way take four times this at most;
        others wait.

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
        for path, endpoint, methods in _ROUTES
        for slash in ("", "/", "//")  # intern lists collections with two
    ]
    archive = Starlette(
        routes=routes,
        middleware=[Middleware(_Gate, token=token)],
        exception_handlers={HTTPException: _refusal},
    )
    archive.router.redirect_slashes = False  # to whatever host the client names
    archive.state.collections = _collections(volumes)
    archive.state.public = token is None
    archive.state.writable = writable
    archive.state.faults = faults
    archive.state.max_bytes = min(max_mib * 2**20, blosc.MAX_BUFFERSIZE)
    archive.state.taken = 0  # bytes of memory that cutouts under way may take
    archive.state.freed = asyncio.Event()
    return archive


def _collections(volumes: Mapping[str, Volume]) -> dict[str, dict[str, dict[str, Volume]]]:
    """Sort volumes by collection, experiment and channel."""
    collections: dict[str, dict[str, dict[str, Volume]]] = {}
    for uri, volume in volumes.items():
        match = _URI.fullmatch(uri)
        if not match:
            raise ValueError(f"{uri!r} is no channel: write bossdb://collection/experiment/channel")
        collection, experiment, channel = match.groups()
        channels = collections.setdefault(collection, {}).setdefault(experiment, {})
        channels[channel] = volume
        first = next(iter(channels.values()))
        if _frame(first) != _frame(volume):
            raise ValueError(
                f"{uri} differs in extent, offset or voxel size from {next(iter(channels))}: "
                "serve it in another experiment"
            )
        if len({v.hierarchy_method for v in channels.values() if len(v.levels) > 1}) > 1:
            raise ValueError(
                f"the levels of {uri} grow along other axes than those of the channels beside it: "
                "serve it in another experiment"
            )
    return collections


def _frame(volume: Volume) -> dict[str, Any]:
    """Return what the Boss calls a coordinate frame: extent and voxel size of the finest level."""
    finest = volume.levels[0]
    x0, x1, y0, y1, z0, z1 = finest.box
    z, y, x = finest.voxel_size_nm_zyx
    edges = {"x_start": x0, "x_stop": x1, "y_start": y0, "y_stop": y1, "z_start": z0, "z_stop": z1}
    sizes = {"x_voxel_size": x, "y_voxel_size": y, "z_voxel_size": z}
    return {**edges, **sizes, "voxel_unit": "nanometers"}


class _Gate:
    """Let a request pass only if its head is of a sane size and carries the token."""

    def __init__(self, inner: ASGIApp, token: str | None) -> None:
        self.inner = inner
        self.expected = None if token is None else f"Token {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # h11 has such a limit, but not for what comes in one piece
            fields = [scope["raw_path"], scope["query_string"], *itertools.chain(*scope["headers"])]
            if sum(map(len, fields)) > _HEAD_BYTES:
                message = f"path and headers have more than {_HEAD_BYTES} bytes"
                await _error(431, message)(scope, receive, send)
                return
        if scope["type"] == "http" and self.expected is not None:
            sent = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(sent, self.expected):
                message = "this archive needs a token" if not sent else "the token is not valid"
                await _error(401, message)(scope, receive, send)
                return
        await self.inner(scope, receive, send)


def _error(status: int, message: str) -> JSONResponse:
    code = _CODES.get(status, 1006)
    return JSONResponse({"status": status, "code": code, "message": message}, status)


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail)


def _find(request: Request, *kinds: str) -> Any:
    """Go down from the collections to what the path names, or answer 404."""
    found = request.app.state.collections
    for kind in kinds:
        name = request.path_params[kind]
        if name not in found:
            raise HTTPException(404, f"there is no {kind} {name!r} here")
        found = found[name]
    return found


async def _list_collections(request: Request) -> Response:
    return JSONResponse({"collections": list(_find(request))})


async def _list_experiments(request: Request) -> Response:
    return JSONResponse({"experiments": list(_find(request, "collection"))})


async def _list_channels(request: Request) -> Response:
    return JSONResponse({"channels": list(_find(request, "collection", "experiment"))})


async def _list_frames(request: Request) -> Response:
    collections = request.app.state.collections
    return JSONResponse({"coords": [f"{c}.{e}" for c in collections for e in collections[c]]})


async def _show_collection(request: Request) -> Response:
    experiments = _find(request, "collection")
    name = request.path_params["collection"]
    return _show(request, name, experiments=list(experiments))


async def _show_experiment(request: Request) -> Response:
    channels = _find(request, "collection", "experiment")
    collection, name = request.path_params["collection"], request.path_params["experiment"]
    deepest = max(channels.values(), key=lambda volume: len(volume.levels))
    return _show(
        request,
        name,
        collection=collection,
        channels=list(channels),
        coord_frame=f"{collection}.{name}",
        num_hierarchy_levels=len(deepest.levels),
        hierarchy_method=deepest.hierarchy_method,
        num_time_samples=1,
        time_step=0,
        time_step_unit="seconds",
    )


async def _show_channel(request: Request) -> Response:
    volume = _find(request, "collection", "experiment", "channel")
    return _show(
        request,
        request.path_params["channel"],
        experiment=request.path_params["experiment"],
        type=volume.kind,
        datatype=volume.dtype.name,
        base_resolution=0,
        default_time_sample=0,
        downsample_status="DOWNSAMPLED" if len(volume.levels) > 1 else "NOT_DOWNSAMPLED",
        sources=[],
        related=[],
        storage_type="spdb",  # what makes intern ask here, and not a bucket
        bucket=None,
        cv_path=None,
    )


async def _show_frame(request: Request) -> Response:
    name = request.path_params["frame"]
    collection, _, experiment = name.partition(".")  # a name of theirs has no dot
    channels = request.app.state.collections.get(collection, {}).get(experiment)
    if channels is None:
        raise HTTPException(404, f"there is no coordinate frame {name!r} here")
    return _show(request, name, **_frame(next(iter(channels.values()))))


def _show(request: Request, name: str, **attributes: Any) -> Response:
    """Answer with what the Boss tells of every resource, and what it tells of this one."""
    shared = {"name": name, "description": "", "creator": "bossflow"}
    return JSONResponse({**shared, "public": request.app.state.public, **attributes})


async def _cutout(request: Request) -> ASGIApp:
    """Read or write one box of a channel."""
    state = request.app.state
    if state.faults is not None:
        fault = state.faults(request)
        fault = await fault if inspect.isawaitable(fault) else fault
        if isinstance(fault, Response):
            return fault
    volume: Volume = _find(request, "collection", "experiment", "channel")
    level, box = _locate(request, volume)
    n_bytes = box.voxel_count * volume.dtype.itemsize
    if n_bytes > state.max_bytes:
        raise HTTPException(
            413,
            f"box {box.name} has {n_bytes} bytes, and {state.max_bytes} can be sent: ask for less",
        )
    if request.method == "POST":
        if not state.writable:
            raise HTTPException(403, "this archive is served for reading only")
        async with _memory(state, 2 * n_bytes):
            packed = await _body(request, n_bytes + _OVERHEAD)
            try:
                await run_in_threadpool(_write, level, box, volume.dtype, packed)
            except ValueError as error:
                raise HTTPException(400, str(error)) from error
        return Response(status_code=201)
    if "filter" in request.query_params:
        raise HTTPException(400, "cutouts filtered by id are not served: leave filter out")

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        async with _memory(state, 2 * n_bytes):  # until all is sent
            try:
                packed = await run_in_threadpool(_read, level, box, volume.dtype)
            except (ValueError, OSError) as error:  # it says where the volume is
                print(f"box {box.name} can't be read: {error}", file=sys.stderr)
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


def _locate(request: Request, volume: Volume) -> tuple[Level, Box]:
    """Find the level and box that the path names, or answer 400."""
    path = request.path_params
    resolution = path["resolution"]
    if not (re.fullmatch("[0-9]{1,3}", resolution) and int(resolution) < len(volume.levels)):
        raise HTTPException(
            400, f"resolution {resolution} is not served: it has 0..{len(volume.levels) - 1}"
        )
    level = volume.levels[int(resolution)]
    ranges = [_RANGE.fullmatch(path[axis]) for axis in "xyz"]
    edges = [int(edge) for match in ranges if match for edge in match.groups()]
    if len(edges) != 6 or any(edges[i] >= edges[i + 1] for i in (0, 2, 4)):
        asked = "/".join(path[axis] for axis in "xyz")
        raise HTTPException(400, f"{asked} is no box: write x0:x1/y0:y1/z0:z1, each end larger")
    box = Box(*edges)
    if not level.box.contains(box):
        raise HTTPException(
            400,
            f"box {box.name} leaves the channel: resolution {resolution} has {level.box.name}",
        )
    return level, box


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


_EXPERIMENTS = "/v1/collection/{collection}/experiment"
_CHANNELS = _EXPERIMENTS + "/{experiment}/channel"
_CUTOUT = "/v1/cutout/{collection}/{experiment}/{channel}/{resolution}/{x}/{y}/{z}"
_ROUTES: list[tuple[str, Callable[[Request], Awaitable[ASGIApp]], list[str]]] = [
    ("/v1/collection", _list_collections, ["GET"]),
    ("/v1/collection/{collection}", _show_collection, ["GET"]),
    (_EXPERIMENTS, _list_experiments, ["GET"]),
    (_EXPERIMENTS + "/{experiment}", _show_experiment, ["GET"]),
    (_CHANNELS, _list_channels, ["GET"]),
    (_CHANNELS + "/{channel}", _show_channel, ["GET"]),
    ("/v1/coord", _list_frames, ["GET"]),
    ("/v1/coord/{frame}", _show_frame, ["GET"]),
    (_CUTOUT, _cutout, ["GET", "POST"]),
]


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
    help="Voxel size of volumes that state none; 1,1,1 if not given.",
)
@click.option("--demo", "with_demo", is_flag=True, help="Make the demo volume and serve it.")
@click.option("--writable", is_flag=True, help="Let cutouts be written into the volumes.")
@click.option(
    "--max-cutout-mib",
    "max_mib",
    type=click.IntRange(1, 2047),
    default=MAX_MIB,
    show_default=True,
    help="Largest cutout, in MiB of voxels; memory for four is taken at most.",
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
