"""What the metadata of Zarr arrays (2 and 3) and OME-Zarr images (0.4 and 0.5) say."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import isclose
from typing import Any

import numpy as np
import tensorstore as ts

from .. import Refused
from ..places.kvstores import (
    METADATA_LIMITS,
    hint,
    kvstore_of,
    outer,
    shared_context,
    split,
    under,
    wait,
)
from . import stated
from .nodes import Node, in_words, named_in, node_at
from .stated import Level
from .units import nanometers

OLD = ("0.1", "0.2", "0.3")
KNOWN = "OME-Zarr 0.4 and 0.5 are read, so write it anew as one of these"


def levels(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    """Return the levels of an OME-Zarr image, or the one of an array."""
    node = node_at(uri, kvstore)
    if node is None:
        why = hint(uri, kvstore)
        why = f": {why}" if why else ", or none that may be read"
        raise Refused(f"there is no Zarr array or group at {uri}{why}")
    if node.array is not None:
        return [_array(uri, kvstore, node, node.array)]
    of_image = _image(uri, kvstore, node)
    if not all(level.has_size for level in of_image):
        of_image = _as_parent(uri, of_image)
    return of_image


def _array(uri: str, kvstore: dict[str, Any], node: Node, array: dict[str, Any]) -> Level:
    attributes = node.attributes
    statements = [array.get("dimension_names")]
    statements += [attributes.get(name) for name in ("_ARRAY_DIMENSIONS", "axis_names", "axes")]
    statements.append(stated.transform_axes(attributes.get("transform"), False))
    axes = stated.axes_of(uri, statements, len(array["shape"]), "zyx")
    claims = stated.claims(attributes, axes, False)
    if not claims and (level := _of_image(uri)):
        return level
    claims = claims or _coordinates(uri, array, axes)
    grid = stated.grid_of(uri, attributes, claims)
    return Level({"driver": node.driver, "kvstore": kvstore}, axes, **grid)


def _coordinates(uri: str, array: dict[str, Any], axes: tuple[str, ...]) -> list[stated.Claim]:
    """Return what arrays beside state, as xarray writes them: for each axis where its voxels lie.

    Raises
    ------
    Refused
        If they are not evenly spaced.
    """
    around = outer(uri, 1)
    if not around:
        return []
    group = kvstore_of(split(around)[1])
    scale, unit_nm, shift = {}, {}, {}
    for axis in "zyx":
        place = under(group, axis)
        node = node_at(around, place)
        length = array["shape"][axes.index(axis)]
        if node is None or node.array is None or node.array["shape"] != [length] or length < 2:
            return []
        spec = {"driver": node.driver, "kvstore": place}
        context = shared_context(METADATA_LIMITS)
        store = wait(ts.open(spec, context=context), f"{around}/{axis}", METADATA_LIMITS)
        values = wait(store.read(), f"{around}/{axis}", METADATA_LIMITS).astype(float)
        step = (values[-1] - values[0]) / (length - 1)
        if not np.allclose(np.diff(values), step, rtol=1e-3, atol=0):
            raise Refused(
                f"{uri} has coordinates along {axis} in {around}/{axis} that are not evenly "
                "spaced: its voxels have no one size"
            )
        units = node.attributes.get("units", node.attributes.get("unit"))
        scale[axis], unit_nm[axis], shift[axis] = step, nanometers(units), values[0]
    return [stated.Claim("coordinates", scale, unit_nm, shift, True)]


def _of_image(uri: str) -> Level | None:
    """Return an array as the level of the image that it is in, which may say what it lacks."""
    around, level = outer(uri, 1), None
    with suppress(Refused, LookupError, TypeError, ValueError, AttributeError):
        image = kvstore_of(split(around)[1])
        group = node_at(around, image)
        place = under(image, uri.rpartition("/")[2])
        for candidate in _image(around, image, group) if group and not group.array else ():
            if candidate.spec["kvstore"] == place:
                level = candidate
                break
    return level if level is None or level.has_size else _as_parent(around, [level])[0]


def _image(uri: str, kvstore: dict[str, Any], node: Node) -> list[Level]:
    ome = node.ome
    if not ome.get("multiscales"):
        raise Refused(
            f"{uri} is a Zarr group without multiscales: name the image or array in it"
            + in_words(named_in(uri, kvstore, node))
        )
    image = ome["multiscales"][0]  # the one to take, says OME, if nobody chooses
    if "axes" not in image and all("transform" in dataset for dataset in image["datasets"]):
        return _organelle(uri, kvstore, node, image)
    version = str(ome.get("version") or image.get("version") or "")
    axes = image.get("axes", [])
    if "coordinateSystems" in image:
        raise Refused(f"{uri} is OME-Zarr {version or 'of after 0.5'}: {KNOWN}")
    if version in OLD or not axes or isinstance(axes[0], str):
        what = f"OME-Zarr {version}" if version else "an OME-Zarr image of before 0.4"
        raise Refused(f"{uri} is {what}, which has no place for a voxel size: {KNOWN}")
    names = stated.axes_of(uri, [axes], len(axes), "zyx")
    zyx = [names.index(axis) for axis in "zyx"]
    units = tuple(nanometers(axes[i].get("unit")) for i in zyx)
    kind = "annotation" if "image-label" in ome else None
    listed = []
    for dataset in image["datasets"]:
        scale, translation = _transformed(dataset, image, len(names))
        listed.append(
            Level(
                {"driver": node.driver, "kvstore": under(kvstore, dataset["path"])},
                names,
                kind,
                tuple(scale[i] for i in zyx) if scale else None,
                units,
                tuple(translation[i] for i in zyx),
                placed=any(step["type"] == "translation" for step in _steps(dataset, image)),
            )
        )
    return listed


def _organelle(uri: str, kvstore: dict[str, Any], node: Node, image: dict[str, Any]) -> list[Level]:
    """Return the levels of OpenOrganelle's older multiscales: a `transform` for each."""
    listed = []
    for dataset in image["datasets"]:
        about = {"transform": dataset["transform"]}
        axes = stated.transform_axes(dataset["transform"], False) or []
        names = stated.axes_of(uri, [axes], len(axes), "zyx")
        grid = stated.grid_of(uri, about, stated.claims(about, names, False))
        spec = {"driver": node.driver, "kvstore": under(kvstore, dataset["path"])}
        listed.append(Level(spec, names, **grid))
    return listed


