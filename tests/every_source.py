"""One volume of segments in every format that is a source, as the formats' writers write it."""

import gzip
import json
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import blosc
import compresso
import crackle
import file_formats
import fpzip
import imagecodecs
import numpy as np
import pyarrow as pa
import test_webknossos as webknossos
import zarr
from file_formats import SIZELESS
from formats import CHUNK, FORMATS, OFFSET, SHAPE, SIZE, Voxels, ome, precomputed, written
from test_old_blocks import hypersquare
from voxels.boxes import Box, grid

NOWHERE = (0, 0, 0)


class Source(NamedTuple):
    """A volume that was written.

    Attributes
    ----------
    uri : str
    offset_zyx : tuple of int
        Where it starts.
    columns : dict
        What a sample sheet says of it, beside.
    shape_zyx : tuple of int
        It is zero beyond `SHAPE`.
    """

    uri: str
    offset_zyx: tuple[int, ...] = NOWHERE
    columns: dict[str, str] = {}
    shape_zyx: tuple[int, ...] = SHAPE


SIZED = {"voxel_size": ",".join(str(int(size)) for size in reversed(SIZE))}


def segments() -> Voxels:
    """Return ids that every type holds, a third of them zero, in blobs that chunks cut."""
    few = np.random.default_rng(3).integers(0, 120, [-(-n // 3) for n in SHAPE], np.uint16)
    few[few < 40] = 0
    return few.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, SHAPE))]


def jxl(chunk: Voxels) -> bytes:
    rows = np.ascontiguousarray(chunk.T).reshape(-1, chunk.shape[0])
    return bytes(imagecodecs.jpegxl_encode(rows, photometric="GRAY", lossless=True))


Encode = Callable[[Any], bytes]
CODECS: dict[str, tuple[str, str, Encode, str, Encode]] = {
    "crackle": ("crackle", "uint32", crackle.compress, "", bytes),
    "crackle, br": ("crackle", "uint64", crackle.compress, ".br", imagecodecs.brotli_encode),
    "compresso": ("compresso", "uint64", compresso.compress, "", bytes),
    "compresso, gz": ("compresso", "uint32", compresso.compress, ".gz", gzip.compress),
    "jxl": ("jxl", "uint8", jxl, "", bytes),
    "fpzip": (
        "fpzip", "float32", lambda chunk: fpzip.compress(chunk[..., None], order="F"), "", bytes
    ),
    "kempressed": (
        "kempressed", "float32", lambda chunk: fpzip.compress(2 + chunk[:, :, None], order="F"),
        "", bytes,
    ),
    "raw, br": (
        "raw", "uint32", lambda chunk: chunk.tobytes("F"), ".br", imagecodecs.brotli_encode
    ),
    "raw, zstd": (
        "raw", "uint16", lambda chunk: chunk.tobytes("F"), ".zstd",
        lambda content: pa.Codec("zstd").compress(content, asbytes=True),
    ),
}  # fmt: skip
"""Encoding and type of a precomputed volume, what encodes a chunk, and what its file is."""


def coded(path: Path, voxels: Voxels, form: str) -> Source:
    """Write a precomputed volume as CloudVolume does."""
    encoding, dtype, encode, suffix, packed = CODECS[form]
    uri = precomputed(path, np.zeros((1, 1, 1), dtype))
    info = json.loads((path / "info").read_text())
    (scale,) = info["scales"]
    scale |= {"size": SHAPE[::-1], "encoding": encoding, "chunk_sizes": [CHUNK[::-1]]}
    (path / "info").write_text(json.dumps(info))
    chunks = path / scale["key"]
    chunks.mkdir(exist_ok=True)
    for old in chunks.iterdir():
        old.unlink()
    for box in grid(Box.of(OFFSET, SHAPE), CHUNK, OFFSET):
        chunk = np.asfortranarray(voxels[box.slices(OFFSET)].T.astype(dtype))
        (chunks / (box.name + suffix)).write_bytes(packed(encode(chunk)))
    return Source(uri, OFFSET)


