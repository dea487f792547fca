"""Volumes that are there already, read in place by tensorstore: precomputed, Zarr, OME-Zarr, N5.

They lie in files, behind HTTP(S), in S3 or in Google Cloud Storage. For buckets, the credentials
are those that the provider's own tools find (environment, profile, machine); where there are none,
a bucket is read as anyone may. Another S3 than Amazon's is named by AWS_ENDPOINT_URL. What
BOSSFLOW_SOURCE_AWS_... says goes before (`s3`). BossDB's host and token are never used here.

Coordinates are the volume's own voxels. A precomputed volume starts at its `voxel_offset`, an
OME-Zarr image at its translation, taken to the nearest whole voxel (pyramids state shifts of less
than half a voxel, which are no coordinates), anything else at 0. A chunk that was never written is
zero, or the fill value, as the formats say; a chunk that can't be read is an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from ...boxes import Box, grid
from .. import NOTHING, Refused, sensible
from ..places import kvstores, listing, s3
from ..places.kvstores import kvstore_of, opened, split, wait
from . import absent_chunks, chunk_names, chunkwise, copying, several
from .contents import contents as contents
from .contents import cost as cost
from .opening import level_of, open_level, opened_level, view_of
from .stated import Level
from .voxel_size import voxel_size_nm
from .webknossos import FILE, layer_of


def canonical(uri: str, directory: str) -> str:
    """Return the one spelling of a volume's URI.

    Parameters
    ----------
    uri : str
        precomputed://, zarr://, n5:// or webknossos://, then https://host/path,
        http://host/path, s3://bucket/path, gs://bucket/path, file:///path or a path; after a
        webknossos dataset # and a layer.
    directory : str
        Where a relative path starts.

    Raises
    ------
    Refused
        If the URI is malformed.
    """
    scheme, place = split(uri, directory)
    layer = layer_of(uri)
    return f"{scheme}://{place}" + (f"#{layer}" if layer else "")


def archive_name(uri: str, host: str) -> str:
    """Return what the volume lies in: host and port, `s3`, `gs` or `file`."""
    return s3.archive_of(split(uri)[1])


def address(uri: str, host: str) -> str:
    """Return the address of another S3 than Amazon's that the volume lies in."""
    return s3.address_of(split(uri)[1])


def describe(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    patient: bool = False,
    chosen: Mapping[str, int] = NOTHING,
    size_nm_zyx: Sequence[float] | None = None,
) -> dict[str, Any]:
    """Return a volume's metadata at one resolution.

    Parameters
    ----------
    uri : str
        As for `canonical`, with an absolute path.
    resolution : int
        Which scale of a precomputed volume, or level of an OME-Zarr image, as they are listed
        there; 0 is the first, and the finest. Of an array there is only 0.
    host, token, patient
        BossDB's; not used.
    chosen : mapping
        Index of `channel` or `time`, for a volume that has several.
    size_nm_zyx : sequence of float, optional
        The voxel size along axes that state none.

    Returns
    -------
    dict
        `kind` ("image" or "annotation"; where the volume doesn't tell, integers of 32 bits and
        more are an annotation), `dtype`, `shape_zyx` and `offset_zyx` (voxels of this resolution),
        `voxel_size_nm_zyx`, `chunk_zyx` (voxels that are read at once); `middle_zyx`, if it is not
        0 (where voxel 0 has its middle, in voxels from that of the finest level); `chosen`, if
        there are several of what was chosen.

    Raises
    ------
    Refused
        If the URI is malformed, there is no such volume or resolution, it may not be read, has
        several times or channels of which none is chosen, or no voxel size: none is made up.
    Unreachable
        If there is no usable answer.
    """
    level = level_of(uri, resolution, tuple(chosen.items()))
    store = open_level(level, uri, False, kvstores.shared_context(kvstores.VOXEL_LIMITS))
    view = view_of(level, store, uri)
    size_nm = voxel_size_nm(level, uri, size_nm_zyx)
    dtype = view.dtype.name
    chunk_names.refuse_endless(view, uri)
    metadata = {
        "kind": level.kind_of(dtype),
        "dtype": dtype,
        "shape_zyx": list(view.shape),
        "offset_zyx": list(view.origin),
        "voxel_size_nm_zyx": size_nm,
        "chunk_zyx": list(view.chunk_layout.read_chunk.shape),
    }
    own = {"middle_zyx": level.middle_zyx, "chosen": several.chosen(level, store.shape)}
    own = {name: value for name, value in own.items() if any(value)}
    return sensible(metadata | own, uri)


