"""Volumes in single files, read where they lie: HDF5, NWB and other formats, one module each.

They lie where `volumes` may: on disk, behind HTTP(S), in S3 or Google Cloud Storage, and are read
there by ranges of bytes. A place within a file follows `#`: hdf5://data/a.h5#/volumes/raw.

Coordinates are the file's own voxels, its first one where the metadata place it, to the nearest
whole voxel; 0 where they don't. What was never written is the fill value, as the formats say; what
can't be read is an error.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...boxes import Box, grid
from .. import DIRECTORIES, NOTHING, Contents, Refused, Unreachable, brief, offsets, sensible
from ..naming import not_one_of
from ..places import ranged, s3
from ..places.kvstores import brief_reason, split
from ..places.ranged import File
from ..volumes import several
from ..volumes.stated import refuse_senseless
from ..volumes.voxel_size import voxel_size_nm
from .image import Image, Slices, slabs


def parts(uri: str, directory: str = "") -> tuple[str, str, str]:
    """Return a URI's format, its place, and what it names there: `/path`, or nothing.

    Raises
    ------
    Refused
        If it is malformed.
    """
    outside, mark, inside = uri.rpartition("#/")
    scheme, place = split(outside if mark else uri, directory)
    names = [name for name in inside.split("/") if name not in ("", ".")] if mark else []
    if ".." in names or not inside.isprintable():
        raise Refused(f"source {brief(uri)} is malformed: after # write the path in the file")
    return scheme, place, "".join(f"/{name}" for name in names)


def canonical(uri: str, directory: str) -> str:
    """Return the one spelling of a URI; a relative path in it starts at `directory`."""
    scheme, place, inside = parts(uri, directory)
    return f"{scheme}://{place}" + (f"#{inside}" if inside else "")


def archive_name(uri: str, host: str) -> str:
    """Return what the file lies in: host and port, `s3`, `gs` or `file`."""
    return s3.archive_of(parts(uri)[1])


def address(uri: str, host: str) -> str:
    """Return the address of another S3 than Amazon's that the file lies in."""
    return s3.address_of(parts(uri)[1])


