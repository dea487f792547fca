"""Layers of webknossos datasets, by `datasource-properties.json`.

A layer is a precomputed volume, or arrays of Zarr or N5, whose index is the dataset's coordinate;
what there is of it, its bounding box says. Voxels of all mags begin at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ...boxes import Box
from .. import Refused, brief
from ..places.kvstores import json_at, told, under
from . import precomputed, stated
from .nodes import node_at
from .stated import Level
from .units import nanometers

FILE = "datasource-properties.json"

_DRIVERS = {"zarr": "zarr", "zarr3": "zarr3", "n5": "n5"}
_PRECOMPUTED = "neuroglancerPrecomputed"


def layer_of(uri: str) -> str:
    """Return the name of a layer, which follows #; empty where none is named."""
    return uri.rpartition("#")[2] if uri.startswith("webknossos://") and "#" in uri else ""


def named(uri: str, kvstore: dict[str, Any]) -> dict[str, str]:
    """Return the formats of a dataset's layers, by their names."""
    layers = _dataset(uri, kvstore)["dataLayers"]
    return {str(layer["name"]): str(layer["dataFormat"]) for layer in layers}


def levels(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    """Return the mags of a layer, the finest first."""
    about, name = _dataset(uri, kvstore), layer_of(uri)
    layers = {str(layer["name"]): layer for layer in about["dataLayers"]}
    if name not in layers:
        what = f"has no layer {brief(name)}" if name else "names no layer of the dataset"
        raise Refused(f"{uri} {what}: write # and one of {', '.join(layers)} after its place")
    layer = layers[name]
    form = layer["dataFormat"]
    if form not in (*_DRIVERS, _PRECOMPUTED):
        raise Refused(
            f"{uri} is of format {brief(form)}, which only webknossos' own library reads: convert "
            "the dataset to zarr3 with it (webknossos convert-zarr)"
        )
    mags = sorted(layer["mags"], key=lambda mag: prod(_mag_zyx(mag)))
    size_zyx, unit_nm = _voxel_size(about)
    finest_zyx = [size * n for size, n in zip(size_zyx, _mag_zyx(mags[0]), strict=True)]
    listed = []
    for mag in mags:
        level = _level(uri, kvstore, layer, mag)
        scale = [size * n for size, n in zip(size_zyx, _mag_zyx(mag), strict=True)]
        pairs = zip(scale, finest_zyx, strict=True)
        level = level._replace(
            kind="annotation" if layer["category"] == "segmentation" else "image",
            scale_zyx=tuple(scale),
            unit_nm_zyx=(unit_nm,) * 3,
            translation_zyx=tuple((size - finest) / 2 for size, finest in pairs),
            placed=True,
        )
        listed.append(level)
    return listed


def _dataset(uri: str, kvstore: dict[str, Any]) -> dict[str, Any]:
    about = told(json_at(uri, kvstore, FILE))
    if about is None:
        raise Refused(f"there is no webknossos dataset at {uri}: it has no {FILE}")
    found: dict[str, Any] = about
    return found


def _voxel_size(about: dict[str, Any]) -> tuple[list[float], float | None]:
    """Return the size of voxels of mag 1, ZYX, and its unit in nanometres, which is the default."""
    size = about.get("voxelSize", about.get("scale"))
    if not isinstance(size, dict):
        size = {"factor": size}
    x, y, z = (float(side) for side in size["factor"])
    return [z, y, x], nanometers(size.get("unit", "nanometer"))


def _mag_zyx(mag: dict[str, Any]) -> list[int]:
    number = mag["mag"]
    x, y, z = [number] * 3 if isinstance(number, int) else number
    if not all(isinstance(side, int) and side > 0 for side in (x, y, z)):
        raise ValueError(f"mag {number}")
    return [z, y, x]


def _bounds(layer: dict[str, Any], mag_zyx: Sequence[int]) -> Box:
    """Return the voxels of a mag that there are, also those of which a part is."""
    box = layer["boundingBox"]
    starts = [int(start) for start in box["topLeft"]]
    sides = [int(box[side]) for side in ("width", "height", "depth")]
    if min(sides) < 0:
        raise ValueError(f"boundingBox {box}")
    edges = zip(starts, sides, reversed(mag_zyx), strict=True)
    return Box(*(end for low, n, m in edges for end in (low // m, -(-(low + n) // m))))


def _level(uri: str, kvstore: dict[str, Any], layer: dict[str, Any], mag: dict[str, Any]) -> Level:
    mag_zyx = _mag_zyx(mag)
    x, y, z = reversed(mag_zyx)
    own = f"{x}" if x == y == z else f"{x}-{y}-{z}"
    path = str(mag.get("path", f"{layer['name']}/{own}")).removeprefix("./").strip("/")
    outside = str(mag.get("path", "")).startswith("/") or "://" in path
    if outside or {"", "..", "."} & {*path.split("/")}:
        raise Refused(
            f"mag {own} of {uri} lies elsewhere, at {brief(path)}: name it by its address"
        )
    bounds = _bounds(layer, mag_zyx)
    if layer["dataFormat"] == _PRECOMPUTED:
        return _scale(uri, kvstore, path, bounds, own)
    place = under(kvstore, path)
    what = f"mag {own} of {uri}"
    shape, names = _array(what, place, layer["dataFormat"])
    order = {**mag.get("axisOrder", {})}
    order |= {axis["name"]: axis["index"] for axis in layer.get("additionalAxes", ())}
    by_order: list[Any] = [None] * len(shape)
    for axis, index in order.items():
        by_order[index] = axis
    if not order and not names:
        raise Refused(f"{what} has no axisOrder: write one into {FILE}, such as x 1, y 2, z 3")
    axes = stated.axes_of(what, [by_order, names], len(shape), "zyx")
    lengths = [shape[axes.index(axis)] for axis in "zyx"]
    if min(bounds.corner_zyx) < 0 or any(
        end > length for end, length in zip(bounds.end_zyx, lengths, strict=True)
    ):
        raise Refused(
            f"{what} has the bounding box {bounds.name}, which leaves its array of {lengths} "
            "(ZYX): mend one of them"
        )
    return Level({"driver": _DRIVERS[layer["dataFormat"]], "kvstore": place}, axes, bounds=bounds)


def _array(what: str, place: dict[str, Any], form: str) -> tuple[list[int], Any]:
    """Return an array's shape, and the names of its axes where it has some."""
    if form == "n5":
        about = told(json_at(what, place, "attributes.json"))
        if about and "dimensions" in about:
            return about["dimensions"], about.get("axes")
    else:
        node = node_at(what, place)
        if node and node.array and node.driver == _DRIVERS[form]:
            return node.array["shape"], node.array.get("dimension_names")
    raise Refused(f"{what} is not whole: there is no array of {form}")


def _scale(uri: str, kvstore: dict[str, Any], path: str, bounds: Box, own: str) -> Level:
    """Return a scale of a precomputed volume, which says itself what there is of it."""
    volume, _, key = path.rpartition("/")
    for level in precomputed.levels(uri, under(kvstore, volume)):
        assert level.precomputed
        scale = level.precomputed["scale"]
        if scale["key"] == key:
            offset = scale.get("voxel_offset", [0, 0, 0])
            extent = Box.of(offset[::-1], scale["size"][::-1])
            if extent != bounds:
                raise Refused(
                    f"mag {own} of {uri} has the bounding box {bounds.name}, and its volume "
                    f"{extent.name}: mend one of them"
                )
            return level
    raise Refused(f"mag {own} of {uri} is not whole: its info has no scale {brief(key)}")