def files(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    boxes: Sequence[Box],
    chosen: Mapping[str, int] = NOTHING,
) -> dict[str, Any]:
    """Return what `voxels.files.seen` needs to tell whether boxes of a volume were changed.

    Where nothing can be listed, as behind HTTP, the metadata stand for all: `stamp`.
    """
    level, view = opened_level(uri, resolution, tuple(chosen.items()))
    scheme, place = split(uri)
    kvstore = level.spec["kvstore"]
    own = kvstore.get("base_url", kvstore.get("path", ""))
    root = f"{place}/" if "base_url" in kvstore else kvstore_of(place).get("path", "")
    about = [f"{where}{name}" for where in dict.fromkeys((root, own)) for name in _ABOUT[scheme]]
    if level.precomputed:
        own += f"{level.precomputed['scale']['key']}/"
    told = {"place": own.rstrip("/"), "about": about, "chunks": chunk_names.naming_of(level, view)}
    if kvstore["driver"] == "file":
        return told
    if "bucket" in kvstore:
        with suppress(listing.Unlisted):
            scheme = place.partition("://")[0]
            return told | {"found": listing.found(scheme, kvstore["bucket"], **told, boxes=boxes)}
    store = opened(kvstore_of(place), kvstores.METADATA_LIMITS, uri)
    answers = [
        wait(store.read(path.removeprefix(root)), uri, kvstores.METADATA_LIMITS) for path in about
    ]
    return {"stamp": repr([(answer.value, answer.stamp.generation) for answer in answers])}


_ABOUT = {
    "precomputed": ("info",),
    "zarr": ("zarr.json", ".zattrs", ".zgroup", ".zarray"),
    "n5": ("attributes.json",),
    "webknossos": (FILE, "info", "zarr.json", ".zattrs", ".zarray", "attributes.json"),
}
"""The names of files that hold metadata, by format."""


def unwritten(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    boxes: Sequence[Box],
    told: dict[str, Any] | None,
    chosen: Mapping[str, int] = NOTHING,
) -> str | None:
    """Return a sentence on boxes of which no chunk is there; None if each has one, or may have."""
    level, view = opened_level(uri, resolution, tuple(chosen.items()))
    return absent_chunks.unwritten(_place(uri, level, view, (told or {}).get("found")), view, boxes)


def _place(
    uri: str, level: Level, view: Any, found: dict[str, Any] | None = None
) -> chunk_names.Place:
    own = str(level.spec["kvstore"].get("path", ""))
    if level.precomputed:
        own += f"{level.precomputed['scale']['key']}/"
    return chunk_names.Place(uri, level, chunk_names.naming_of(level, view), own.rstrip("/"), found)


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
    """Read a box.

    Takes the memory of the box and of the chunks in flight: 64 MiB as encoded and as decoded, or
    one layer of chunks if that is more. A process asks for a volume's metadata once.

    Parameters
    ----------
    uri, resolution, chosen
        As for `describe`.
    host, token, verify
        Not used; unlike BossDB's answers, these formats and connections have checks of their own.
    dtype : str
        What the volume holds; anything else is an error.
    box : Box
        What to read, in voxels of this resolution.

    Returns
    -------
    ndarray
        The voxels, ZYX, C order, native byte order.

    Raises
    ------
    Refused
        If the volume holds another dtype, the box leaves it, or a chunk is damaged or may not be
        read.
    Unreachable
        If there is no usable answer.
    """
    level, view = opened_level(uri, resolution, tuple(chosen.items()))
    extent = Box.of(view.origin, view.shape)
    if view.dtype.name != dtype:
        raise Refused(f"{uri} holds {view.dtype.name}, where {dtype} was expected")
    if not extent.contains(box):
        raise Refused(
            f"box {box.name} leaves {uri} at resolution {resolution}: it has {extent.name}"
        )
    what = f"box {box.name} of {uri} at resolution {resolution}"
    absent_chunks.refuse_absent(_place(uri, level, view), box)
    voxels = np.empty(box.shape_zyx, dtype)
    if chunkwise.goes_by_chunk(level, view, box, extent):
        chunkwise.copy_by_chunk(voxels, level, view, box, extent, what)
        return voxels
    # tensorstore would read all that it is asked for before it is decoded and copied.
    depth, (_, height, width) = view.chunk_layout.read_chunk.shape[0], box.shape_zyx
    layer_bytes = depth * height * width * voxels.itemsize * several.beside(level, view)
    layers = max(1, copying.BYTES_AT_ONCE // layer_bytes)
    for slab in grid(box, (layers * depth, height, width), (extent.z0, box.y0, box.x0)):
        copying.copy(view, slab, voxels, box, what)
    return voxels
