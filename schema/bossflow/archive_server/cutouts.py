"""Cutouts of channels: located, refused as the Boss does, read and written."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import blosc
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..voxels.boxes import Box
from .experiments import Experiment
from .served import Level, Volume
from .services import TYPE_ERROR, Refusal, find

Faults = Callable[[Request], Response | None | Awaitable[Response | None]]

PATH = "/v1/cutout/{collection}/{experiment}/{channel}/{resolution}/{x}/{y}/{z}"

MAX_MIB = 520
"""Largest cutout, in MiB of voxels, if nothing else is said: BossDB's own limit."""

_CUTOUTS = 4  # the largest ones that there is memory for, voxels or blosc, at a time
_PATIENCE = 300  # seconds for a client to take or send a cutout
_PIECE = 2**18  # bytes
_OVERHEAD = 16  # bytes that blosc may add
_RANGE = re.compile(r"([0-9]+):([0-9]+)")


async def cutout(request: Request) -> ASGIApp:
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


def _read(level: Level | None, box: Box, dtype: np.dtype[Any]) -> bytes:
    """Compress the voxels of a box; this takes about twice their bytes of memory.

    What a level has not, inside of the coordinate frame, is zero, as in the Boss.
    """
    inside = _there(level, box)
    if level and inside == box:
        voxels = np.ascontiguousarray(_part(level, box), dtype)
    else:
        voxels = np.zeros(box.shape_zyx, dtype)
        if level and inside:
            voxels[inside.slices(box.corner_zyx)] = _part(level, inside)
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
