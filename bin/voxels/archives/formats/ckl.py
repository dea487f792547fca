"""Crackle: labels compressed as a whole, x, y, z."""

from __future__ import annotations

import gzip
from functools import partial
from typing import Any

import crackle
import numpy as np
import numpy.typing as npt

from ...chunk_codecs import refuse_changed_labels
from ..places.ranged import File
from ..volumes.stated import Level
from .image import Image, Slices, refuse_inside

_GZIP = b"\x1f\x8b"


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the labels; the compressed file is kept in memory, and what is read unpacked."""
    refuse_inside(inside, uri)
    content = file.stream.read()
    content = gzip.decompress(content) if content[:2] == _GZIP else content
    packed = crackle.CrackleArray(content)
    refuse_changed_labels(content)
    shape = tuple(int(side) for side in packed.shape)
    level = Level({"driver": "ckl"}, ("x", "y", "z"), "annotation")
    dtype = np.dtype(packed.dtype)
    return [Image(level, shape, dtype, (*shape[:2], 1), partial(_read, packed))]


def _read(packed: Any, part: Slices) -> npt.NDArray[Any]:
    """Unpack whole planes; crackle 0.53 gives something else for damaged ones, and no error."""
    x, y, z = part
    planes = packed[:, :, z]
    stored = crackle.codec.crack_crcs(packed.binary)  # of files before version 1, none
    if stored is not None:
        found = crackle.codec.crack_crcs(crackle.compress(planes))
        if not np.array_equal(found, stored[z]):
            at = z.start + int(np.argmax(found != stored[z]))
            raise ValueError(f"its plane z {at} is damaged")
    return np.asarray(planes[x, y])
