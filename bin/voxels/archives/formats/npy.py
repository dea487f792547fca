"""NumPy's .npy: an array alone, z, y, x."""

from __future__ import annotations

from numpy.lib import format as npy_format

from ..places.ranged import File
from ..volumes.stated import Level, axes_of
from .image import Image, refuse_inside
from .raw import in_file

_HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the array; what is pickled in it is never loaded."""
    refuse_inside(inside, uri)
    version = npy_format.read_magic(file.stream)
    if version not in _HEADERS:  # of names that are not ASCII, which arrays of numbers have not
        raise ValueError(f"version {version}")
    shape, fortran, dtype = _HEADERS[version](file.stream)
    if dtype.hasobject:
        raise ValueError("it holds objects, not numbers")
    level = Level({"driver": "npy"}, axes_of(uri, [], len(shape), "zyx"))
    near = level.axes[:2] if fortran else level.axes[-2:]  # axes of a plane in the file
    sides = zip(level.axes, shape, strict=True)
    chunk = tuple(length if axis in near else 1 for axis, length in sides)
    read = in_file(file, file.stream.tell(), shape, dtype, fortran, uri)
    return [Image(level, shape, dtype, chunk, read)]
