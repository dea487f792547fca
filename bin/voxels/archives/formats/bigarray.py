"""BigArray, as BigArrays.jl first wrote it: a directory of chunks, each named by its voxels.

Nothing there says what a chunk holds, so the URI does: type, and shape as x,y,z.
"""

from __future__ import annotations

import os
import re
from functools import partial
from math import prod
from typing import Any

import blosc
import numpy as np
import numpy.typing as npt

from ...boxes import Box, grid
from .. import Refused, brief
from ..places.ranged import File
from ..volumes.stated import Level
from .image import Image, Slices

_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
_ALL = "|".join((*_TYPES, "float32", "float64"))
_SAID = re.compile(rf"/({_ALL})/([1-9]\d{{0,4}}),([1-9]\d{{0,4}}),([1-9]\d{{0,4}})", re.ASCII)
_NAME = re.compile(r"(\d+):(\d+)_(\d+):(\d+)_(\d+):(\d+)", re.ASCII)
"""First and last voxel along x, y and z, counted from 1."""

_HEADER = 10
"""Bytes before what blosc packed."""


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the volume that the chunks make; where none is, it was never written."""
    said = _SAID.fullmatch(inside)
    if not said:
        raise Refused(
            f"{uri} does not say what its chunks hold: write #/ with type and chunk shape (x,y,z) "
            "after its directory, such as #/uint8/2048,2048,128"
        )
    dtype = np.dtype(said[1]).newbyteorder("<")
    chunk = tuple(int(side) for side in said.groups()[1:])
    chunks = _chunks(file.path, chunk, uri)
    low = [min(box[at] for box in chunks) for at in (0, 2, 4)]
    shape = tuple(
        max(box[at] for box in chunks) - start for at, start in zip((1, 3, 5), low, strict=True)
    )
    translation = tuple(float(start) for start in reversed(low))
    spec, axes = {"driver": "bigarray"}, ("x", "y", "z")
    level = Level(spec, axes, translation_zyx=translation, placed=True)
    read = partial(_read, file.path, chunks, low, chunk, dtype)
    lacks = partial(_lacks, chunks, low)
    return [Image(level, shape, dtype, chunk, read, lacks)]


def _chunks(path: str, chunk: tuple[int, ...], uri: str) -> dict[Box, str]:
    """Return the names of files by the voxels that they hold."""
    found: dict[Box, str] = {}
    for name in sorted(os.listdir(path)):
        match = _NAME.fullmatch(name)
        if not match:
            continue
        x0, x1, y0, y1, z0, z1 = map(int, match.groups())
        box = Box(x0 - 1, x1, y0 - 1, y1, z0 - 1, z1)
        if min(box) < 0 or box.shape_zyx[::-1] != chunk:
            raise Refused(f"{uri} has a chunk {name}, which is not one of {brief(chunk)} (x,y,z)")
        found[box] = name
    if not found:
        raise Refused(f"{uri} has no chunks: no file there is called like 1:2048_1:2048_1:128")
    first = next(iter(found))
    for box, name in found.items():
        if any((a - b) % n for a, b, n in zip(box[::2], first[::2], chunk, strict=True)):
            raise Refused(f"{uri} has chunks {found[first]} and {name}, which are of no one grid")
    return found


def _whole(part: Slices, low: list[int]) -> Box:
    ends = (end for one, start in zip(part, low, strict=True) for end in (one.start, one.stop))
    return Box(*(end + start for end, start in zip(ends, np.repeat(low, 2).tolist(), strict=True)))


def _meeting(part: Slices, low: list[int], chunk: tuple[int, ...]) -> list[tuple[Box, Box]]:
    """Return the pieces of a part, each with the chunk that holds it."""
    pieces = grid(_whole(part, low), chunk[::-1], low[::-1])
    found = []
    for piece in pieces:
        corner = [
            at - (at - start) % side for at, start, side in zip(piece[::2], low, chunk, strict=True)
        ]
        found.append((piece, Box.of(corner[::-1], chunk[::-1])))
    return found


def _lacks(chunks: dict[Box, str], low: list[int], part: Slices) -> bool:
    asked = _whole(part, low)
    return not any(map(asked.meets, chunks))


def _read(
    path: str,
    chunks: dict[Box, str],
    low: list[int],
    chunk: tuple[int, ...],
    dtype: np.dtype[Any],
    part: Slices,
) -> npt.NDArray[Any]:
    asked = _whole(part, low)
    found = np.zeros(asked.shape_zyx, dtype)
    for piece, holder in _meeting(part, low, chunk):
        if holder in chunks:
            voxels = _unpacked(f"{path}/{chunks[holder]}", prod(chunk) * dtype.itemsize)
            held = np.frombuffer(voxels, dtype).reshape(holder.shape_zyx)
            found[piece.slices(asked.corner_zyx)] = held[piece.slices(holder.corner_zyx)]
    return found.T


def _unpacked(path: str, expected: int) -> bytes:
    with open(path, "rb") as stream:
        content = stream.read()[_HEADER:]
    said = int.from_bytes(content[4:8], "little")
    if said != expected or not blosc.cbuffer_validate(content):
        raise ValueError(
            f"its chunk {os.path.basename(path)} is damaged, or of another type or shape: blosc "
            f"says {said:,} bytes, not {expected:,}"
        )
    return bytes(blosc.decompress(content))