def _transformed(
    dataset: dict[str, Any], image: dict[str, Any], rank: int
) -> tuple[list[float] | None, list[float]]:
    """Return what scales and translations come to, those of the level first; None: no scale."""
    scale, translation, scaled = [1.0] * rank, [0.0] * rank, False
    for step in _steps(dataset, image):
        values = [float(value) for value in step.get(step["type"], [])]
        if step["type"] == "identity":
            continue
        if step["type"] not in ("scale", "translation") or len(values) != rank:
            raise ValueError(f"transformation {step}")
        if step["type"] == "scale":
            scale = [a * b for a, b in zip(scale, values, strict=True)]
            translation = [a * b for a, b in zip(translation, values, strict=True)]
            scaled = True
        else:
            translation = [a + b for a, b in zip(translation, values, strict=True)]
    if not scaled and any(translation):
        raise ValueError(f"translation {translation} without a scale")
    return scale if scaled else None, translation


def _steps(dataset: dict[str, Any], image: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        *dataset.get("coordinateTransformations", ()),
        *image.get("coordinateTransformations", ()),
    ]


def _as_parent(uri: str, levels: list[Level]) -> list[Level]:
    """Return levels of a label image with the voxel size of the image that it is of.

    Writers of labels often leave size and unit out, or make up 1 and no unit. A level is that of
    the image which has as many voxels.

    Raises
    ------
    Refused
        If the label image states something else than the image.
    """
    around = outer(uri, 2)
    if not around or outer(uri, 1) != f"{around}/labels":
        return levels
    parents: list[Level] = []
    with suppress(Refused, LookupError, TypeError, ValueError, AttributeError):
        image = kvstore_of(split(around)[1])
        node = node_at(around, image)
        parents = _image(around, image, node) if node and not node.array else []
    shapes = {_shape(around, level): level for level in reversed(parents) if level.has_size}
    pairs = [(level, shapes.get(_shape(uri, level))) for level in levels]
    own, parent = pairs[0]
    if parent and (_differs(own.scale_zyx, parent) or _starts_elsewhere(own, parent)):
        raise Refused(
            f"{uri} states voxels of {_xyz(own.scale_zyx)} without known units at "
            f"{_xyz(own.translation_zyx)} (x, y, z), but {around}, which it labels, "
            f"{_xyz(parent.scale_zyx)} at {_xyz(parent.translation_zyx)}: mend one of them"
        )
    return [
        level._replace(
            scale_zyx=parent.scale_zyx,
            unit_nm_zyx=parent.unit_nm_zyx,
            translation_zyx=parent.translation_zyx,
            placed=parent.placed,
        )
        if parent
        else level
        for level, parent in pairs
    ]


def _shape(uri: str, level: Level) -> tuple[int, ...]:
    node = node_at(uri, level.spec["kvstore"])
    if node is None or node.array is None:
        return ()
    return tuple(node.array["shape"][level.axes.index(axis)] for axis in "zyx")


def _differs(scale: tuple[float, ...] | None, parent: Level) -> bool:
    """Tell whether a voxel size is neither that of the parent nor made up."""
    if scale is None or set(scale) == {1.0}:
        return False
    return not all(map(partial(isclose, rel_tol=1e-4), scale, parent.scale_zyx or ()))


def _starts_elsewhere(own: Level, parent: Level) -> bool:
    starts = (
        [shift / size for shift, size in zip(level.translation_zyx, level.scale_zyx, strict=True)]
        if level.scale_zyx
        else [0.0]
        for level in (own, parent)
    )
    own_start, parent_start = starts
    return any(own_start) and not all(map(partial(isclose, abs_tol=1e-3), own_start, parent_start))


def _xyz(values_zyx: tuple[float, ...] | None) -> str:
    return ", ".join(f"{value:g}" for value in reversed(values_zyx or ()))
