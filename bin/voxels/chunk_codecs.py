"""Chunks of precomputed volumes in encodings that tensorstore does not know, decoded one by one.

    python chunk_codecs.py ENCODING DTYPE FILE BYTES

is the process of `archives.volumes.apart`: what a codec does over damaged bytes ends it alone. It
loads none of the other modules. The layout of each encoding is CloudVolume's
(https://github.com/seung-lab/cloud-volume/blob/master/cloudvolume/chunks.py).
"""

from __future__ import annotations

import contextlib
import importlib
import mmap
import os
import signal
import struct
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

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

ASKED = struct.Struct("<5Q")
"""The sides of a chunk (x, y, z, channels) and how many bytes of it follow."""

ANSWERED = struct.Struct("<Q")
"""How many bytes follow that say what is wrong; 0 if the voxels are in the file."""

_TAIL = 64
"""Bytes that fpzip is given after a chunk."""

_MOST_BYTES = 2**31
"""Of memory that a codec may ask for beside what whole chunks take."""


def decode(
    encoding: str, content: bytes, shape_xyzc: Sequence[int], dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """Return the voxels of a chunk.

    Parameters
    ----------
    encoding : str
        One of `PACKAGES`.
    content : bytes
        The chunk, of whatever writer.
    shape_xyzc : sequence of 4 int
        What it should hold.
    dtype : dtype
        Of the volume.

    Returns
    -------
    ndarray, shape (X, Y, Z, channels)

    Raises
    ------
    ValueError
        If it holds something else, or is damaged where the encoding can tell. Codecs raise errors
        of other kinds, too.
    """
    if not content:
        raise ValueError("it is empty")
    shape, wanted = tuple(shape_xyzc), np.dtype(dtype)
    if encoding in ("crackle", "compresso"):
        _expect(_stated_shape(encoding, content), shape[:3])
    voxels = _DECODERS[encoding](content)
    if encoding == "jxl":
        voxels = _of_image(voxels, shape)
    if voxels.dtype != wanted:
        raise ValueError(f"it holds {voxels.dtype}, where {wanted} was expected")
    voxels = voxels if voxels.ndim == 4 else voxels[..., None]
    _expect(voxels.shape, shape)
    return voxels


def _expect(found: Sequence[int], shape: Sequence[int]) -> None:
    if tuple(found) != tuple(shape):
        raise ValueError(f"it holds {list(found)} voxels, where {list(shape)} were expected")


def _stated_shape(encoding: str, content: bytes) -> list[int]:
    module = importlib.import_module(encoding)
    stated = module.header(content)
    stated = stated if isinstance(stated, dict) else vars(stated)
    return [int(stated[side]) for side in ("sx", "sy", "sz")]


def _crackle(content: bytes) -> npt.NDArray[Any]:
    import crackle

    refuse_changed_labels(content)
    return np.asarray(crackle.decompress(content, parallel=1))


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


def _compresso(content: bytes) -> npt.NDArray[Any]:
    import compresso

    return np.asarray(compresso.decompress(content))


def _fpzip(content: bytes) -> npt.NDArray[Any]:
    """Decode twice: fpzip goes on over the end of what was cut, with whatever follows."""
    import fpzip

    one, other = (fpzip.decompress(content + byte * _TAIL, order="F") for byte in (b"\0", b"\xff"))
    if one.tobytes("A") != other.tobytes("A"):
        raise ValueError("it ends too early")
    return np.asarray(one)


def _kempressed(content: bytes) -> npt.NDArray[Any]:
    """Return what was added to 2, with channels before z."""
    return np.swapaxes(_fpzip(content), 2, 3) - 2.0


def _jxl(content: bytes) -> npt.NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.jpegxl_decode(content, numthreads=1))


def _of_image(image: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return the voxels of a picture, which lie in its rows one after the other."""
    if image.ndim != 2 or image.size != np.prod(shape) or shape[3] != 1:
        raise ValueError(
            f"it is a picture of {list(image.shape)}, where one of {list(shape)} voxels was "
            "expected"
        )
    return image.ravel().reshape(shape, order="F")


_DECODERS = {
    "crackle": _crackle,
    "compresso": _compresso,
    "fpzip": _fpzip,
    "kempressed": _kempressed,
    "jxl": _jxl,
}


# ---- a process of its own ----


def main() -> None:
    """Decode what is asked for at stdin into a file that is shared, until there is no more."""
    encoding, dtype, file, length = sys.argv[1], np.dtype(sys.argv[2]), *map(int, sys.argv[3:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked ends, and so does stdin
    asked = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # codecs may print
    shared = mmap.mmap(file, length)
    importlib.import_module(PACKAGES[encoding][0])
    _limit(length)
    while len(head := asked.read(ASKED.size)) == ASKED.size:
        *shape, size = ASKED.unpack(head)
        try:
            voxels = decode(encoding, asked.read(size), shape, dtype)
            np.ndarray(shape, dtype, shared, order="F")[...] = voxels
            said = b""
        except Exception as error:
            said = " ".join(str(error).split()).encode() or type(error).__name__.encode()
        answers.write(ANSWERED.pack(len(said)) + said)
        answers.flush()


def _limit(length: int) -> None:
    """Limit memory: damaged sizes ask for any amount."""
    import resource

    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/statm") as stream:
            now = int(stream.read().split()[0]) * resource.getpagesize()
        most = now + 8 * length + _MOST_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
