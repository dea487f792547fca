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

import gzip
import hashlib
import json
import math
import os
import re
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import tensorstore as ts

from ...boxes import Box, grid, snap
from .. import FURTHEST, NOTHING, Refused, brief, sensible, spelled
from ..places import kvstores, listing, s3
from ..places.kvstores import json_at, kvstore_of, opened, split, told, wait
from . import chunks, n5, several, zarr
from .stated import Level

CHUNKS_AT_ONCE = 16
BYTES_AT_ONCE = 64 * 2**20

# CloudVolume appends these to the names of chunks that it writes compressed, and only it looks
# for them: to others such a chunk is not there, and so zero.
SUFFIXES = (".gz", ".br", ".zstd")


def canonical(uri: str, directory: str) -> str:
    """Return the one spelling of a volume's URI.

    Parameters
    ----------
    uri : str
        precomputed://, zarr:// or n5://, then https://host/path, http://host/path,
        s3://bucket/path, gs://bucket/path, file:///path or a path.
    directory : str
        Where a relative path starts.

    Raises
    ------
    Refused
        If the URI is malformed.
    """
    scheme, place = split(uri, directory)
    return f"{scheme}://{place}"


def archive_name(uri: str, host: str) -> str:
    """Return what the volume lies in: host and port, `s3`, `gs` or `file`."""
    place = urlsplit(split(uri)[1])
    named = place.scheme if place.scheme in ("file", "gs", "s3") else place.netloc
    return spelled(address(uri, host)) or named


