"""What the archive tells of its channels, as the Boss does: experiments, frames, levels."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from ..voxels.boxes import Box
from .volumes import Volume, reduced

_URI = re.compile(r"bossdb://([\w-]+)/([\w-]+)/([\w-]+)", re.ASCII)
CODES = {400: 1001, 401: 3004, 403: 3001, 404: 4000, 405: 1006, 413: 2000}
"""The Boss's own codes of errors, where nothing else is said."""

TYPE_ERROR = 1002
CUBOID_XYZ = [512, 512, 16]


class Refusal(HTTPException):
    """An answer of the Boss's that refuses, with a code of its own."""

    def __init__(self, status: int, message: str, code: int = 0) -> None:
        super().__init__(status, message)
        self.code = code


def error(status: int, message: str, code: int = 0) -> JSONResponse:
    """Return an error as the Boss words it."""
    code = code or CODES.get(status, 1006)
    return JSONResponse({"status": status, "code": code, "message": message}, status)


class Experiment(NamedTuple):
    """Channels that share a coordinate frame.

    Attributes
    ----------
    channels : dict
        Volumes by name.
    frame : Box
        Extent, in voxels of resolution 0.
    voxel_size_nm_zyx : tuple of float
        Of resolution 0.
    hierarchy_method : str
    n_levels, n_samples : int
    stale : set of str
        Channels that were written to: the Boss takes their coarser levels for outdated.
    """

    channels: dict[str, Volume]
    frame: Box
    voxel_size_nm_zyx: tuple[float, ...]
    hierarchy_method: str
    n_levels: int
    n_samples: int
    stale: set[str]

    def scale_zyx(self, resolution: int) -> tuple[int, int, int]:
        """Return how many voxels of resolution 0 make one, on each axis."""
        scale = 2**resolution
        return (scale if self.hierarchy_method == "isotropic" else 1), scale, scale

    def downsample_status(self, channel: str) -> str:
        """Return what the Boss says of a channel's levels above the one that was written."""
        volume = self.channels[channel]
        if channel in self.stale:
            return "NOT_DOWNSAMPLED"
        whole = len(volume.levels) == self.n_levels > 1
        return volume.downsample_status or ("DOWNSAMPLED" if whole else "NOT_DOWNSAMPLED")

    def extent_xyz(self, channel: str, resolution: int) -> list[int]:
        """Return where a resolution ends, counted from 0: the Boss halves and rounds up."""
        volume = self.channels[channel]
        level = resolution - volume.base_resolution
        if 0 <= level < len(volume.levels):
            return list(reversed(volume.levels[level].box.end_zyx))
        pairs = zip(self.frame.end_zyx, self.scale_zyx(resolution), strict=True)
        return [-(-end // scale) for end, scale in pairs][::-1]


Collections = dict[str, dict[str, Experiment]]


def collections(volumes: Mapping[str, Volume]) -> Collections:
    """Sort volumes by collection, experiment and channel.

    Raises
    ------
    ValueError
        If a URI is malformed, or channels of one experiment disagree.
    """
    channels: dict[tuple[str, str], dict[str, Volume]] = {}
    for uri, volume in volumes.items():
        match = _URI.fullmatch(uri)
        if not match:
            raise ValueError(f"{uri!r} is no channel: write bossdb://collection/experiment/channel")
        collection, experiment, channel = match.groups()
        channels.setdefault((collection, experiment), {})[channel] = volume
    found: Collections = {}
    for (collection, name), some in channels.items():
        found.setdefault(collection, {})[name] = _experiment(f"bossdb://{collection}/{name}", some)
    return found


def _experiment(where: str, channels: dict[str, Volume]) -> Experiment:
    first = min(channels, key=lambda name: channels[name].base_resolution)
    methods = {one.hierarchy_method for one in channels.values() if len(one.levels) > 1}
    if len(methods) > 1:
        raise ValueError(
            f"the levels of channels in {where} grow along different axes: serve them in different "
            "experiments"
        )
    found = Experiment(
        channels,
        channels[first].levels[0].box,
        channels[first].levels[0].voxel_size_nm_zyx,
        methods.pop() if methods else "anisotropic",
        max(len(one.levels) for one in channels.values()),
        max(one.num_time_samples for one in channels.values()),
        set(),
    )
    scale_zyx = found.scale_zyx(channels[first].base_resolution)
    sizes = zip(found.voxel_size_nm_zyx, scale_zyx, strict=True)
    found = found._replace(
        frame=_scaled(found.frame, scale_zyx),
        voxel_size_nm_zyx=tuple(size / scale for size, scale in sizes),
    )
    for name, volume in channels.items():
        finest, scale_zyx = volume.levels[0], found.scale_zyx(volume.base_resolution)
        sizes = zip(found.voxel_size_nm_zyx, scale_zyx, strict=True)
        if finest.box != reduced(found.frame, scale_zyx) or any(
            abs(size * scale - own) > 1e-6 * own
            for (size, scale), own in zip(sizes, finest.voxel_size_nm_zyx, strict=True)
        ):
            raise ValueError(
                f"{where}/{name} differs in extent, offset or voxel size from {first}: serve it in "
                "another experiment"
            )
    return found


def _scaled(box: Box, scale_zyx: tuple[int, int, int]) -> Box:
    z, y, x = scale_zyx
    return Box(*(edge * scale for edge, scale in zip(box, (x, x, y, y, z, z), strict=True)))


# ---- the services ----


def find(request: Request, *kinds: str) -> Any:
    """Go down from the collections to what the path names, or answer 404, or 403."""
    found: Any = request.app.state.collections
    for kind in kinds:
        name = request.path_params[kind]
        within = found.channels if kind == "channel" else found
        if name not in within:
            raise HTTPException(404, f"there is no {kind} {name!r} here")
        found = within[name]
    if "channel" in kinds and request.scope["anonymous"] and not found.public:
        raise HTTPException(403, f"Missing read permissions on the resource {name}")
    return found


async def _list_collections(request: Request) -> Response:
    return JSONResponse({"collections": list(find(request))})


async def _list_experiments(request: Request) -> Response:
    return JSONResponse({"experiments": list(find(request, "collection"))})


async def _list_channels(request: Request) -> Response:
    return JSONResponse({"channels": list(find(request, "collection", "experiment").channels)})


async def _list_frames(request: Request) -> Response:
    return JSONResponse({"coords": list(_frames(request))})


async def _show_collection(request: Request) -> Response:
    experiments = find(request, "collection")
    name = request.path_params["collection"]
    return _show(request, name, experiments=list(experiments))


async def _show_experiment(request: Request) -> Response:
    found: Experiment = find(request, "collection", "experiment")
    frame = next(name for name, one in _frames(request).items() if one is found)
    return _show(
        request,
        request.path_params["experiment"],
        collection=request.path_params["collection"],
        channels=list(found.channels),
        coord_frame=frame,
        num_hierarchy_levels=found.n_levels,
        hierarchy_method=found.hierarchy_method,
        num_time_samples=found.n_samples,
        time_step=0,
        time_step_unit="seconds",
    )


async def _show_channel(request: Request) -> Response:
    volume: Volume = find(request, "collection", "experiment", "channel")
    name = request.path_params["channel"]
    bucket, path = volume.bucket or (None, None)
    return _show(
        request,
        name,
        experiment=request.path_params["experiment"],
        type=volume.kind,
        datatype=volume.dtype.name,
        base_resolution=volume.base_resolution,
        default_time_sample=0,
        downsample_status=find(request, "collection", "experiment").downsample_status(name),
        sources=[],
        related=[],
        storage_type="cloudvol" if bucket else "spdb",  # makes intern ask there, or here
        bucket=bucket,
        cv_path=path,
    )


async def _show_frame(request: Request) -> Response:
    name = request.path_params["frame"]
    found = _frames(request).get(name)
    if found is None:
        raise HTTPException(404, f"there is no coordinate frame {name!r} here")
    x0, x1, y0, y1, z0, z1 = found.frame
    z, y, x = found.voxel_size_nm_zyx
    edges = {"x_start": x0, "x_stop": x1, "y_start": y0, "y_stop": y1, "z_start": z0, "z_stop": z1}
    sizes = {"x_voxel_size": x, "y_voxel_size": y, "z_voxel_size": z}
    return _show(request, name, **edges, **sizes, voxel_unit="nanometers")


async def _show_levels(request: Request) -> Response:
    """Answer as the Boss's `downsample` service; it counts levels from 0, whatever the base."""
    find(request, "collection", "experiment", "channel")
    found: Experiment = find(request, "collection", "experiment")
    channel = request.path_params["channel"]
    z, y, x = found.voxel_size_nm_zyx
    if found.hierarchy_method == "anisotropic" and x != y:
        message = "Error while getting downsampled voxel dimensions: X voxel size != Y voxel size."
        return error(400, message, 9001)
    levels = range(found.n_levels)
    scales = [found.scale_zyx(level) for level in levels]
    return JSONResponse(
        {
            "status": found.downsample_status(channel),
            "num_hierarchy_levels": found.n_levels,
            "voxel_size": {
                str(i): [x * by_x, y * by_y, z * by_z]
                for i, (by_z, by_y, by_x) in enumerate(scales)
            },
            "extent": {str(i): found.extent_xyz(channel, i) for i in levels},
            "cuboid_size": {str(i): CUBOID_XYZ for i in levels},
        }
    )


async def _show_meta(request: Request) -> Response:
    """Answer as the Boss where nobody noted anything."""
    kinds = [
        kind for kind in ("collection", "experiment", "channel") if kind in request.path_params
    ]
    find(request, *kinds)
    if "key" not in request.query_params:
        return JSONResponse({"keys": []})
    key = request.query_params["key"]
    return error(400, f"Invalid request. Key {key} Not found in the database", 1003)


def _frames(request: Request) -> dict[str, Experiment]:
    """Return experiments by the names of their coordinate frames: unique, and without a dot."""
    found: dict[str, Experiment] = {}
    for collection, experiments in find(request).items():
        for name, experiment in experiments.items():
            frame = f"{collection}_{name}"
            while frame in found:
                frame += "_"
            found[frame] = experiment
    return found


def _show(request: Request, name: str, **attributes: Any) -> Response:
    """Answer with what the Boss tells of every resource, and what it tells of this one."""
    shared = {"name": name, "description": "", "creator": "bossflow"}
    return JSONResponse({**shared, "public": request.app.state.public, **attributes})


_EXPERIMENTS = "/v1/collection/{collection}/experiment"
_CHANNELS = _EXPERIMENTS + "/{experiment}/channel"
_META = "/v1/meta/{collection}"
ROUTES: list[tuple[str, Callable[[Request], Awaitable[ASGIApp]], list[str]]] = [
    ("/v1/collection", _list_collections, ["GET"]),
    ("/v1/collection/{collection}", _show_collection, ["GET"]),
    (_EXPERIMENTS, _list_experiments, ["GET"]),
    (_EXPERIMENTS + "/{experiment}", _show_experiment, ["GET"]),
    (_CHANNELS, _list_channels, ["GET"]),
    (_CHANNELS + "/{channel}", _show_channel, ["GET"]),
    ("/v1/coord", _list_frames, ["GET"]),
    ("/v1/coord/{frame}", _show_frame, ["GET"]),
    ("/v1/downsample/{collection}/{experiment}/{channel}", _show_levels, ["GET"]),
    (_META, _show_meta, ["GET"]),
    (_META + "/{experiment}", _show_meta, ["GET"]),
    (_META + "/{experiment}/{channel}", _show_meta, ["GET"]),
]
