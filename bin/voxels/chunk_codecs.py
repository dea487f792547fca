"""Chunks of precomputed volumes in encodings that tensorstore does not know, decoded one by one.

The layout of each is CloudVolume's
(https://github.com/seung-lab/cloud-volume/blob/master/cloudvolume/chunks.py).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from . import fpzip_streams
from .fpzip_streams import expect, expect_dtype

PACKAGES = {
    "crackle": ("crackle", "crackle-codec", "formats"),
    "compresso": ("compresso", "compresso", "formats"),
    "fpzip": ("fpzip", "fpzip", "formats"),
    "kempressed": ("fpzip", "fpzip", "formats"),
    "jxl": ("imagecodecs", "imagecodecs", "codecs"),
}
"""By encoding: the module, the package that it is in, and the extra of bossflow's."""

ONE_CHANNEL = ("crackle", "compresso", "jxl")
"""Encodings that are read of volumes with one channel only."""

_UNZEROED_MOST = 2**12
"""Bytes of arrays that may still come as they were."""


def decode(encoding: str, content: bytes, voxels: npt.NDArray[Any]) -> None:
    """Write the voxels of a chunk into an array.

    Parameters
    ----------
    encoding : str
        One of `PACKAGES` but fpzip, whose are `fpzip_streams`.
    content : bytes
        The chunk, of whatever writer; not empty.
    voxels : ndarray, shape (X, Y, Z, channels), Fortran order
        Of what the chunk should hold.

    Raises
    ------
    ValueError
        If it holds something else, or is damaged where the encoding can tell. Codecs raise errors
        of other kinds, too.
    """
    if encoding == "kempressed":
        _kempressed(content, voxels)
        return
    found = _DECODERS[encoding](content, voxels.shape)
    expect_dtype(found.dtype.name, voxels.dtype.name)
    voxels[...] = found


# ---- Crackle ----


def _crackle(content: bytes, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    import crackle

    stated = crackle.header(content)
    expect((stated.sx, stated.sy, stated.sz), shape[:3])
    refuse_changed_labels(content)
    # C order, as CloudVolume has it written, is decoded with strides, and copied so: 2.5 times
    content = crackle.asfortranarray(content)
    voxels = np.asarray(crackle.decompress(content, parallel=1))
    if voxels.nbytes > _UNZEROED_MOST and _is_zeroed(voxels.nbytes):
        _refuse_unwritten_planes(content, voxels)
    else:
        refuse_changed_planes(content, voxels)
    return voxels[..., None]


def refuse_changed_labels(content: bytes) -> None:
    """Refuse labels of Crackle that are not those of which the checksum was taken.

    Raises
    ------
    ValueError
    """
    from crackle import codec

    stored = codec.labels_crc(content)  # of files before version 1, none
    if stored not in (None, codec.crc32c(codec.raw_labels(content))):
        raise ValueError("its labels are damaged")


def refuse_changed_planes(content: bytes, voxels: npt.NDArray[Any], first: int = 0) -> None:
    """Refuse planes of Crackle whose outlines are not those of which the checksums were taken.

    Parameters
    ----------
    content : bytes
    voxels : ndarray, shape (X, Y, Z)
        What was decoded of it: crackle 0.55 leaves such planes unwritten, and tells nobody.
    first : int
        Number of the first plane.

    Raises
    ------
    ValueError
    """
    import crackle

    stored = crackle.codec.crack_crcs(content)  # of files before version 1, none
    if stored is None:
        return
    found = crackle.codec.crack_crcs(crackle.compress(voxels))
    changed = np.flatnonzero(found != stored[first : first + len(found)])
    if changed.size:
        raise ValueError(f"its plane z {first + changed[0]} is damaged")


def _refuse_unwritten_planes(content: bytes, voxels: npt.NDArray[Any]) -> None:
    """Refuse planes that are zero where their labels are not: a third of the time."""
    from crackle import codec

    for z in np.flatnonzero(voxels[0, 0] == 0):
        if not voxels[..., z].any() and any(codec.labels_for_z_range(content, z, z + 1)):
            raise ValueError(f"its plane z {z} is damaged")


@cache
def _is_zeroed(size: int) -> bool:
    """Tell whether an array of so many bytes is zero before it is written, as `ZEROED` asks for."""
    for _ in range(3):
        np.full(size, 1, np.uint8)  # and freed
        if np.empty(size, np.uint8).any():
            return False
    return True


# ---- compresso ----


def _compresso(content: bytes, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    import compresso

    stated = compresso.header(content)
    expect([stated[side] for side in ("sx", "sy", "sz")], shape[:3])
    _refuse_cut(content, stated)
    return np.asarray(compresso.decompress(content))[..., None]


def _refuse_cut(content: bytes, stated: dict[str, Any]) -> None:
    """Refuse windows that are not as many as there should be: compresso counts them from behind.

    They are cells of a few voxels: a word each, or one with its lowest bit for many empty ones.
    """
    import compresso

    cell = [stated[f"{axis}step"] for axis in "xyz"]
    width = next((width for width in (1, 2, 4) if math.prod(cell) <= 8 * width), 8)
    values = stated["id_size"] + stated["location_size"]
    start = len(compresso.raw_header(content)) + values * stated["data_width"]
    start += stated["value_size"] * width
    x, y, z = (stated[f"s{axis}"] for axis in "xyz")
    index = 2 * z * compresso.zindex_byte_width(x, y) if stated["format_version"] else 0
    words, beside = divmod(len(content) - index - start, width)
    if words < 0 or beside or not all(cell):
        raise ValueError("it has another length than it states")
    windows = np.frombuffer(content, f"<u{width}", words, start)
    many = np.where(windows & 1, windows >> 1, 1).sum(dtype=np.uint64)
    if many != math.prod(-(-side // step) for side, step in zip((x, y, z), cell, strict=True)):
        raise ValueError("it has another length than it states")


# ---- kempressed ----


def _kempressed(content: bytes, voxels: npt.NDArray[Any]) -> None:
    """Take off the 2 that was added, and have channels, which are before z, last."""
    x, y, z, channels = voxels.shape
    own = np.swapaxes(voxels, 2, 3)
    found = own.T if channels == 1 else np.empty((z, channels, y, x), voxels.dtype)
    fpzip_streams.decode(content, found.dtype.name, found.T.shape, found)
    np.subtract(found.T, found.dtype.type(2), out=own)


# ---- JPEG XL ----


def _jxl(content: bytes, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the voxels of a picture, which lie in its rows one after the other."""
    import imagecodecs

    image = np.asarray(imagecodecs.jpegxl_decode(content, numthreads=1))
    if image.ndim != 2 or image.size != math.prod(shape) or shape[3] != 1:
        raise ValueError(
            f"it is a picture of {list(image.shape)}, where one of {list(shape)} voxels was "
            "expected"
        )
    return image.ravel().reshape(shape, order="F")


_DECODERS = {"crackle": _crackle, "compresso": _compresso, "jxl": _jxl}