def address(uri: str, host: str) -> str:
    """Return the address of another S3 than Amazon's that the volume lies in."""
    return s3.address() if split(uri)[1].startswith("s3://") else ""


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
        `voxel_size_nm_zyx`, `chunk_zyx` (voxels that are read at once), `chosen`, if there
        are several of what was chosen.

    Raises
    ------
    Refused
        If the URI is malformed, there is no such volume or resolution, it may not be read, has
        several times or channels of which none is chosen, or no voxel size: none is made up.
    Unreachable
        If there is no usable answer.
    """
    level = _level(uri, resolution, tuple(chosen.items()))
    store = _open(level, uri, False, kvstores.shared_context(kvstores.VOXEL_LIMITS))
    view = _view(level, store, uri)
    size_nm = _voxel_size_nm(level, uri, size_nm_zyx)
    dtype = view.dtype.name
    metadata = {
        "kind": level.kind or ("annotation" if re.search("int(32|64)", dtype) else "image"),
        "dtype": dtype,
        "shape_zyx": list(view.shape),
        "offset_zyx": list(view.origin),
        "voxel_size_nm_zyx": size_nm,
        "chunk_zyx": list(view.chunk_layout.read_chunk.shape),
    }
    one_of = several.chosen(level, store.shape)
    return sensible(metadata | ({"chosen": one_of} if one_of else {}), uri)


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
    level, view = _opened(uri, resolution, tuple(chosen.items()))
    scheme, place = split(uri)
    kvstore = level.spec["kvstore"]
    own = kvstore.get("base_url", kvstore.get("path", ""))
    root = f"{place}/" if "base_url" in kvstore else kvstore_of(place).get("path", "")
    about = [f"{where}{name}" for where in dict.fromkeys((root, own)) for name in _ABOUT[scheme]]
    if level.precomputed:
        own += f"{level.precomputed['scale']['key']}/"
    told = {"place": own.rstrip("/"), "about": about, "chunks": chunks.naming_of(level, view)}
    if kvstore["driver"] == "file":
        return told
    if "bucket" in kvstore:
        with suppress(listing.Unlisted):
            scheme = place.partition("://")[0]
            return told | {"found": listing.found(scheme, kvstore["bucket"], **told, boxes=boxes)}
    there = opened(kvstore_of(place), kvstores.METADATA_LIMITS, uri)
    found = [
        wait(there.read(path.removeprefix(root)), uri, kvstores.METADATA_LIMITS) for path in about
    ]
    return {"stamp": repr([(one.value, one.stamp.generation) for one in found])}


_ABOUT = {
    "precomputed": ("info",),
    "zarr": ("zarr.json", ".zattrs", ".zgroup", ".zarray"),
    "n5": ("attributes.json",),
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
    level, view = _opened(uri, resolution, tuple(chosen.items()))
    return chunks.unwritten(_place(uri, level, view, (told or {}).get("found")), view, boxes)


def _place(uri: str, level: Level, view: Any, found: dict[str, Any] | None = None) -> chunks.Place:
    own = str(level.spec["kvstore"].get("path", ""))
    if level.precomputed:
        own += f"{level.precomputed['scale']['key']}/"
    return chunks.Place(uri, level, chunks.naming_of(level, view), own.rstrip("/"), found)


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
    level, view = _opened(uri, resolution, tuple(chosen.items()))
    extent = Box.of(view.origin, view.shape)
    if view.dtype.name != dtype:
        raise Refused(f"{uri} holds {view.dtype.name}, where {dtype} was expected")
    if not extent.contains(box):
        raise Refused(
            f"box {box.name} leaves {uri} at resolution {resolution}: it has {extent.name}"
        )
    what = f"box {box.name} of {uri} at resolution {resolution}"
    chunks.refuse_absent(_place(uri, level, view), box)
    voxels = np.zeros(box.shape_zyx, dtype)
    if _hidden_chunks(level, view, box, extent):
        _fill_by_chunk(voxels, level, view, box, extent, what)
        return voxels
    # tensorstore would read all that it is asked for before it is decoded and copied.
    depth, (_, height, width) = view.chunk_layout.read_chunk.shape[0], box.shape_zyx
    layer_bytes = depth * height * width * voxels.itemsize * several.beside(level, view)
    layers = max(1, BYTES_AT_ONCE // layer_bytes)
    for slab in grid(box, (layers * depth, height, width), (extent.z0, box.y0, box.x0)):
        _copy(view, slab, voxels, box, what)
    return voxels


def levels(uri: str) -> list[Level]:
    """Return the levels of a volume, as it lists them.

    Raises
    ------
    Refused, Unreachable
    """
    scheme, place = split(uri)
    reader = {"precomputed": _precomputed, "zarr": zarr.levels, "n5": n5.levels}[scheme]
    try:
        found = reader(uri, kvstore_of(place))
        for level in found:
            if not all(0 < size < math.inf for size in level.scale_zyx or ()):
                raise ValueError(f"voxel size {level.scale_zyx}")
            if not all(abs(start) <= FURTHEST for start in _offset(level)):
                raise ValueError(f"translation {level.translation_zyx}")
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Refused(f"the metadata of {uri} make no sense: {brief(error)}") from None
    return found


def _precomputed(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    info = told(json_at(uri, kvstore, "info"))
    if info is None:
        why = kvstores.hint(uri, kvstore) or "it has no info file"
        raise Refused(f"there is no precomputed volume at {uri}: {why}")
    if not info.get("scales"):
        raise Refused(f"{uri} is no volume: its info file lists no scales")
    kind = "annotation" if info.get("type") == "segmentation" else "image"
    found = []
    for index, scale in enumerate(info["scales"]):
        if not isinstance(scale["key"], str):
            raise ValueError(f"key {scale['key']}")
        spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": index}
        size_zyx = tuple(map(float, scale["resolution"][::-1]))
        axes = ("x", "y", "z", "channel")
        level = Level(spec, axes, kind, size_zyx, (1.0, 1.0, 1.0))
        found.append(level._replace(precomputed=info | {"scale": scale}))
    return found


def compressed_files(level: Level) -> str:
    """Return what the name of a first chunk file ends with, if CloudVolume compressed it."""
    directory = _chunk_directory(level)
    if not directory or not os.path.isdir(directory):
        return ""
    with os.scandir(directory) as files:
        name = next((file.name for file in files), "")
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def open_zyx(level: Level, uri: str, write: bool = False, context: Any = None) -> Any:
    """Open a level as a tensorstore with axes z, y, x that starts at its offset.

    Parameters
    ----------
    level : Level
        One of `levels`.
    uri : str
        What messages call it.
    write : bool
        Whether to open it for writing too.
    context : tensorstore.Context, optional
        With the store that the level's spec names, if it is one in memory.

    Raises
    ------
    Refused
        If an axis is missing, or another one is longer than 1 and no index of it is chosen.
    Unreachable
    """
    context = context or kvstores.shared_context(kvstores.VOXEL_LIMITS)
    return _view(level, _open(level, uri, write, context), uri)


def _view(level: Level, store: Any, uri: str) -> Any:
    """Return what is read of a store: its axes z, y and x, and the chosen index of any other."""
    if len(level.axes) != store.rank or not set("zyx") <= set(level.axes):
        raise Refused(
            f"{uri} has {store.rank} dimensions, and the axes {', '.join(level.axes)} are stated: "
            "it needs z, y and x"
        )
    chosen = dict(level.chosen)
    others = [i for i, name in enumerate(level.axes) if name not in "zyx"]
    indices = []
    for i in others:
        name, length = several.parameter(level, i), store.shape[i]
        index = chosen.pop(name, None if length > 1 else 0)
        if index is None:
            how = f"say which by {name}, counted from 0" if name else "make a volume of it alone"
            if level.axes[i].startswith("dimension "):
                how = f"name the axes in its metadata (t, c, z, y, x), or {how}"
            raise Refused(
                f"{uri} has {length} along axis {level.axes[i]}: only one can be used, so {how}"
            )
        if index >= length:
            raise Refused(f"{name} {index} is not one of {uri}: it has 0 to {length - 1}")
        indices.append(store.origin[i] + index)
    for name, index in chosen.items():
        if index:
            raise Refused(f"{name} {index} is not one of {uri}: it has no axis of that name")
    if others:
        store = store[ts.d[others][tuple(indices)]]
    kept = [name for name in level.axes if name in "zyx"]
    store = store.transpose([kept.index(axis) for axis in "zyx"])
    return store if level.precomputed else store[ts.d[:].translate_to[_offset(level)]]


_FILES = {
    "neuroglancer_precomputed": "info",
    "zarr": ".zarray",
    "zarr3": "zarr.json",
    "n5": "attributes.json",
}
_OWN = {
    "zarr": ("compressor", "filters", "fill_value"),  # may be null, and have to be there
    "zarr3": ("attributes",),
    "n5": ("axes", "units", "resolution"),
}
"""What tensorstore takes in fewer forms than tools write, and is read here."""


def _open(level: Level, uri: str, write: bool, context: Any) -> Any:
    """Open what a level names; where its metadata have nulls, by metadata without them."""

    def opened_at(kvstore: dict[str, Any]) -> Any:
        spec = level.spec | {"kvstore": kvstore}
        future = ts.open(spec, read=True, write=write, context=context)
        return wait(future, uri, kvstores.METADATA_LIMITS)

    driver, kvstore = level.spec["driver"], level.spec["kvstore"]
    try:
        return opened_at(kvstore)
    except Refused:
        name = _FILES[driver]
        raw = json_at(uri, kvstore, name) if kvstore["driver"] != "memory" else None
        if raw is None:
            raise
        plain = told(raw)
        if driver == "zarr":
            plain = dict.fromkeys(_OWN["zarr"]) | plain
            if isinstance(plain["compressor"], dict):  # of no concern to who reads
                plain["compressor"].pop("checksum", None)
        else:
            plain = {key: one for key, one in plain.items() if key not in _OWN.get(driver, ())}
        if plain == raw:
            raise
        text = json.dumps(plain)
        path = f"{hashlib.blake2b(f'{kvstore} {text}'.encode()).hexdigest()}/"
        memory = {"driver": "memory", "path": path}
        wait(ts.KvStore.open(memory, context=context), uri, kvstores.METADATA_LIMITS)[name] = text
        layer = {"base": memory | {"path": path + name}, "exact": name}
        try:
            return opened_at({"driver": "kvstack", "layers": [{"base": kvstore}, layer]})
        except Refused as error:
            raise Refused(str(error).replace(path, "")) from None


def _offset(level: Level) -> list[int]:
    """Return the voxel that a translation names; half a voxel is still the one below."""
    scale = level.scale_zyx or (1.0, 1.0, 1.0)
    pairs = zip(level.translation_zyx, scale, strict=True)
    return [math.ceil(round(shift / size, 6) - 0.5) for shift, size in pairs]


def _voxel_size_nm(level: Level, uri: str, given_zyx: Sequence[float] | None) -> list[float]:
    """Return the voxel size: what is stated, and what is given where nothing is."""
    # Rounded, or 0.57 micrometers would be 569.9999999999999 nm.
    stated = [
        round(size * unit, 6) if size and unit else None
        for size, unit in zip(level.scale_zyx or (None,) * 3, level.unit_nm_zyx, strict=True)
    ]
    found = zip(stated, given_zyx or (None,) * 3, strict=True)
    sizes = [own if own is not None else given for own, given in found]
    known = [size for size in sizes if size is not None]
    if len(known) == 3:
        return known
    give = "give it in nm as voxel_size x,y,z, such as --voxel_size 4,4,40"
    if level.scale_zyx is None:
        raise Refused(f"{uri} states no voxel size: {give}, or {_how_to_state_it(level)}")
    unknown = [axis for axis, size in zip("zyx", sizes, strict=True) if size is None]
    raise Refused(
        f"{uri} states no known unit for the voxel size along {' and '.join(unknown)}: {give}, or "
        "write one into its metadata, such as nanometer"
    )


def _how_to_state_it(level: Level) -> str:
    """Return how a voxel size is written where a level lies, its axes in their order."""
    size = {"z": 40, "y": 8, "x": 4}
    values = [size.get(axis, 1) for axis in level.axes]
    units = json.dumps(["nm"] * len(values))
    named = ", ".join(level.axes)
    return (
        f"give the array the attributes resolution and units, such as {values} and {units}, in the "
        f"order of its axes, which is {named}; or name an OME-Zarr image"
        if level.spec["driver"] != "n5"
        else f"give its attributes.json resolution and units, such as {values} and {units}, in "
        f"the order of its axes, which is {named}"
    )


def _level(uri: str, resolution: int, chosen: tuple[tuple[str, int], ...]) -> Level:
    found = levels(uri)
    if not 0 <= resolution < len(found):
        raise Refused(f"resolution {resolution} is not one of {uri}: it has 0 to {len(found) - 1}")
    suffix = compressed_files(found[resolution])
    if suffix and suffix != SUFFIXES[0]:
        raise _unreadable(uri, suffix)
    return found[resolution]._replace(chosen=chosen)


@cache
def _opened(
    uri: str, resolution: int, chosen: tuple[tuple[str, int], ...] = ()
) -> tuple[Level, Any]:
    """Return a level and its tensorstore; kept, as the blocks of a task share them."""
    level = _level(uri, resolution, chosen)
    return level, open_zyx(level, uri)


def _copy(view: Any, part: Box, voxels: npt.NDArray[Any], box: Box, what: str) -> None:
    """Copy a part of a view to its place in the array of a box."""
    found = view[part.z0 : part.z1, part.y0 : part.y1, part.x0 : part.x1]
    target = ts.array(voxels[part.slices(box.corner_zyx)])
    wait(target.write(found), what, kvstores.VOXEL_LIMITS)


# ---- chunks that tensorstore would not find ----


def _hidden_chunks(level: Level, view: Any, box: Box, extent: Box) -> bool:
    """Tell whether chunks of the box may be there under names that only CloudVolume looks for."""
    if not level.precomputed or "sharding" in level.precomputed["scale"]:
        return False
    directory = _chunk_directory(level)
    if not directory:
        # buckets say how an object is compressed
        return bool(level.spec["kvstore"]["driver"] == "http")
    return any(
        not os.path.exists(path) and any(os.path.exists(path + suffix) for suffix in SUFFIXES)
        for chunk in _chunks(view, box, extent)
        for path in [f"{directory}/{_whole(chunk, view, extent).name}"]
    )


def _chunk_directory(level: Level) -> str | None:
    """Return where the chunks of a precomputed volume in files lie."""
    kvstore = level.spec["kvstore"]
    if not level.precomputed or kvstore["driver"] != "file":
        return None
    return str(kvstore["path"] + level.precomputed["scale"]["key"])


def _chunks(view: Any, box: Box, extent: Box) -> list[Box]:
    return grid(box, view.chunk_layout.read_chunk.shape, extent.corner_zyx)


def _whole(part: Box, view: Any, extent: Box) -> Box:
    """Return the chunk that a part is of."""
    shape = view.chunk_layout.read_chunk.shape
    return Box.of(snap(part, shape, extent.corner_zyx).corner_zyx, shape).intersect(extent)


def _fill_by_chunk(
    voxels: npt.NDArray[Any], level: Level, view: Any, box: Box, extent: Box, what: str
) -> None:
    """Fill a box of zeros chunk by chunk, whatever their names; tensorstore decodes what came."""
    assert level.precomputed
    scale = level.precomputed["scale"]
    there = opened(level.spec["kvstore"], kvstores.VOXEL_LIMITS, what)
    # A store in memory gets what was read, one chunk at a time, under the name it should have.
    context = ts.Context()
    memory = {"driver": "memory"}
    here = wait(ts.KvStore.open(memory, context=context), what, kvstores.VOXEL_LIMITS)
    info = {key: value for key, value in level.precomputed.items() if key != "scale"}
    here["info"] = json.dumps(info)
    decoded = open_zyx(level._replace(spec=level.spec | {"kvstore": memory}), what, context=context)

    def fill(part: Box) -> None:
        name = f"{scale['key']}/{_whole(part, view, extent).name}"
        content = _chunk_bytes(there, name, what)
        if content is None:
            return  # never written: zero
        here[name] = content
        _copy(decoded, part, voxels, box, what)
        del here[name]

    parts = _chunks(view, box, extent)
    chunk_bytes = math.prod(view.chunk_layout.read_chunk.shape) * voxels.itemsize
    workers = max(1, min(CHUNKS_AT_ONCE, BYTES_AT_ONCE // (2 * chunk_bytes)))
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(fill, parts):
            pass


def _unreadable(what: str, suffix: str) -> Refused:
    return Refused(
        f"{what} has chunks compressed as {suffix}, which only CloudVolume reads: write them "
        "uncompressed or as .gz"
    )


def _chunk_bytes(there: Any, name: str, what: str) -> bytes | None:
    """Return a chunk as it is encoded, or None if there is none."""
    for suffix in ("", *SUFFIXES):
        found = wait(there.read(name + suffix), what, kvstores.VOXEL_LIMITS)
        if found.state == "missing":
            continue
        content: bytes = found.value
        if suffix not in ("", ".gz"):
            raise _unreadable(what, suffix)
        # A server may have unpacked it on the way.
        if suffix and content.startswith(b"\x1f\x8b"):
            try:
                return gzip.decompress(content)
            except (OSError, EOFError, zlib.error) as error:
                raise Refused(f"{what} can't be read: {name}{suffix} is damaged: {error}") from None
        return content
    return None
