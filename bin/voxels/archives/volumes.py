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
import json
import math
import os
import re
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

# Read when the first request is made: a connection that is silent for so long is given up.
os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_TIME_SECONDS", "60")
os.environ.setdefault("TENSORSTORE_CURL_LOW_SPEED_LIMIT_BYTES", "1")

import numpy as np
import numpy.typing as npt
import tensorstore as ts

from ..boxes import Box, grid, snap
from . import Refused, Unreachable, brief, objects, s3, sensible, spelled


class Limits(NamedTuple):
    """How long to wait for an answer, in seconds, and how often to ask again, and after what."""

    seconds: float
    retries: int
    longest_wait: str
    first_wait: str = "1s"


# Someone waits for metadata; a block is worth patience.
METADATA_LIMITS = Limits(seconds=60, retries=3, longest_wait="5s")
VOXEL_LIMITS = Limits(seconds=900, retries=6, longest_wait="60s")

CHUNKS_AT_ONCE = 16
BYTES_AT_ONCE = 64 * 2**20

# CloudVolume appends these to the names of chunks that it writes compressed, and only it looks
# for them: to others such a chunk is not there, and so zero.
SUFFIXES = (".gz", ".br", ".zstd")

NANOMETERS = {
    **dict.fromkeys(("angstrom", "\u00c5"), 0.1),
    **dict.fromkeys(("nanometer", "nm"), 1.0),
    **dict.fromkeys(("micrometer", "micron", "um", "\u00b5m", "\u03bcm"), 1e3),
    **dict.fromkeys(("millimeter", "mm"), 1e6),
    **dict.fromkeys(("centimeter", "cm"), 1e7),
    **dict.fromkeys(("meter", "m"), 1e9),
}

_BUCKETS = {"s3": "s3", "gs": "gcs"}
_REMOTE = re.compile(r"(https?|s3|gs)://([^\s/@?#\\]+)(?:/([^\s?#\\]*))?")


class Level(NamedTuple):
    """One resolution of a volume, by its metadata.

    Attributes
    ----------
    spec : dict
        What tensorstore opens.
    axes : tuple of str
        Names of the array's dimensions, in its order.
    kind : str or None
        "image", "annotation", or None where the metadata don't tell.
    scale_zyx : tuple of float, or None
        Voxel size in the units below; None if none is stated.
    unit_nm_zyx : tuple of float or None
        The units, in nanometres; None on an axis that states no known one.
    translation_zyx : tuple of float
        Of the first voxel, in the units above.
    precomputed : dict or None
        The scale's entry in the `info` of a precomputed volume.
    """

    spec: dict[str, Any]
    axes: tuple[str, ...]
    kind: str | None = None
    scale_zyx: tuple[float, ...] | None = None
    unit_nm_zyx: tuple[float | None, ...] = (None, None, None)
    translation_zyx: tuple[float, ...] = (0.0, 0.0, 0.0)
    precomputed: dict[str, Any] | None = None


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
    scheme, place = _split(uri, directory)
    return f"{scheme}://{place}"


def archive_name(uri: str, host: str) -> str:
    """Return what the volume lies in: host and port, `s3`, `gs` or `file`."""
    place = urlsplit(_split(uri)[1])
    named = place.scheme if place.scheme in ("file", "gs", "s3") else place.netloc
    return spelled(address(uri, host)) or named


def address(uri: str, host: str) -> str:
    """Return the address of another S3 than Amazon's that the volume lies in."""
    return s3.address() if _split(uri)[1].startswith("s3://") else ""


