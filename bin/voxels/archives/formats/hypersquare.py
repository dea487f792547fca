"""HyperSquare, as Eyewire had it: a directory a block, with its metadata, labels and pictures.

Labels are of one block alone, so a block is a volume, with all of its overlap.
"""

from __future__ import annotations

import json
import lzma
import os
from functools import cache, partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from .. import Refused
from ..places.ranged import File
from ..volumes.stated import Level
from ..volumes.units import nanometers
from .image import Image, Slices

_PARTS = {"/segmentation": "segment_id_type", "/image": "image_type"}
_FILES = {"/segmentation": "segmentation.lzma", "/image": "jpg"}


def names(file: File) -> list[str]:
    """Return what a block has: labels, pictures, or both."""
    return [part for part, name in _FILES.items() if os.path.exists(f"{file.path}/{name}")]


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the labels or the pictures of a block."""
    if inside not in _PARTS:
        there = " or ".join(f"#{part}" for part in names(file)) or "but it has neither"
        raise Refused(f"{uri} does not name labels or pictures of a block: write {there}")
    with open(f"{file.path}/metadata.json", encoding="utf-8") as stream:
        about = json.load(stream)
    shape = tuple(int(side) for side in about["chunk_voxel_dimensions"])
    dtype = np.dtype(str(about[_PARTS[inside]]).lower()).newbyteorder("<")
    if len(shape) != 3 or min(shape) < 1 or dtype.kind not in "ui":
        raise ValueError(f"a block of {shape}, {dtype}")
    kind = "annotation" if inside == "/segmentation" else "image"
    level = Level({"driver": "hypersquare"}, ("x", "y", "z"), kind, **_grid(about, shape))
    path = f"{file.path}/{_FILES[inside]}"
    if inside == "/segmentation":
        labels = cache(partial(_labels, path, shape, dtype))
        return [Image(level, shape, dtype, shape, lambda part: labels()[part])]
    if dtype.name != "uint8":
        raise ValueError(f"JPEG of {dtype}")
    read = partial(_pictures, path, shape)
    return [Image(level, shape, dtype, (*shape[:2], 1), read)]


def _grid(about: dict[str, Any], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return size and place; some wrote offsets in voxels, others in the unit of the size."""
    size = [float(side) for side in about.get("voxel_resolution", [1] * 3)]
    low, high = (
        [float(end) for end in about[f"physical_offset_{which}"]] for which in ("min", "max")
    )
    span = [end - start for start, end in zip(low, high, strict=True)]
    in_voxels = span == [float(side) for side in shape]
    if not in_voxels and span != [side * one for side, one in zip(shape, size, strict=True)]:
        raise ValueError(f"physical_offset_min {low} to max {high} is no block of {shape}")
    start = [at * one if in_voxels else at for at, one in zip(low, size, strict=True)]
    stated = "voxel_resolution" in about
    unit = nanometers(about.get("resolution_units", "nanometers")) if stated else None
    return {
        "scale_zyx": tuple(size[::-1]) if stated else None,
        "unit_nm_zyx": (unit,) * 3,
        "translation_zyx": tuple(start[::-1]),
        "placed": True,
    }


def _labels(path: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a block's labels: raw, x fastest, compressed as a whole."""
    expected = prod(shape) * dtype.itemsize
    with lzma.open(path) as stream:
        content = stream.read(expected + 1)
    if len(content) != expected:
        raise ValueError(f"its labels are {len(content):,} bytes or more, not {expected:,}")
    return np.frombuffer(content, dtype).reshape(shape, order="F")


def _pictures(directory: str, shape: tuple[int, ...], part: Slices) -> npt.NDArray[Any]:
    """Return a part of the pictures, one a plane."""
    x, y, z = part
    found = np.empty([one.stop - one.start for one in part], "uint8")
    for number in range(z.start, z.stop):
        with Pillow.open(f"{directory}/{number}.jpg") as picture:
            if picture.mode != "L" or picture.size != shape[:2]:
                raise ValueError(f"{number}.jpg is {picture.mode}, {picture.size}, not {shape[:2]}")
            found[:, :, number - z.start] = np.asarray(picture).T[x, y]
    return found
