"""What there is to look at of requests: the image, and the volumes that they make.

All of it is known from the database; nothing is opened.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core import given, installed, ledger, registry, stores, work
from ..core.tables import Request, Run
from ..volumes.made import Output, Volumes
from ..volumes.tables import MadeChannel, RequestImage
from ..voxels.archives.made import ARCHIVE, is_made, named
from ..voxels.boxes import Box
from .layer import Layer, Level, Place, Points, Table


def layers(request_ids: Iterable[str]) -> list[Layer]:
    """Return what there is to look at of requests, from below: the image first, then what is made.

    Of a workflow that reads and makes no volumes there is nothing.

    Parameters
    ----------
    request_ids : iterable of str
        Whole ids of recorded requests.

    Raises
    ------
    ValueError
        If one can't be recalled, or its workflow can't be used here.
    """
    here = stores.Here()
    return [layer for name in request_ids for layer in _of(name, here)]


def _of(request_id: str, here: stores.Here) -> list[Layer]:
    workflow, request = recalled(request_id)
    seen = _volumes(workflow, request, here)
    for name, one in workflow.layers(request).items():
        if "points" not in one:
            continue
        directory, problem = _held(workflow, request, name, _holder(workflow, request, one), here)
        if directory is None:
            seen.append(Layer(request_id, name, "image", problem=problem))
            continue
        store = directory.parents[2]
        path = (directory.relative_to(store) / one["points"]).as_posix()
        columns = one["name"], one["score"], one["radius"], tuple(one["place"])
        channel, box = request.given["channel"], Box.parse(request.given["cutout"])
        size = tuple(channel[f"voxel_size_{axis}"] for axis in "xyz")
        points = Points(request_id, store, path, *columns, size, box)
        seen[0] = dataclasses.replace(seen[0], points=(points,))
    return seen


def _volumes(workflow: work.Workflow, request: work.Request, here: stores.Here) -> list[Layer]:
    request_id = request.request_id
    made = _made(workflow, request, here)
    if "channel" not in request.given:
        return made
    told = workflow.layers(request)
    uris = (RequestImage() & {"request_id": request_id}).to_arrays("image_uri")
    if len(uris):
        return [_image(request, str(uris[0]), here), *made]
    if "image" in told:
        other = dataclasses.replace(request, given=told["image"]["given"])
        return [dataclasses.replace(_read(other, here), kind="image"), *made]
    if any(one.reads and not one.problem for one in made):
        return made
    return [_read(request, here), *made]


def _image(request: work.Request, uri: str, here: stores.Here) -> Layer:
    """Return the layer of the image that was named last to look at a request with."""
    layer = Layer(request.request_id, "image", "image", uri, host=_host(request.request_id))
    if not is_made(uri):
        return layer
    asked = named(uri)
    if not Request() & {"request_id": asked.request}:
        why = f"image {uri} is not there any more: its request was forgotten"
        return dataclasses.replace(layer, source=None, problem=why)
    made = next(one for one in _made(*recalled(asked.request), here) if one.name == asked.output)
    return dataclasses.replace(made, request_id=request.request_id, name="image")


def recalled(request_id: str) -> tuple[work.Workflow, work.Request]:
    """Return a recorded request, and its workflow."""
    (name,) = (Request() & {"request_id": request_id}).to_arrays("workflow")
    workflow = installed.opened(str(name))
    (request,) = given.recalled(workflow, [request_id])
    return workflow, request


def _read(request: work.Request, here: stores.Here) -> Layer:
    """Return the layer of what a request reads."""
    channel, told = request.given["channel"], request.request_id
    size = tuple(channel[f"voxel_size_{axis}"] for axis in "xyz")
    layer = Layer(
        told,
        "image",
        _kind(channel["kind"]),
        archive=channel["archive"],
        host=_host(told),
        resolution=channel["resolution"],
        chosen=request.given["chosen"] or {},
        levels=(Level(channel["resolution"], Box.parse(request.given["cutout"]), size, ""),),
        dtype=channel["dtype"],
    )
    if channel["archive"] != ARCHIVE:
        return dataclasses.replace(layer, source=channel["uri"])
    maker = (MadeChannel() & {"channel_id": channel["channel_id"]}).fetch1()
    volumes = _made(*recalled(maker["request_id"]), here)
    made = next(one for one in volumes if one.name == maker["output_name"])
    level = next(one for one in made.levels if one.number == channel["resolution"])
    seen = layer.levels[0]._replace(key=level.key)
    return dataclasses.replace(layer, place=made.place, problem=made.problem, levels=(seen,))


def _made(workflow: work.Workflow, request: work.Request, here: stores.Here) -> list[Layer]:
    """Return the layers of what a request makes, and those that its workflow tells of."""
    makes, told = workflow.makes, workflow.layers(request)
    outputs = makes.outputs(request) if isinstance(makes, Volumes) else []
    by_name: dict[str, list[Output]] = {}
    for output in outputs:
        by_name.setdefault(output.name, []).append(output)
    found = {}
    for name, levels in by_name.items():
        directory, problem = _bundle(workflow, request, levels[0], here)
        found[name] = _of_output(request.request_id, levels, directory, problem)
        one = told.get(name, {})
        if directory and "process" in one:
            directory, _ = _held(workflow, request, name, _holder(workflow, request, one), here)
        if directory:
            found[name] = _with_told(found[name], directory, one)
    for name, one in told.items():
        if name in found or name == "image" or "points" in one:
            continue
        if "process" in one:
            found[name] = _of_source(workflow, request, name, one, here)
            continue
        level = Level(0, Box.parse(one["box"]), tuple(one["voxel_size_nm_zyx"][::-1]), "")
        known = {"source": one["source"], "levels": (level,), "dtype": one["dtype"]}
        found[name] = Layer(request.request_id, name, _kind(one["kind"]), **known)
    return [*found.values()]


def _of_output(
    request_id: str, levels: list[Output], directory: Path | None, problem: str | None
) -> Layer:
    place, first = None, levels[0]
    if directory:
        store, files = directory.parents[2], first.files
        inside = (directory / files["volume"]).relative_to(store).as_posix()
        place = Place(store, inside, files["format"])
    seen = (
        Level(one.level, one.extent, one.voxel_size_nm_zyx[::-1], one.files["level"])
        for one in levels
    )
    return Layer(
        request_id,
        first.name,
        _kind(first.kind),
        place=place,
        problem=problem,
        archive=ARCHIVE,
        levels=tuple(seen),
        dtype=first.dtype,
    )


def _of_source(
    workflow: work.Workflow,
    request: work.Request,
    name: str,
    told: dict[str, Any],
    here: stores.Here,
) -> Layer:
    """Return the layer of what a request reads, with what it makes of its segments."""
    layer = dataclasses.replace(_read(request, here), name=name, kind="segmentation", reads=True)
    directory, problem = _held(workflow, request, name, _holder(workflow, request, told), here)
    if directory is None:
        return dataclasses.replace(layer, problem=problem)
    return _with_told(layer, directory, told)


def _holder(workflow: work.Workflow, request: work.Request, told: dict[str, Any]) -> work.UnitPlan:
    """Return the one unit of the process that is told of."""
    return next(unit for unit in workflow.units(request) if unit.process == told["process"])


def _with_told(layer: Layer, directory: Path, told: dict[str, Any]) -> Layer:
    """Return a layer with what its workflow tells of its segments, which is in a bundle."""
    store = directory.parents[2]
    path = directory.relative_to(store)
    table = None
    meshes, skeletons = (
        Place(store, (path / told[name]).as_posix(), "precomputed") if name in told else None
        for name in ("meshes", "skeletons")
    )
    if "table" in told:
        table = Table(
            store,
            (path / told["table"]).as_posix(),
            told["segment"],
            told["numbers"],
            told.get("label"),
            told.get("one", "component"),
            told.get("columns", {}),
        )
    return dataclasses.replace(layer, table=table, meshes=meshes, skeletons=skeletons)


def _bundle(
    workflow: work.Workflow, request: work.Request, output: Output, here: stores.Here
) -> tuple[Path | None, str | None]:
    """Return the directory of the bundle that holds an output here, or why there is none."""
    identity = output.channel(request.request_id)["channel_id"]
    makers = (
        unit
        for unit in workflow.units(request)
        if any(key["channel_id"] == identity for key in unit.makes)
    )
    maker = next(makers)
    return _held(workflow, request, output.name, maker.within or maker, here)


def _held(
    workflow: work.Workflow,
    request: work.Request,
    name: str,
    holder: work.UnitPlan,
    here: stores.Here,
) -> tuple[Path | None, str | None]:
    """Return the directory of a unit's bundle here, or why there is none."""
    recorded = ledger.recorded_units(registry.stage_tables([workflow]), [holder])
    if holder.unit_id not in recorded:
        return None, f"{name} of request {request.request_id} is not made yet"
    bundle = recorded[holder.unit_id]
    candidates = [Path(path) for path in here.candidates(bundle)]
    if candidates:
        return candidates[0], None
    where = here.where_is(bundle)
    why = "was deleted to make room" if bundle.dropped else f"lies in store {where}, which is away"
    return None, f"{name} of request {request.request_id} {why}"


def _host(request_id: str) -> str:
    """Return the address of BossDB that was asked when a request first was."""
    rows = Run.proj("run_parameters", first_run_id="run_id") * Request()
    (parameters,) = (rows & {"request_id": request_id}).to_arrays("run_parameters")
    return str(parameters.get("bossdb_host") or "")


def _kind(kind: str) -> str:
    return "segmentation" if kind == "annotation" else "image"
