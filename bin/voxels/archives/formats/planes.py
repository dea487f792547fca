"""A directory of planes, each a TIFF, PNG, JPEG or JP2, in the order of their numbers."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import Refused, brief
from ..places.ranged import File
from ..volumes.stated import Level
from .image import Image, Slices, refuse_inside

_TIFF = ("tif", "tiff")
_ENDINGS = (*_TIFF, "png", "jpg", "jpeg", "jp2", "j2k")


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the stack; planes are alike, which each is asked for when it is read."""
    refuse_inside(inside, uri)
    paths = [os.path.join(file.path, name) for name in in_order(os.listdir(file.path), uri)]
    first = _plane(paths[0])
    axes = ("z", "y", "x", "c")[: 1 + first.ndim]
    shape = (len(paths), *first.shape)
    read = partial(_read, paths, first.shape, first.dtype)
    return [Image(Level({"driver": "planes"}, axes), shape, first.dtype, (1, *first.shape), read)]


def in_order(names: list[str], uri: str) -> list[str]:
    """Return the names of planes in the order of their numbers.

    Parameters
    ----------
    names : list of str
        Of all that is in a directory.
    uri : str
        What messages call it.

    Raises
    ------
    Refused
        If there are none or of several kinds, or names differ in more than one number, or a number
        is missing or there twice.
    """
    planes = [name for name in names if name.rpartition(".")[2].lower() in _ENDINGS]
    kinds = Counter(re.sub(r"\d+", "#", name) for name in planes)
    if not planes:
        raise Refused(f"{uri} has no planes: no file there ends in {', '.join(_ENDINGS)}")
    if len(kinds) > 1:
        one, other = (brief(kind) for kind in list(kinds)[:2])
        raise Refused(f"{uri} has files of several kinds, such as {one} and {other}: part them")
    columns = list(zip(*(re.findall(r"\d+", name) for name in planes), strict=True))
    varying = [i for i, column in enumerate(columns) if len(set(column)) > 1]
    if len(varying) > 1 or (not varying and len(planes) > 1):
        raise Refused(
            f"{uri} has names that differ in {len(varying)} numbers, such as {brief(planes[0])}: "
            "only one may, the plane's"
        )
    if not varying:
        return planes
    by_number = dict(zip(map(int, columns[varying[0]]), planes, strict=True))
    numbers = sorted(by_number)
    if len(numbers) < len(planes):
        raise Refused(f"{uri} has planes of the same number, as in 1 and 01: remove one of each")
    for before, number in zip(numbers, numbers[1:], strict=False):
        if number != before + 1:
            raise Refused(f"{uri} lacks plane {before + 1}: the one after {before} is {number}")
    return [by_number[number] for number in numbers]


def _read(
    paths: list[str], shape: tuple[int, ...], dtype: np.dtype[Any], part: Slices
) -> npt.NDArray[Any]:
    planes, *inner = part
    found = np.empty([one.stop - one.start for one in part], dtype)
    for number in range(planes.start, planes.stop):
        plane = _plane(paths[number])
        if (plane.shape, plane.dtype) != (shape, dtype):
            raise ValueError(
                f"{os.path.basename(paths[number])} is {plane.shape} of {plane.dtype}, unlike the "
                f"first plane, {shape} of {dtype}"
            )
        found[number - planes.start] = plane[tuple(inner)]
    return found


def _plane(path: str) -> npt.NDArray[Any]:
    if path.rpartition(".")[2].lower() in _TIFF:
        import tifffile

        with tifffile.TiffFile(path) as opened:
            if len(opened.series) != 1 or opened.series[0].axes not in ("YX", "YXS"):
                raise ValueError(f"{os.path.basename(path)} is no single plane")
            plane = opened.series[0].asarray()
    else:
        from PIL import Image as Pillow

        Pillow.MAX_IMAGE_PIXELS = None  # planes of a microscope are no bombs
        with Pillow.open(path) as picture:
            if picture.mode in ("P", "PA"):
                raise ValueError(f"{os.path.basename(path)} has colours of a palette, no numbers")
            plane = np.asarray(picture)
    return plane