def describe(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    patient: bool = False,
    chosen: Mapping[str, int] = NOTHING,
    size_nm_zyx: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return a volume's metadata at one resolution, as `volumes.describe` does.

    Raises
    ------
    Refused
        If there is no such file, or it can't be read, holds several volumes of which none is named,
        several times or channels of which none is chosen, or no voxel size: none is made up.
    Unreachable
        If there is no usable answer.
    """
    image = _opened(uri, resolution).image
    level = several.choose(image.level, chosen)
    axes = _axes(image, uri)
    if image.dtype.kind not in "buif" or image.dtype.itemsize > 8:
        raise Refused(f"{uri} holds {image.dtype}, which is no type of voxels: make numbers of it")
    several.indices(level, image.shape, uri)
    offsets.refuse_other(level.given_zyx, level.offset_zyx, uri)
    metadata = {
        "kind": level.kind_of(image.dtype.name),
        "dtype": image.dtype.name,
        "shape_zyx": [image.shape[i] for i in axes],
        "offset_zyx": level.offset_zyx,
        "voxel_size_nm_zyx": voxel_size_nm(level, uri, size_nm_zyx),
        "chunk_zyx": [image.chunk[i] for i in axes],
    }
    own = {"middle_zyx": level.middle_zyx, "chosen": several.chosen(level, image.shape)}
    return sensible(metadata | {name: value for name, value in own.items() if any(value)}, uri)


def contents(uri: str, host: str, token: str) -> Contents:
    """Return what there is in a file: the resolutions of a volume, or what may be named."""
    scheme, place, inside = parts(uri)
    module, file = _format(scheme), _file(uri)
    with _telling(uri, file):
        names = [] if inside or not hasattr(module, "names") else module.names(file)
        file.stream.seek(0)
        named = [f"{scheme}://{place}#{name}" for name in names]
        number = 0 if named else len(module.images(file, inside, uri))
    return Contents(_WORDS[scheme], range(number), {_INSIDE[scheme]: named} if named else {})


_WORDS = {
    **{"hdf5": "HDF5", "nwb": "NWB", "nifti": "NIfTI", "nrrd": "NRRD", "mrc": "MRC"},
    **{"npy": "numpy's npy", "ckl": "Crackle", "tiff": "TIFF", "planes": "a file a plane"},
    **{"hypersquare": "HyperSquare", "bigarray": "BigArray"},
}
_INSIDE = {"hdf5": "datasets", "nwb": "series", "tiff": "series", "hypersquare": "parts"}


def cost(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    box: Box,
    chosen: Mapping[str, int] = NOTHING,
) -> tuple[int, int]:
    """Return what it takes to read a box: requests, and bytes at most, as decoded."""
    image = _kept(uri, resolution, chosen).image
    sides = [image.chunk[i] for i in _axes(image, uri)]
    number = len(grid(box, sides, image.level.offset_zyx))
    return number, number * math.prod(image.chunk) * image.dtype.itemsize


def files(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    boxes: Sequence[Box],
    chosen: Mapping[str, int] = NOTHING,
) -> dict[str, Any]:
    """Return what `voxels.files.seen` needs to tell whether the file was changed."""
    file = _file(uri)
    told = file.told
    file.stream.close()
    return told


def unwritten(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    boxes: Sequence[Box],
    told: dict[str, Any] | None,
    chosen: Mapping[str, int] = NOTHING,
) -> str | None:
    """Return a sentence on boxes in which nothing was written, or on how the file is read."""
    image, file, lock = _kept(uri, resolution, chosen)
    with lock, _telling(uri, file):
        bare = [box for box in boxes if image.lacks(_slices(image, box, uri))]
    if bare:
        first, number = bare[0].name, len(bare)
        which = f"{number} cutouts (first: {first})" if number > 1 else first
        fill = f"{brief(image.fill)}, the fill value" if image.fill else "zero"
        return (
            f"nothing was ever written in {which} of {uri}: what was never written is {fill}, and "
            "it is taken for that"
        )
    return f"{uri} {image.note}" if image.note else None


def read(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    dtype: str,
    box: Box,
    verify: bool = False,
    chosen: Mapping[str, int] = NOTHING,
) -> npt.NDArray[Any]:
    """Read a box, as `volumes.read` does; a process keeps the last few files open.

    Takes the memory of the box, and of a slab of it what the format's library needs.
    """
    image, file, lock = _kept(uri, resolution, chosen)
    extent = Box.of(image.level.offset_zyx, [image.shape[i] for i in _axes(image, uri)])
    if image.dtype.name != dtype:
        raise Refused(f"{uri} holds {image.dtype.name}, where {dtype} was expected")
    if not extent.contains(box):
        raise Refused(
            f"box {box.name} leaves {uri} at resolution {resolution}: it has {extent.name}"
        )
    with lock, _telling(f"box {box.name} of {uri}", file):
        part, axes = _slices(image, box, uri), _axes(image, uri)
        voxels = np.empty(box.shape_zyx, dtype)
        order = [*(i for i in range(len(part)) if i not in axes), *axes]
        whole = voxels.reshape([part[i].stop - part[i].start for i in order])
        in_own_order = whole.transpose(np.argsort(order))
        for slab, place in slabs(image, part):
            found = np.asarray(image.read(slab))
            if found.shape != in_own_order[place].shape:
                raise ValueError(f"{found.shape} came")
            in_own_order[place] = found
        return voxels


def _axes(image: Image, uri: str) -> list[int]:
    """Return which axes are z, y and x."""
    axes = image.level.axes
    if len(axes) != len(image.shape) or any(axes.count(axis) != 1 for axis in "zyx"):
        raise Refused(
            f"{uri} has {len(image.shape)} dimensions, and the axes {', '.join(axes)}: it needs z, "
            "y and x"
        )
    return [axes.index(axis) for axis in "zyx"]


def _slices(image: Image, box: Box, uri: str) -> Slices:
    level = image.level
    found = {i: slice(at, at + 1) for i, at in several.indices(level, image.shape, uri).items()}
    inside = box.slices(level.offset_zyx)
    found |= dict(zip(_axes(image, uri), inside, strict=True))
    return tuple(found[i] for i in range(len(image.shape)))


class _Opened(NamedTuple):
    image: Image
    file: File
    lock: Lock  # a stream has one position


def _file(uri: str) -> File:
    scheme, place, _ = parts(uri)
    return (ranged.directory if scheme in DIRECTORIES else ranged.opened)(place, uri)


def _format(scheme: str) -> Any:
    """Return the module of a format, which is a `Format`, and may have `names`."""
    return importlib.import_module(f".{scheme}", __name__)


def _opened(uri: str, resolution: int) -> _Opened:
    """Open a file anew, at one of its resolutions."""
    scheme, _, inside = parts(uri)
    file = _file(uri)
    with _telling(uri, file):
        listed = _format(scheme).images(file, inside, uri)
        for image in listed:
            refuse_senseless(image.level)
    if not 0 <= resolution < len(listed):
        raise not_one_of(uri, "resolution", resolution, f"0 to {len(listed) - 1}")
    return _Opened(listed[resolution], file, Lock())


def _kept(uri: str, resolution: int, chosen: Mapping[str, int]) -> _Opened:
    """Return a file that was opened before; one on disk that looks the same as then."""
    place = parts(uri)[1]
    looks = ranged.looks(place.removeprefix("file://")) if place.startswith("file://") else None
    kept = _opened_as(uri, resolution, looks)
    level = several.choose(kept.image.level, chosen)
    offsets.refuse_other(level.given_zyx, level.offset_zyx, uri)
    return kept._replace(image=kept.image._replace(level=level))


@lru_cache(maxsize=8)
def _opened_as(uri: str, resolution: int, looks: tuple[int, int] | None) -> _Opened:
    return _opened(uri, resolution)


@contextmanager
def _telling(what: str, file: File) -> Iterator[None]:
    """Say in a sentence what a format's library says, which may be any error."""
    file.forget_problem()
    try:
        yield
    except (Refused, Unreachable, MemoryError, NameError):
        raise
    except ImportError as error:
        raise Refused(
            f"{what} can't be read: the Python package {error.name} is missing; it comes with "
            "bossflow's extra formats: pip install 'bossflow[formats]'"
        ) from None
    except Exception as error:
        if file.problem:
            raise file.problem from None
        reason = brief_reason(str(error)) or type(error).__name__
        raise Refused(f"{what} can't be read: {reason}") from None
