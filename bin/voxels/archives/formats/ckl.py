"""Crackle: labels compressed as a whole, x, y, z."""

from __future__ import annotations

import gzip
from functools import partial
from typing import Any

import crackle
import numpy as np
import numpy.typing as npt

from ...chunk_codecs import refuse_changed_labels, refuse_changed_planes
from ..places.ranged import File
from ..volumes.stated import Level
from .image import Image, Slices, refuse_inside

_GZIP = b"\x1f\x8b"


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the labels; the compressed file is kept in memory, and what is read unpacked."""
    refuse_inside(inside, uri)
    content = file.stream.read()
    content = gzip.decompress(content) if content[:2] == _GZIP else content
    packed = crackle.CrackleArray(crackle.asfortranarray(content))  # with strides, it takes longer
    refuse_changed_labels(content)
    shape = tuple(int(side) for side in packed.shape)
    level = Level({"driver": "ckl"}, ("x", "y", "z"), "annotation")
    dtype = np.dtype(packed.dtype)
    return [Image(level, shape, dtype, (*shape[:2], 1), partial(_read, packed))]


def _read(packed: Any, part: Slices) -> npt.NDArray[Any]:
    """Unpack whole planes."""
    x, y, z = part
    planes = packed[:, :, z]
    refuse_changed_planes(packed.binary, planes, z.start)
    return np.asarray(planes[x, y])
