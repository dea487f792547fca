"""NRRD with its voxels in the same file, turned and placed by its space directions."""

from __future__ import annotations

import bz2
import gzip
import io
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import nrrd
import numpy as np
import numpy.typing as npt

from .. import Refused, brief
from ..places.ranged import File
from ..volumes import stated
from ..volumes.stated import Level
from ..volumes.units import nanometers
from .affine import placed
from .image import Image, Slices, refuse_inside, turned
from .raw import STREAM, in_file, unpacked

_ELSEWHERE = ("data file", "datafile")
_MINIMA = ("axis mins", "axismins")
_PACKED: dict[str, Callable[[Any], Any]] = {
    "gzip": gzip.open,
    "gz": gzip.open,
    "bzip2": bz2.open,
    "bz2": bz2.open,
}
_SKIPS = ("byteskip", "lineskip")
_KINDS = {"time": "t"} | dict.fromkeys(
    ("list", "vector", "covariant-vector", "RGB-color", "RGBA-color", "3-color", "4-color"), "c"
)


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the array; a compressed one is unpacked whole, once it is read."""
    refuse_inside(inside, uri)
    header: dict[str, Any] = nrrd.read_header(file.stream)
    start, encoding = file.stream.tell(), header["encoding"]
    if any(name in header for name in _ELSEWHERE):
        raise Refused(f"{uri} keeps its voxels in another file: make one .nrrd of both")
    skips = {name: n for name, n in header.items() if name.replace(" ", "") in _SKIPS and n}
    if skips or encoding not in ("raw", *_PACKED):
        told = f"encoding {encoding}" if not skips else ", ".join(skips)
        raise Refused(f"{uri} has {told}, which is not read: write it raw, or with gzip")
    shape = tuple(int(side) for side in header["sizes"])
    level, backwards = _placed(header, shape, uri)
    empty = header | {"sizes": np.zeros(len(shape), np.int64), "encoding": "raw"}
    dtype = nrrd.read_data(empty, io.BytesIO()).dtype
    if encoding == "raw":
        read = in_file(file, start, shape, dtype, True, uri)
        chunk, note = (*shape[:2], *(1 for _ in shape[2:])), ""
    else:
        chunk, note = shape, STREAM.format("raw")

        @cache
        def voxels() -> Callable[[Slices], npt.NDArray[Any]]:
            file.stream.seek(start)
            whole = unpacked(_PACKED[encoding](file.stream))
            return in_file(whole, 0, shape, dtype, True, uri)

        def read(part: Slices) -> npt.NDArray[Any]:
            return voxels()(part)

    return [Image(level, shape, dtype, chunk, turned(read, shape, backwards), note=note)]


def _placed(
    header: dict[str, Any], shape: tuple[int, ...], uri: str
) -> tuple[Level, tuple[bool, ...]]:
    kinds = header.get("kinds", [""] * len(shape))
    others = [_KINDS.get(kind, "") for kind in kinds]
    directions, spec = header.get("space directions"), {"driver": "nrrd"}
    if directions is None:
        return _spaced(header, others, uri), (False,) * len(shape)
    spatial = [i for i, step in enumerate(directions) if step is not None and _is_known(step)]
    steps = [[float(one) for one in directions[i]] for i in spatial]
    origin = header.get("space origin")
    origin = [0.0] * 3 if origin is None else [float(one) for one in origin]
    if [len(step) for step in (*steps, origin)] != [3] * 4:
        raise Refused(f"{uri} has {len(steps)} axes in space: it needs x, y and z")
    found = placed(steps, origin, [shape[i] for i in spatial], uri)
    axes = [name or f"dimension {i}" for i, name in enumerate(others)]
    backwards = [False] * len(shape)
    for i, axis, back in zip(spatial, found.axes, found.backwards, strict=True):
        axes[i], backwards[i] = axis, back
    units = _units(header, "space units", 3)
    by_axis = tuple(units[::-1])
    level = Level(spec, tuple(axes), None, found.scale_zyx, by_axis, found.first_zyx)
    return level._replace(placed="space origin" in header), tuple(backwards)


def _spaced(header: dict[str, Any], others: list[str], uri: str) -> Level:
    """Return what is stated axis by axis, without a space around."""
    if any(any(map(_is_length, header.get(name, ()))) for name in _MINIMA):
        raise Refused(
            f"{uri} states {brief(_MINIMA[0])}, which are not read, and so where it lies is not "
            "known: state space directions and a space origin instead"
        )
    free = iter("xyz")
    by_place = [name or next(free, "") for name in others]
    labels = [label.lower() for label in header.get("labels", ())]
    axes = stated.axes_of(uri, [labels if {*"xyz"} <= {*labels} else by_place], len(others), "xyz")
    spacings, units = header.get("spacings"), _units(header, "units", len(others))
    if spacings is None:
        return Level({"driver": "nrrd"}, axes)
    zyx = [axes.index(axis) for axis in "zyx"]
    known = [_is_length(spacings[i]) for i in zyx]
    return Level(
        {"driver": "nrrd"},
        axes,
        None,
        tuple(abs(float(spacings[i])) if ok else 1.0 for i, ok in zip(zyx, known, strict=True)),
        tuple(units[i] if ok else None for i, ok in zip(zyx, known, strict=True)),
    )


def _units(header: dict[str, Any], name: str, number: int) -> list[float | None]:
    """Return so many units in nanometres; None where one is not stated, or unknown."""
    words = header.get(name, [None] * number)
    if len(words) != number:
        raise ValueError(f"{name} of {len(words)} axes, where there are {number}")
    return [nanometers(word) for word in words]


def _is_known(step: Any) -> bool:
    return not any(math.isnan(one) for one in step)


def _is_length(value: Any) -> bool:
    return bool(value) and not math.isnan(value)