def in_file(path: Path, voxels: Voxels, form: str) -> Source:
    uri, offset = file_formats.WRITERS[form](path, voxels)
    return Source(uri, offset, SIZED if form.startswith(SIZELESS) else {})


def nwb(path: Path, voxels: Voxels) -> Source:
    uri, offset = file_formats.nwb(path, voxels)
    return Source(uri, offset, {"time": "1"})


def of_arrays(path: Path, voxels: Voxels, form: str) -> Source:
    return Source(*written(form, path / "volume", voxels))


def layer(path: Path, voxels: Voxels, form: str) -> Source:
    """Write a layer of webknossos of one mag."""
    about = webknossos.layer("ids", form, category="segmentation")
    if form == "neuroglancerPrecomputed":
        precomputed(path / "ids", voxels.astype("uint32"), offset_zyx=webknossos.OFFSET)
        about["mags"] = [{"mag": [1, 1, 1], "path": "ids/4_8_40"}]
    else:
        webknossos.array(path / "ids/1", form, voxels, webknossos.WHOLE)
        about["mags"] = about["mags"][1:]
    return Source(f"{webknossos.dataset(path, about)}#ids", webknossos.OFFSET)


def part(path: Path, voxels: Voxels, inside: str, version: str, **about: Any) -> Source:
    """Write an OME-Zarr image in a collection that says `about` itself."""
    if inside.startswith("labels/"):
        ome(path, np.ones(SHAPE, "uint8"), version)
    else:
        group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
        group.attrs.update(about if version == "0.4" else {"ome": {"version": version, **about}})
    uri = ome(path / inside, voxels, version, **about)
    return Source(uri, NOWHERE)


def bigarray(path: Path, voxels: Voxels) -> Source:
    """Write whole chunks, zero beyond the volume."""
    shape = [-(-n // side) * side for n, side in zip(SHAPE, CHUNK, strict=True)]
    whole = np.zeros(shape, voxels.dtype)
    whole[tuple(map(slice, SHAPE))] = voxels
    corner = tuple(2 * side for side in CHUNK)
    for box in grid(Box.of(corner, shape), CHUNK, corner):
        content = np.ascontiguousarray(whole[box.slices(corner)]).tobytes()
        x0, x1, y0, y1, z0, z1 = box
        packed = bytes(10) + blosc.compress(content, voxels.itemsize)
        (path / f"{x0 + 1}:{x1}_{y0 + 1}:{y1}_{z0 + 1}:{z1}").write_bytes(packed)
    side = ",".join(map(str, reversed(CHUNK)))
    uri = f"bigarray://file://{path}#/{voxels.dtype.name}/{side}"
    return Source(uri, corner, SIZED, tuple(shape))


WRITERS: dict[str, Callable[[Path, Voxels], Source]] = {
    **{form: partial(in_file, form=form) for form in file_formats.WRITERS},
    "nwb": nwb,
    **{form: partial(of_arrays, form=form) for form in FORMATS},
    **{form: partial(coded, form=form) for form in CODECS},
    **{
        f"webknossos, {form}": partial(layer, form=form)
        for form in ("zarr3", "zarr", "n5", "neuroglancerPrecomputed")
    },
    "plate": partial(
        part,
        inside="A/1/0",
        version="0.4",
        plate={"columns": [{"name": "1"}], "rows": [{"name": "A"}], "wells": [{"path": "A/1"}]},
    ),
    "bioformats2raw": partial(part, inside="0", version="0.5", **{"bioformats2raw.layout": 3}),
    "label image": partial(part, inside="labels/cells", version="0.5", **{"image-label": {}}),
    "hypersquare": lambda path, voxels: Source(
        f"{hypersquare(path, voxels)}#/segmentation", webknossos.OFFSET
    ),
    "bigarray": bigarray,
}
"""By name: what writes it into a directory of its own."""

NUMBERS = count()


def write(form: str, path: Path, voxels: Voxels) -> Source:
    """Write a volume in one of `WRITERS`, in a directory of its own below a path."""
    directory = path / f"source{next(NUMBERS)}"
    directory.mkdir(parents=True)
    return WRITERS[form](directory, voxels)
