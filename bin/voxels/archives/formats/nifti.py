"""NIfTI 1 and 2, also gzipped, turned and placed by the affine: x right, y front, z up."""

from __future__ import annotations

import gzip
from functools import cache
from math import isclose
from typing import Any, cast

import nibabel as nib
import numpy as np
import numpy.typing as npt

from .. import Refused
from ..places.ranged import File
from ..volumes.stated import Level
from ..volumes.units import nanometers
from .affine import placed
from .image import Image, Slices, refuse_inside, turned
from .raw import STREAM, shortest, unpacked

_GZIP = b"\x1f\x8b"
_AXES = ("x", "y", "z", "t", "c")


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the image; its numbers as nibabel scales them, where they are scaled."""
    refuse_inside(inside, uri)
    packed = file.stream.read(2) == _GZIP
    file.stream.seek(0)
    stream: Any = gzip.GzipFile(fileobj=file.stream) if packed else file.stream
    start = stream.read(348)
    stream.seek(0)
    magic = start[344:346], start[4:6]
    if b"ni" in magic:
        raise Refused(f"{uri} keeps its voxels in another file (.img): make one .nii of both")
    if b"n+" not in magic:
        raise ValueError("it is no NIfTI")
    second = b"\x02\x1c" in (start[:2][::-1], start[2:4])  # a header of 540 bytes, not 348
    kind = cast(Any, nib.Nifti2Image if second else nib.Nifti1Image)
    image = kind.from_stream(stream)
    header, shape = image.header, tuple(int(side) for side in image.shape)
    if not 3 <= len(shape) <= len(_AXES):
        raise Refused(f"{uri} has {len(shape)} dimensions: it needs x, y and z")
    level, backwards = _placed(image, header, shape, uri)
    held = image.dataobj
    dtype = np.asarray(held[(slice(0, 1),) * len(shape)]).dtype
    if dtype != header.get_data_dtype().newbyteorder("=") and level.kind == "annotation":
        raise Refused(
            f"{uri} has labels that are scaled by scl_slope: write them as they are meant"
        )
    whole = 3 if packed else 2  # axes that are best read to their ends
    chunk = (*shape[:whole], *(1 for _ in shape[whole:]))

    @cache
    def voxels() -> Any:
        return kind.from_stream(unpacked(stream).stream).dataobj if packed else held

    def read(part: Slices) -> npt.NDArray[Any]:
        return np.asarray(voxels()[part])

    turning = turned(read, shape, backwards)
    return [
        Image(level, shape, dtype, chunk, turning, note=STREAM.format("as .nii") if packed else "")
    ]


def _placed(
    image: Any, header: Any, shape: tuple[int, ...], uri: str
) -> tuple[Level, tuple[bool, ...]]:
    kind = "annotation" if header.get_intent("code")[0] == 1002 else None  # NIFTI_INTENT_LABEL
    sides = [shortest(side) for side in header.get_zooms()[:3]]
    others = (False,) * (len(shape) - 3)
    unit = nanometers(header.get_xyzt_units()[0])
    spec, axes, units = {"driver": "nifti"}, _AXES[: len(shape)], (unit,) * 3
    if not (header["qform_code"] or header["sform_code"]):  # nothing says which way it lies
        size = tuple(sides[::-1]) if all(sides) else None
        return Level(spec, axes, kind, size, units), (False, False, False, *others)
    affine = [[shortest(one) for one in row] for row in image.affine[:3]]
    steps = [[row[i] for row in affine] for i in range(3)]
    found = placed(steps, [row[3] for row in affine], shape[:3], uri)
    sizes = dict(zip("zyx", found.scale_zyx, strict=True))
    if not all(
        isclose(sizes[axis], side, rel_tol=1e-3)
        for axis, side in zip(found.axes, sides, strict=True)
    ):
        raise Refused(
            f"{uri} states two voxel sizes, pixdim {sides} and by its affine "
            f"{[sizes[axis] for axis in found.axes]}: mend its header"
        )
    level = Level(spec, (*found.axes, *axes[3:]), kind, found.scale_zyx, units, found.first_zyx)
    return level._replace(placed=True), (*found.backwards, *others)
