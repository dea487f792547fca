"""NIfTI files as they lie: their header, and their voxels volume after volume."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

_GZIP = b"\x1f\x8b"
_BUFFER = 4 * 2**20


class Header(NamedTuple):
    """What a file says of its voxels.

    Attributes
    ----------
    shape : tuple of 4 int
        Voxels along x, y, z, and volumes.
    affine : float64 array, shape (4, 4)
        From voxels to mm.
    dtype : numpy.dtype
        As voxels are stored.
    slope, inter : float
        What a stored value is multiplied by, and what is added then; 1 and 0 where nothing is.
    offset : int
        The byte at which voxels begin.
    """

    shape: tuple[int, int, int, int]
    affine: NDArray[np.float64]
    dtype: np.dtype[Any]
    slope: float
    inter: float
    offset: int


@contextmanager
def unpacked(stream: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Give the bytes of a file, unpacked if it is gzipped; damage is told in a sentence."""
    packed = stream.read(2) == _GZIP
    stream.seek(0)
    raw: Any = io.BufferedReader(cast(Any, stream), _BUFFER)
    try:
        yield cast(BinaryIO, gzip.GzipFile(fileobj=raw) if packed else raw)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ValueError(f"{name} is damaged: its gzip stream breaks off or is wrong") from None
    finally:
        raw.detach()  # it would close the file


def header(content: bytes, name: str) -> Header:
    """Read the header of a file from its first 540 bytes, unpacked.

    Raises
    ------
    ValueError
        If it is no NIfTI in a single file, has other axes, or states no place.
    """
    kinds: tuple[Any, Any] = (nib.Nifti1Header, nib.Nifti2Header)
    for kind in kinds:
        size = kind.template_dtype.itemsize
        if kind.may_contain_header(content):
            break
    else:
        raise ValueError(f"{name} is no NIfTI: give a .nii or .nii.gz")
    try:
        head = kind(content[:size])
        dtype = head.get_data_dtype()
        slope, inter = head.get_slope_inter()
    except (nib.spatialimages.HeaderDataError, ValueError) as error:
        raise ValueError(f"{name} has a header that is damaged: {error}") from None
    if not bytes(head["magic"]).startswith(b"n+"):
        raise ValueError(f"{name} keeps its voxels in another file (.img): make one .nii of both")
    shape = tuple(int(side) for side in head.get_data_shape())
    while len(shape) > 4 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise ValueError(f"{name} has {' x '.join(map(str, shape))} voxels: it needs x, y and z")
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ValueError(f"{name} has voxels of type {dtype}: give whole numbers or floats")
    if not (head["qform_code"] or head["sform_code"]):
        raise ValueError(f"{name} does not say where it lies (sform and qform are 0): mend it")
    affine = head.get_best_affine()
    if not np.isfinite(affine).all() or not abs(np.linalg.det(affine)) > 0:
        raise ValueError(f"{name} has an affine that places no voxels: mend its header")
    scaling = (1.0, 0.0) if slope is None else (float(slope), float(inter))
    sides = cast(tuple[int, int, int, int], (*shape, 1)[:4])
    return Header(sides, affine, dtype, *scaling, max(int(head["vox_offset"]), size))


def volumes(stream: BinaryIO, head: Header, name: str, most: int) -> Iterator[NDArray[Any]]:
    """Yield an image's volumes as they are stored, some at once, and see that nothing is amiss.

    Parameters
    ----------
    stream : BinaryIO
        Unpacked, at its beginning.
    head : Header
    name : str
        What messages call the file.
    most : int
        Bytes that are read at once; a volume that has more is read whole.

    Yields
    ------
    array, shape (volumes, z, y, x)
        In the machine's byte order.

    Raises
    ------
    ValueError
        If the file ends before, or is damaged.
    """
    *sides, n_volumes = head.shape
    size = int(np.prod(sides)) * head.dtype.itemsize
    _read(stream, head.offset, name)
    at_once = max(1, most // size)
    for first in range(0, n_volumes, at_once):
        number = min(at_once, n_volumes - first)
        content = _read(stream, number * size, name)
        voxels = np.frombuffer(content, head.dtype).reshape(number, *sides[::-1])
        yield voxels.astype(head.dtype.newbyteorder("="), copy=False)
    while stream.read(_BUFFER):  # gzip's checksum is at its end
        pass


def scaled(voxels: NDArray[Any], slope: float, inter: float) -> NDArray[np.float64]:
    """Return what stored values mean, as nibabel's `get_fdata` does."""
    found = voxels.astype(np.float64)
    if slope != 1:
        found *= slope
    if inter != 0:
        found += inter
    return found


def _read(stream: BinaryIO, number: int, name: str) -> bytearray:
    content = bytearray(number)
    view, at = memoryview(content), 0
    while at < number:
        got = stream.readinto(view[at:])  # type: ignore[attr-defined]
        if not got:
            raise ValueError(f"{name} is damaged: it ends before all of its voxels")
        at += got
    return content


def write(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64]) -> None:
    """Write a volume (x, y, z) as .nii in the scanner's space."""
    image = cast(Any, nib.Nifti1Image)(voxels, affine)
    for name in ("sform", "qform"):
        image.header[f"{name}_code"] = 1
    image.header.set_xyzt_units("mm")
    image.to_filename(path)
