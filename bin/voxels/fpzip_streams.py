"""Streams of fpzip, decoded by its own functions: they tell what they read, its Python does not.

Nothing here needs numpy, whose start costs a process more than many chunks do.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
from collections.abc import Sequence
from functools import cache
from typing import Any


class _Stream(ctypes.Structure):
    """FPZ of fpzip.h: what the header of a stream states."""

    _fields_ = [(name, ctypes.c_int) for name in ("type", "prec", "nx", "ny", "nz", "nf")]


@cache
def library() -> ctypes.CDLL:
    """Return fpzip's functions, which are loaded when they are first asked for."""
    spec = importlib.util.find_spec("fpzip")
    assert spec
    library = ctypes.CDLL(spec.origin)
    stream = ctypes.POINTER(_Stream)
    library.fpzip_read_from_buffer.argtypes = [ctypes.c_char_p]
    library.fpzip_read_from_buffer.restype = stream
    library.fpzip_read_header.argtypes = library.fpzip_read_close.argtypes = [stream]
    library.fpzip_read_close.restype = None
    library.fpzip_read.argtypes = [stream, ctypes.c_void_p]
    library.fpzip_read.restype = ctypes.c_size_t
    return library


def decode(content: bytes, dtype: str, shape: Sequence[int], place: Any) -> None:
    """Decode as many bytes as there are: fpzip goes on over the end of what was cut.

    Parameters
    ----------
    content : bytes
    dtype : str
        What it should hold: a name of numpy's.
    shape : sequence of 4 int
        Of what it should hold; the first axis is the fastest.
    place : writable buffer, C-contiguous
        Where its values are written, from the start.

    Raises
    ------
    ValueError
        If it holds something else, has another length than its values take, or the place is too
        small.
    """
    functions = library()
    stream = functions.fpzip_read_from_buffer(content)
    try:
        if not functions.fpzip_read_header(stream):
            raise ValueError("its header is damaged")
        told = stream.contents
        expect_dtype("float64" if told.type else "float32", dtype)
        expect((told.nx, told.ny, told.nz, told.nf), shape)
        size = math.prod(shape) * (8 if told.type else 4)
        read = functions.fpzip_read(stream, (ctypes.c_char * size).from_buffer(place))
    finally:
        functions.fpzip_read_close(stream)
    if read != len(content):
        raise ValueError(f"its voxels take {read} bytes, and it has {len(content)}")


def expect(found: Sequence[int], shape: Sequence[int]) -> None:
    """Refuse a chunk of another shape.

    Raises
    ------
    ValueError
    """
    if tuple(found) != tuple(shape):
        raise ValueError(f"it holds {list(found)} voxels, where {list(shape)} were expected")


def expect_dtype(found: str, dtype: str) -> None:
    """Refuse a chunk of another dtype.

    Raises
    ------
    ValueError
    """
    if found != dtype:
        raise ValueError(f"it holds {found}, where {dtype} was expected")
