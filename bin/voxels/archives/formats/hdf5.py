"""HDF5: any dataset of numbers with axes z, y and x, as tools mark it."""

from __future__ import annotations

import atexit
import json
import weakref
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import islice, product
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .. import Refused, brief
from ..places.ranged import File
from ..volumes import stated
from ..volumes.stated import Claim, Level
from .image import Image, Slices

with suppress(ImportError):  # more compressions, where it is installed
    import hdf5plugin  # noqa: F401

_SHOWN = 10
_LOOKED_AT = 1000
"""Names in a file that are gone through to say which volumes it has."""

_MOST_LOOKED_FOR = 100_000
"""Chunks of a part that are looked for, to say whether one was written."""


def images(file: File, inside: str, uri: str) -> list[Image]:
    """Return the one resolution of a dataset."""
    opening = opened(file)
    dataset = named(opening, inside, uri)
    about = attributes(dataset)
    axes = _axes(dataset, about, uri)
    grid = stated.grid_of(uri, about, _claims(about, axes))
    return [image(opening, dataset, Level({"driver": "hdf5"}, axes, **grid))]


_OPEN: weakref.WeakSet[Any] = weakref.WeakSet()


def names(file: File) -> list[str]:
    """Return the paths of what may be volumes."""
    return [*_volumes(opened(file))]


def opened(file: File) -> h5py.File:
    """Open a file; by its stream, as HDF5 would take one that it has open by name for the same."""
    made = h5py.File(file.stream, "r")
    _OPEN.add(made)
    return made


@atexit.register
def _close_all() -> None:
    """Close what is open, or HDF5 does so when there is no Python left that its stream needs."""
    for one in list(_OPEN):
        one.close()


def named(opened: h5py.File, inside: str, uri: str) -> h5py.Dataset:
    """Return the dataset that is named.

    Raises
    ------
    Refused
        If none is, or it is not there, or its voxels are elsewhere.
    """
    found = opened.get(inside) if inside else None
    if not isinstance(found, h5py.Dataset):
        names = list(islice(_volumes(opened), _SHOWN + 1))
        there = ", ".join(brief(name) for name in names[:_SHOWN]) + ", …" * (len(names) > _SHOWN)
        there = f"there are {there}" if names else "it has none with three axes and more"
        what = f"has no dataset {brief(inside)}" if inside else "names no dataset in the file"
        raise Refused(f"{uri} {what}: write #/ and its path after the file's; {there}")
    refuse_elsewhere(found, opened, uri)
    if found.is_virtual or found.external:
        raise Refused(f"{uri} keeps its voxels in other files: make one file of it (h5repack)")
    stored = found.id.get_create_plist()
    filters = [stored.get_filter(number) for number in range(stored.get_nfilters())]
    for code, _, _, name in filters:
        if not h5py.h5z.filter_avail(code):
            called = name.decode("ascii", "replace") or f"filter {code}"
            raise Refused(
                f"{uri} is compressed by {brief(called)}, which is not here: install the Python "
                "package hdf5plugin, or compress it with gzip (h5repack)"
            )
    return found


def refuse_elsewhere(one: Any, opened: h5py.File, uri: str) -> None:
    """Refuse what a link into another file led to.

    Of a file that is open by its stream, that is the same path in the file itself, whatever is
    there (h5py 3.16).
    """
    if one.file.filename != opened.filename:
        raise Refused(f"{uri} is a link into another file: name that file")


def image(opened: h5py.File, dataset: h5py.Dataset, level: Level) -> Image:
    """Return a dataset as an image, placed as `level` says."""
    shape, chunk = dataset.shape, dataset.chunks
    if chunk is None:
        sides = zip(level.axes, shape, strict=True)
        chunk = tuple(length if axis in "yx" else 1 for axis, length in sides)
    fill = dataset.fillvalue.item() if dataset.dtype.kind in "buif" else 0
    read, lacks = partial(_read, opened, dataset), partial(_lacks, dataset)
    return Image(level, shape, dataset.dtype, chunk, read, lacks, fill)


def attributes(holder: Any) -> dict[str, Any]:
    """Return the attributes of a dataset or group as JSON would have them."""
    return {name: _plain(value) for name, value in holder.attrs.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (str, int, float, bool)) else None


def _axes(dataset: h5py.Dataset, about: dict[str, Any], uri: str) -> tuple[str, ...]:
    statements: list[Any] = [[dim.label or None for dim in dataset.dims]]
    if tags := _tags(about):
        statements.append([tag["key"] for tag in tags])
    for name in ("_ARRAY_DIMENSIONS", "axis_names", "axes", "axis_order"):
        if names := about.get(name):
            statements.append(list(names))
    statements.append(stated.transform_axes(about.get("transform"), False))
    return stated.axes_of(uri, statements, dataset.ndim, "zyx")


def _claims(about: dict[str, Any], axes: tuple[str, ...]) -> list[Claim]:
    claims = stated.claims(about, axes, False)
    if size := about.get("element_size_um"):  # of z, y and x, whatever else there is
        claims.append(stated.claim("element_size_um", "zyx", size, "um", None))
    sizes = {tag["key"]: float(tag.get("resolution") or 0) for tag in _tags(about)}
    if all(sizes.get(axis) for axis in "zyx"):
        scale = [sizes[axis] for axis in "zyx"]
        claims.append(stated.claim("axistags", "zyx", scale, [None] * 3, None))
    return claims


def _tags(about: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what vigra and ilastik say of each axis."""
    tags = about.get("axistags")
    return list(json.loads(tags)["axes"]) if isinstance(tags, str) else []


def _read(opened: h5py.File, dataset: h5py.Dataset, part: Slices) -> npt.NDArray[Any]:
    """Read a part of a dataset; the file is named so that it is kept."""
    voxels: npt.NDArray[Any] = dataset[part]
    return voxels


def _lacks(dataset: h5py.Dataset, part: Slices) -> bool:
    """Say whether none of a part's chunks is there."""
    if dataset.chunks is None:
        return bool(dataset.id.get_storage_size() == 0)
    sides = zip(part, dataset.chunks, strict=True)
    starts = [range(one.start // side * side, one.stop, side) for one, side in sides]
    corners = islice(product(*starts), _MOST_LOOKED_FOR)
    there = (dataset.id.get_chunk_info_by_coord(corner).byte_offset for corner in corners)
    return all(offset is None for offset in there)


def _volumes(opened: h5py.File) -> Iterator[str]:
    """Yield paths of what may be volumes, those near the top first."""
    todo, left = [opened["/"]], _LOOKED_AT
    while todo and left > 0:
        group = todo.pop(0)
        for name in islice(group, left):
            left -= 1
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            one = group[name]
            if isinstance(one, h5py.Group):
                todo.append(one)
            elif isinstance(one, h5py.Dataset) and one.ndim >= 3:
                yield str(one.name)
