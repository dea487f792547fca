"""NWB: series of volumes, such as TwoPhotonSeries, with the dimensions that its schema says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import h5py

from .. import Refused, brief
from ..places.ranged import File
from ..volumes.stated import Level
from ..volumes.units import nanometers
from . import hdf5
from .image import Image

AXES = ("t", "x", "y", "z")
"""Of an ImageSeries of volumes, in the schema's words: frame, x, y, z."""

_PLACES = ("acquisition", "processing", "stimulus/presentation")
_SHOWN = 10
_LOOKED_AT = 1000


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the one resolution of a series' volumes; `time` says which of them is read."""
    opened = hdf5.opened(file)
    series = opened.get(inside) if inside else None
    if not isinstance(series, h5py.Group) or "neurodata_type" not in series.attrs:
        names = list(islice(_series(opened), _SHOWN))
        there = f"there are {', '.join(map(brief, names))}" if names else "it has none of volumes"
        what = f"has no series {brief(inside)}" if inside else "names no series in the file"
        raise Refused(f"{uri} {what}: write #/ and its path after the file's; {there}")
    for one in (series, series.get("imaging_plane", series)):
        hdf5.refuse_elsewhere(one, opened, uri)
    kind = hdf5.attributes(series)["neurodata_type"]
    if "external_file" in series or "data" not in series:
        raise Refused(f"{uri}, a {kind}, has no voxels in the file")
    data = hdf5.named(opened, f"{inside}/data", uri)
    if data.ndim != len(AXES):
        raise Refused(
            f"{uri}, a {kind}, has {data.ndim} dimensions: a series of volumes has frame, x, y "
            "and z"
        )
    return [hdf5.image(opened, data, Level({"driver": "nwb"}, AXES, "image", **_grid(series)))]


def names(file: File) -> list[str]:
    """Return the paths of series of volumes."""
    return [*_series(hdf5.opened(file))]


def _grid(series: h5py.Group) -> dict[str, Any]:
    """Return size and place of voxels by the imaging plane; nothing where it states no spacing."""
    plane = series.get("imaging_plane")
    if plane is None or "grid_spacing" not in plane:
        return {}
    scale, unit = _lengths(plane["grid_spacing"])
    origin, unit_of_origin = [0.0] * 3, unit
    if "origin_coords" in plane:
        origin, unit_of_origin = _lengths(plane["origin_coords"])
    if len(scale) != len(origin):
        raise ValueError(f"grid_spacing {scale}, and origin_coords {origin}")
    units = [unit] * len(scale) + [None] * (3 - len(scale))  # of a plane without depth
    scale, origin = scale + [1.0] * (3 - len(scale)), origin + [0.0] * (3 - len(origin))
    if any(origin) and unit != unit_of_origin:
        if not (unit and unit_of_origin):
            raise ValueError("origin_coords in an unknown unit")
        origin = [start * unit_of_origin / unit for start in origin]
    return {
        "scale_zyx": tuple(scale[::-1]),
        "unit_nm_zyx": tuple(units[::-1]),
        "translation_zyx": tuple(origin[::-1]),
        "placed": "origin_coords" in plane,
    }


def _lengths(dataset: h5py.Dataset) -> tuple[list[float], float | None]:
    """Return x, y and z, and their unit in nanometres; NWB's own is the metre."""
    unit = nanometers(hdf5.attributes(dataset).get("unit", "meters"))
    return [float(length) for length in dataset[()]], unit


def _series(opened: h5py.File) -> Iterator[str]:
    todo, left = [opened[place] for place in _PLACES if place in opened], _LOOKED_AT
    while todo and left > 0:
        group = todo.pop(0)
        for one in islice(group.values(), left):
            left -= 1
            if isinstance(one, h5py.Group):
                if isinstance(one.get("data"), h5py.Dataset) and one["data"].ndim == len(AXES):
                    yield str(one.name)
                else:
                    todo.append(one)