def describe(
    uri: str, resolution: int, host: str, token: str, patient: bool = False
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

    Returns
    -------
    dict
        `kind` ("image" or "annotation"; where the volume doesn't tell, integers of 32 bits and
        more are an annotation), `dtype`, `shape_zyx` and `offset_zyx` (voxels of this resolution),
        `voxel_size_nm_zyx`, `chunk_zyx` (voxels that are read at once).

    Raises
    ------
    Refused
        If the URI is malformed, there is no such volume or resolution, it may not be read, has
        more than one time or channel, or states no voxel size: none is made up.
    Unreachable
        If there is no usable answer.
    """
    level = _level(uri, resolution)
    view = open_zyx(level, uri)
    size_nm = _voxel_size_nm(level, uri)
    dtype = view.dtype.name
    metadata = {
        "kind": level.kind or ("annotation" if re.search("int(32|64)", dtype) else "image"),
        "dtype": dtype,
        "shape_zyx": list(view.shape),
        "offset_zyx": list(view.origin),
        "voxel_size_nm_zyx": size_nm,
        "chunk_zyx": list(view.chunk_layout.read_chunk.shape),
    }
    return sensible(metadata, uri)


def files(uri: str, resolution: int, host: str, token: str, boxes: Sequence[Box]) -> dict[str, Any]:
    """Return what `voxels.files.seen` needs to tell whether boxes of a volume were changed.

    Where nothing can be listed, as behind HTTP, the metadata stand for all: `stamp`.
    """
    level, view = _opened(uri, resolution)
    scheme, place = _split(uri)
    kvstore = level.spec["kvstore"]
    own = kvstore.get("base_url", kvstore.get("path", ""))
    root = f"{place}/" if "base_url" in kvstore else _kvstore(place).get("path", "")
    about = [f"{where}{name}" for where in dict.fromkeys((root, own)) for name in _ABOUT[scheme]]
    if level.precomputed:
        own += f"{level.precomputed['scale']['key']}/"
    told = {"place": own.rstrip("/"), "about": about, "chunks": _chunk_names(level, view)}
    if kvstore["driver"] == "file":
        return told
    if "bucket" in kvstore:
        with suppress(objects.Unlisted):
            scheme = place.partition("://")[0]
            return told | {"found": objects.found(scheme, kvstore["bucket"], **told, boxes=boxes)}
    there = _opened_kvstore(_kvstore(place), METADATA_LIMITS, uri)
    found = [_wait(there.read(path.removeprefix(root)), uri, METADATA_LIMITS) for path in about]
    return {"stamp": repr([(one.value, one.stamp.generation) for one in found])}


_ABOUT = {
    "precomputed": ("info",),
    "zarr": ("zarr.json", ".zattrs", ".zgroup", ".zarray"),
    "n5": ("attributes.json",),
}
"""The names of files that hold metadata, by format."""


def _chunk_names(level: Level, view: Any) -> dict[str, Any] | None:
    """Return how chunk files are named, as `voxels.files.paths` takes it; None if by hashes."""
    layout = view.chunk_layout
    corner = [int(start) for start in layout.grid_origin]
    chunks = {
        "form": "index",
        "prefix": "",
        "separator": "/",
        "axes": list(level.axes),
        "corner_zyx": corner,
        "shape_zyx": list(layout.write_chunk.shape),
        "end_zyx": [start + size for start, size in zip(view.origin, view.shape, strict=True)],
    }
    if level.precomputed:
        if "sharding" in level.precomputed["scale"]:
            return None
        return chunks | {"form": "range", "separator": "_", "axes": ["x", "y", "z"]}
    metadata = view.spec().to_json().get("metadata", {})
    if level.spec["driver"] == "zarr":
        return chunks | {"separator": metadata.get("dimension_separator", ".")}
    if level.spec["driver"] == "zarr3":
        encoding = metadata["chunk_key_encoding"]
        default = encoding["name"] == "default"
        separator = encoding.get("configuration", {}).get("separator", "/" if default else ".")
        return chunks | {"separator": separator, "prefix": f"c{separator}" if default else ""}
    return chunks


def read(
    uri: str,
    resolution: int,
    host: str,
    token: str,
    dtype: str,
    box: Box,
    verify: bool = False,
) -> npt.NDArray[Any]:
    """Read a box.

    Takes the memory of the box and of the chunks in flight: 64 MiB as encoded and as decoded, or
    one layer of chunks if that is more. A process asks for a volume's metadata once.

    Parameters
    ----------
    uri, resolution
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
    level, view = _opened(uri, resolution)
    extent = Box.of(view.origin, view.shape)
    if view.dtype.name != dtype:
        raise Refused(f"{uri} holds {view.dtype.name}, where {dtype} was expected")
    if not extent.contains(box):
        raise Refused(
            f"box {box.name} leaves {uri} at resolution {resolution}: it has {extent.name}"
        )
    what = f"box {box.name} of {uri} at resolution {resolution}"
    voxels = np.zeros(box.shape_zyx, dtype)
    if _hidden_chunks(level, view, box, extent):
        _fill_by_chunk(voxels, level, view, box, extent, what)
        return voxels
    # tensorstore would read all that it is asked for before it is decoded and copied.
    depth, (_, height, width) = view.chunk_layout.read_chunk.shape[0], box.shape_zyx
    layers = max(1, BYTES_AT_ONCE // (depth * height * width * voxels.itemsize))
    for slab in grid(box, (layers * depth, height, width), (extent.z0, box.y0, box.x0)):
        _copy(view, slab, voxels, box, what)
    return voxels


def levels(uri: str) -> list[Level]:
    """Return the levels of a volume, as it lists them.

    Raises
    ------
    Refused, Unreachable
    """
    scheme, place = _split(uri)
    kvstore = _kvstore(place)
    reader = {"precomputed": _precomputed, "zarr": _zarr, "n5": _n5}[scheme]
    try:
        found = reader(uri, kvstore)
        for level in found:
            if not all(0 < size < math.inf for size in level.scale_zyx or ()):
                raise ValueError(f"voxel size {level.scale_zyx}")
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise Refused(f"the metadata of {uri} make no sense: {brief(error)}") from None
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
        If an axis is missing, or another one is longer than 1.
    Unreachable
    """
    context = context or _context(VOXEL_LIMITS)
    store = _wait(
        ts.open(level.spec, read=True, write=write, context=context), uri, METADATA_LIMITS
    )
    if len(level.axes) != store.rank or not set("zyx") <= set(level.axes):
        raise Refused(
            f"{uri} has {store.rank} dimensions, and the axes {', '.join(level.axes)} are stated: "
            "it needs z, y and x"
        )
    others = [i for i, name in enumerate(level.axes) if name not in "zyx"]
    for i in others:
        if store.shape[i] != 1:
            raise Refused(
                f"{uri} has {store.shape[i]} along axis {level.axes[i]}: only one can be used, "
                "so make a volume of it alone"
            )
    if others:
        store = store[ts.d[others][tuple(store.origin[i] for i in others)]]
    kept = [name for name in level.axes if name in "zyx"]
    store = store.transpose([kept.index(axis) for axis in "zyx"])
    return store if level.precomputed else store[ts.d[:].translate_to[_offset(level)]]


def _offset(level: Level) -> list[int]:
    """Return the voxel that a translation names; half a voxel is still the one below."""
    scale = level.scale_zyx or (1.0, 1.0, 1.0)
    pairs = zip(level.translation_zyx, scale, strict=True)
    return [math.ceil(round(shift / size, 6) - 0.5) for shift, size in pairs]


def _voxel_size_nm(level: Level, uri: str) -> list[float]:
    if level.scale_zyx is None:
        raise Refused(
            f"{uri} states no voxel size: name an OME-Zarr image, or give the array the attributes "
            'resolution and units, such as [40, 4, 4] and ["nm", "nm", "nm"]'
        )
    unknown = [axis for axis, unit in zip("zyx", level.unit_nm_zyx, strict=True) if not unit]
    if unknown:
        raise Refused(
            f"{uri} states no known unit for the voxel size along {' and '.join(unknown)}: "
            "write one into its metadata, such as nanometer"
        )
    pairs = zip(level.scale_zyx, level.unit_nm_zyx, strict=True)
    # Rounded, or 0.57 micrometers would be 569.9999999999999 nm.
    return [round(size * (unit or 0), 6) for size, unit in pairs]


def _level(uri: str, resolution: int) -> Level:
    found = levels(uri)
    if not 0 <= resolution < len(found):
        raise Refused(f"resolution {resolution} is not one of {uri}: it has 0 to {len(found) - 1}")
    directory = _chunk_directory(found[resolution])
    # Without it, everything would be read as never written.
    if directory and not os.path.isdir(directory):
        raise Refused(f"{uri} is not whole: it has no directory {directory}")
    suffix = compressed_files(found[resolution])
    if suffix and suffix != SUFFIXES[0]:
        raise _unreadable(uri, suffix)
    return found[resolution]


@cache
def _opened(uri: str, resolution: int) -> tuple[Level, Any]:
    """Return a level and its tensorstore; kept, as the blocks of a task share them."""
    level = _level(uri, resolution)
    return level, open_zyx(level, uri)


# ---- where ----


def _split(uri: str, directory: str = "") -> tuple[str, str]:
    """Return a URI's format and its place, in the one spelling that each place has."""
    scheme, _, place = uri.partition("://")
    remote = _REMOTE.fullmatch(place.rstrip("/"))
    if remote:
        protocol, host, path = remote.groups("")
        if protocol.startswith("http"):
            host = host.lower().removesuffix(":443" if protocol == "https" else ":80")
        if not {"", ".", ".."} & set(path.split("/")) or not path:
            return scheme, f"{protocol}://{host}/{path}".rstrip("/")
    path = place.removeprefix("file://")
    if not path or "://" in path or not path.isprintable():
        raise Refused(
            f"source {brief(uri)} is malformed: write {scheme}:// and then https://host/path, "
            "s3://bucket/path, gs://bucket/path, file:///path or the path of a directory"
        )
    if not os.path.isabs(path) and not directory:
        raise Refused(f"source {brief(uri)} is a relative path: write {scheme}://file:///path")
    absolute = os.path.realpath(os.path.join(directory, path))
    return scheme, "file:///" + absolute.lstrip("/")


def _kvstore(place: str) -> dict[str, Any]:
    """Return tensorstore's words for a place."""
    scheme, _, rest = place.partition("://")
    if scheme == "file":
        return {"driver": "file", "path": f"{rest}/"}
    if scheme.startswith("http"):
        return {"driver": "http", "base_url": f"{place}/"}
    bucket, _, path = rest.partition("/")
    found = {"driver": _BUCKETS[scheme], "bucket": bucket, "path": f"{path}/" if path else ""}
    return found | (s3.access() if scheme == "s3" else {})


def _under(kvstore: dict[str, Any], path: str) -> dict[str, Any]:
    name = "base_url" if kvstore["driver"] == "http" else "path"
    return kvstore | {name: f"{kvstore[name]}{path.strip('/')}/"}


# ---- what the metadata say ----


def _precomputed(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    info = _json(uri, kvstore, "info")
    if info is None:
        raise Refused(f"there is no precomputed volume at {uri}: it has no info file")
    if not info.get("scales"):
        raise Refused(f"{uri} is no volume: its info file lists no scales")
    kind = "annotation" if info.get("type") == "segmentation" else "image"
    found = []
    for index, scale in enumerate(info["scales"]):
        spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": index}
        size_zyx = tuple(map(float, scale["resolution"][::-1]))
        axes = ("x", "y", "z", "channel")
        level = Level(spec, axes, kind, size_zyx, (1.0, 1.0, 1.0))
        found.append(level._replace(precomputed=info | {"scale": scale}))
    return found


def _zarr(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    node = _json(uri, kvstore, "zarr.json")
    if node is not None:
        driver, attributes = "zarr3", node.get("attributes", {})
        array = node if node["node_type"] == "array" else None
    else:
        driver, attributes = "zarr", _json(uri, kvstore, ".zattrs") or {}
        array = _json(uri, kvstore, ".zarray")
        if array is None and not attributes and _json(uri, kvstore, ".zgroup") is None:
            raise Refused(f"there is no Zarr array or group at {uri}, or none that may be read")
    if array is not None:
        names = array.get("dimension_names") or attributes.get("_ARRAY_DIMENSIONS")
        spec = {"driver": driver, "kvstore": kvstore}
        return [_array(spec, attributes, _axes(names, len(array["shape"]), "zyx"), uri)]
    ome = attributes.get("ome", attributes)
    if not ome.get("multiscales"):
        raise Refused(f"{uri} is a Zarr group without multiscales: name the image or array in it")
    image = ome["multiscales"][0]  # the one to take, says OME, if nobody chooses
    axes = tuple(axis["name"] for axis in image["axes"])
    if len(set(axes)) < len(axes) or not set("zyx") <= set(axes):
        raise Refused(f"{uri} has the axes {', '.join(axes)}: it needs z, y and x")
    zyx = [axes.index(axis) for axis in "zyx"]
    units = tuple(_nanometers(image["axes"][i].get("unit")) for i in zyx)
    kind = "annotation" if "image-label" in ome else None
    found = []
    for dataset in image["datasets"]:
        scale, translation = _transformed(dataset, image, len(axes))
        found.append(
            Level(
                {"driver": driver, "kvstore": _under(kvstore, dataset["path"])},
                axes,
                kind,
                tuple(scale[i] for i in zyx) if scale else None,
                units,
                tuple(translation[i] for i in zyx),
            )
        )
    return found


def _transformed(
    dataset: dict[str, Any], image: dict[str, Any], rank: int
) -> tuple[list[float] | None, list[float]]:
    """Return what scales and translations come to, those of the level first; None: no scale."""
    scale, translation, scaled = [1.0] * rank, [0.0] * rank, False
    for step in (
        *dataset.get("coordinateTransformations", ()),
        *image.get("coordinateTransformations", ()),
    ):
        values = [float(value) for value in step.get(step["type"], [])]
        if step["type"] == "identity":
            continue
        if step["type"] not in ("scale", "translation") or len(values) != rank:
            raise ValueError(f"transformation {step}")
        if step["type"] == "scale":
            scale = [a * b for a, b in zip(scale, values, strict=True)]
            translation = [a * b for a, b in zip(translation, values, strict=True)]
            scaled = True
        else:
            translation = [a + b for a, b in zip(translation, values, strict=True)]
    return scale if scaled else None, translation


def _n5(uri: str, kvstore: dict[str, Any]) -> list[Level]:
    attributes = _json(uri, kvstore, "attributes.json")
    if attributes is None:
        raise Refused(f"there is no N5 array at {uri}: it has no attributes.json")
    if "dimensions" not in attributes:
        raise Refused(f"{uri} is an N5 group: name an array in it, such as {uri}/s0")
    factors = attributes.get("downsamplingFactors")
    if factors and set(factors) != {1}:
        # Some writers mean the voxels of this array, others those of the finest.
        raise Refused(
            f"{uri} has downsamplingFactors {factors}, which leave its voxel size open: "
            "name the array of full resolution"
        )
    pixel = attributes.get("pixelResolution")
    if "resolution" not in attributes and isinstance(pixel, dict):
        attributes |= {"resolution": pixel["dimensions"], "units": pixel.get("unit")}
    axes = _axes(attributes.get("axes"), len(attributes["dimensions"]), "xyz")
    return [_array({"driver": "n5", "kvstore": kvstore}, attributes, axes, uri)]


def _axes(names: Any, rank: int, order: str) -> tuple[str, ...]:
    """Return the names of an array's axes: those stated, else by position.

    Without names a Zarr array is ZYX, after leading axes; an N5 array XYZ, before trailing ones.
    """
    if names and set("zyx") <= set(names):
        return tuple(map(str, names))
    others = tuple(f"dimension {i}" for i in range(rank - 3))
    known = order[:rank]
    return (*others, *known) if order == "zyx" else (*known, *others)


def _array(
    spec: dict[str, Any], attributes: dict[str, Any], axes: tuple[str, ...], uri: str
) -> Level:
    """Return the one level of an array; `resolution`, `units` and `offset` are as its axes are."""
    if not set("zyx") <= set(axes):
        raise Refused(f"{uri} has {len(axes)} dimensions: it needs z, y and x")

    def zyx(values: Any) -> list[Any]:
        if len(values) != len(axes):
            raise ValueError(f"{values} for the axes {', '.join(axes)}")
        return [values[axes.index(axis)] for axis in "zyx"]

    scale = attributes.get("resolution", attributes.get("voxel_size"))
    units = attributes.get("units")
    units = [units] * len(axes) if units is None or isinstance(units, str) else units
    return Level(
        spec,
        axes,
        scale_zyx=tuple(map(float, zyx(scale))) if scale else None,
        unit_nm_zyx=tuple(map(_nanometers, zyx(units))),
        translation_zyx=tuple(map(float, zyx(attributes.get("offset", [0] * len(axes))))),
    )


def _nanometers(unit: Any) -> float | None:
    """Return a unit of length in nanometres, or None if it is not known to be one."""
    word = unit.strip() if isinstance(unit, str) else ""
    return NANOMETERS.get(word) or NANOMETERS.get(
        word.lower().removesuffix("s").replace("metre", "meter")
    )


def _json(uri: str, kvstore: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return the JSON object in a file of a volume, or None if there is no such file.

    A store that answers 403 is taken to have no such file where it may be another one that tells:
    public buckets whose keys may not be listed answer so.
    """
    opened = _opened_kvstore(kvstore, METADATA_LIMITS, uri)
    try:
        found = _wait(opened.read(name), uri, METADATA_LIMITS)
    except Refused:
        if name in ("info", "attributes.json"):
            raise
        return None
    if found.state == "missing":
        return None
    try:
        content = json.loads(found.value)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise Refused(f"{name} of {uri} is not a JSON object")
    return content


# ---- asking ----


@cache
def _context(limits: Limits) -> Any:
    """Return what tensorstores share; kept, as connections are among it."""
    retries = {
        "max_retries": limits.retries,
        "initial_delay": limits.first_wait,
        "max_delay": limits.longest_wait,
    }
    drivers = ("http", "s3", "gcs")
    return ts.Context({f"{driver}_request_retries": retries for driver in drivers})


def _opened_kvstore(kvstore: dict[str, Any], limits: Limits, what: str) -> Any:
    return _wait(ts.KvStore.open(kvstore, context=_context(limits)), what, limits)


def _wait(future: Any, what: str, limits: Limits) -> Any:
    """Return a future's result, its errors as sentences."""
    try:
        return future.result(limits.seconds)
    except TimeoutError:
        raise Unreachable(f"there is no answer for {what} within {limits.seconds:g} s") from None
    except (ValueError, IndexError, OSError, NotImplementedError, RuntimeError) as error:
        raise _judged(str(error), what) from None


def _judged(text: str, what: str) -> Refused | Unreachable:
    """Return what tensorstore's words mean: a code, a sentence, details in brackets."""
    code, _, rest = text.partition(": ")
    reason = re.sub(r"Error opening \"\w+\" driver: ", "", rest).split(" [")[0]
    reason = _short(reason)
    if code == "INTERNAL" and re.search("(create|get) credentials", rest):
        return Refused(
            f"{what} may not be read: there are no credentials in the profile that "
            f"{s3.PROFILE} names"
        )
    if code in ("PERMISSION_DENIED", "UNAUTHENTICATED"):
        return Refused(f"{what} may not be read with the rights or credentials that are here")
    if code in ("ABORTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "INTERNAL"):
        return Unreachable(f"{what} can't be reached: {reason}")
    return Refused(f"{what} can't be read: {reason or _short(text)}")


def _short(text: str) -> str:
    """Return text in one line of 300 signs at most: its ends, as the cause comes last."""
    line = " ".join(text.split())
    line = line if len(line) <= 300 else f"{line[:95]} ... {line[-200:]}"
    return "".join(sign if sign.isprintable() else "?" for sign in line)


def _copy(view: Any, part: Box, voxels: npt.NDArray[Any], box: Box, what: str) -> None:
    """Copy a part of a view to its place in the array of a box."""
    found = view[part.z0 : part.z1, part.y0 : part.y1, part.x0 : part.x1]
    target = ts.array(voxels[part.slices(box.corner_zyx)])
    _wait(target.write(found), what, VOXEL_LIMITS)


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
    there = _wait(
        ts.KvStore.open(level.spec["kvstore"], context=_context(VOXEL_LIMITS)), what, VOXEL_LIMITS
    )
    # A store in memory gets what was read, one chunk at a time, under the name it should have.
    context = ts.Context()
    memory = {"driver": "memory"}
    here = _wait(ts.KvStore.open(memory, context=context), what, VOXEL_LIMITS)
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
        found = _wait(there.read(name + suffix), what, VOXEL_LIMITS)
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
