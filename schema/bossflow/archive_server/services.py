"""What the archive tells of its channels, as the Boss does: experiments, frames, levels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from .experiments import Experiment
from .served import Volume

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


def find(request: Request, *kinds: str) -> Any:
    """Go down from the collections to what the path names, or answer 404, or 403."""
    resource: Any = request.app.state.collections
    for kind in kinds:
        name = request.path_params[kind]
        within = resource.channels if kind == "channel" else resource
        if name not in within:
            raise HTTPException(404, f"there is no {kind} {name!r} here")
        resource = within[name]
    if "channel" in kinds and request.scope["anonymous"] and not resource.public:
        raise HTTPException(403, f"Missing read permissions on the resource {name}")
    return resource


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
    experiment: Experiment = find(request, "collection", "experiment")
    frame = next(name for name, other in _frames(request).items() if other is experiment)
    return _show(
        request,
        request.path_params["experiment"],
        collection=request.path_params["collection"],
        channels=list(experiment.channels),
        coord_frame=frame,
        num_hierarchy_levels=experiment.n_levels,
        hierarchy_method=experiment.hierarchy_method,
        num_time_samples=experiment.n_samples,
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
    experiment = _frames(request).get(name)
    if experiment is None:
        raise HTTPException(404, f"there is no coordinate frame {name!r} here")
    x0, x1, y0, y1, z0, z1 = experiment.frame
    z, y, x = experiment.voxel_size_nm_zyx
    edges = {"x_start": x0, "x_stop": x1, "y_start": y0, "y_stop": y1, "z_start": z0, "z_stop": z1}
    sizes = {"x_voxel_size": x, "y_voxel_size": y, "z_voxel_size": z}
    return _show(request, name, **edges, **sizes, voxel_unit="nanometers")


async def _show_levels(request: Request) -> Response:
    """Answer as the Boss's `downsample` service; it counts levels from 0, whatever the base."""
    find(request, "collection", "experiment", "channel")
    experiment: Experiment = find(request, "collection", "experiment")
    channel = request.path_params["channel"]
    z, y, x = experiment.voxel_size_nm_zyx
    if experiment.hierarchy_method == "anisotropic" and x != y:
        message = "Error while getting downsampled voxel dimensions: X voxel size != Y voxel size."
        return error(400, message, 9001)
    levels = range(experiment.n_levels)
    scales = [experiment.scale_zyx(level) for level in levels]
    return JSONResponse(
        {
            "status": experiment.downsample_status(channel),
            "num_hierarchy_levels": experiment.n_levels,
            "voxel_size": {
                str(i): [x * by_x, y * by_y, z * by_z]
                for i, (by_z, by_y, by_x) in enumerate(scales)
            },
            "extent": {str(i): experiment.extent_xyz(channel, i) for i in levels},
            "cuboid_size": {str(i): CUBOID_XYZ for i in levels},
        }
    )


async def _show_meta(request: Request) -> Response:
    """Answer as the Boss with what was noted of a collection, an experiment or a channel."""
    kinds = [
        kind for kind in ("collection", "experiment", "channel") if kind in request.path_params
    ]
    find(request, *kinds)
    noted = request.app.state.meta.get("/".join(request.path_params[kind] for kind in kinds), {})
    if "key" not in request.query_params:
        return JSONResponse({"keys": list(noted)})
    key = request.query_params["key"]
    if key in noted:
        return JSONResponse({"key": key, "value": noted[key]})
    return error(400, f"Invalid request. Key {key} Not found in the database", 1003)


def _frames(request: Request) -> dict[str, Experiment]:
    """Return experiments by the names of their coordinate frames: unique, and without a dot."""
    frames: dict[str, Experiment] = {}
    for collection, experiments in find(request).items():
        for name, experiment in experiments.items():
            frame = f"{collection}_{name}"
            while frame in frames:
                frame += "_"
            frames[frame] = experiment
    return frames


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
