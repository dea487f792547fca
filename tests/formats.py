"""Volumes in every format that is read in place, as their formats' own writers write them."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorstore as ts
import zarr
from voxels.archives import archive_of
from voxels.boxes import Box

Voxels = npt.NDArray[Any]

SIZE = (40.0, 8.0, 4.0)
SHAPE, CHUNK, OFFSET = (20, 24, 28), (8, 9, 10), (7, -5, 3)
FORMATS = (
    "raw", "compressed_segmentation", "sharded", "gz", "gz compressed_segmentation", "some gz",
    "zarr 2", "zarr 3", "zarr 3 sharded", "ome 0.4", "ome 0.5", "n5",
)  # fmt: skip


def pattern(shape: tuple[int, ...] = SHAPE, dtype: str = "uint32", seed: int = 0) -> Voxels:
    """Voxels that are all over the type's range, none of them zero."""
    voxels = np.random.default_rng(seed).integers(1, 2**63, shape, dtype="uint64")
    return np.maximum((voxels * np.uint64(2**20 + 1)).astype(dtype), 1)


# ---- writers ----


def precomputed(
    path: Path,
    voxels: Voxels,
    chunk_zyx: tuple[int, ...] = CHUNK,
    offset_zyx: tuple[int, ...] = OFFSET,
    encoding: str = "raw",
    sharded: bool = False,
    **scale: Any,
) -> str:
    scale |= {
        "key": "4_8_40",
        "size": voxels.shape[::-1],
        "resolution": SIZE[::-1],
        "voxel_offset": offset_zyx[::-1],
        "chunk_size": chunk_zyx[::-1],
        "encoding": encoding,
    }
    if encoding == "compressed_segmentation":
        scale["compressed_segmentation_block_size"] = [8, 8, 8]
    if sharded:
        scale["sharding"] = {
            "@type": "neuroglancer_uint64_sharded_v1",
            "hash": "identity",
            "preshift_bits": 1,
            "minishard_bits": 1,
            "shard_bits": 1,
            "data_encoding": "gzip",
            "minishard_index_encoding": "gzip",
        }
    multiscale = {"data_type": voxels.dtype.name, "num_channels": 1}
    multiscale["type"] = "segmentation" if voxels.dtype.itemsize > 2 else "image"
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{path}/"},
        "multiscale_metadata": multiscale,
        "scale_metadata": scale,
    }
    store = ts.open(spec, create=True).result()
    store.write(voxels.T[..., None]).result()
    return f"precomputed://file://{path}"


def compress(path: Path, every: int = 1) -> None:
    """Do to chunk files what CloudVolume does by default: gzip them and say so in the name."""
    for chunk in sorted((path / "4_8_40").iterdir())[::every]:
        chunk.with_name(f"{chunk.name}.gz").write_bytes(gzip.compress(chunk.read_bytes(), 1))
        chunk.unlink()


def ome(
    path: Path,
    voxels: Voxels,
    version: str = "0.5",
    axes: str = "zyx",
    unit: str | None = "micrometer",
    scale: dict[str, float] | None = None,
    translation: dict[str, float] | None = None,
    chunk_zyx: tuple[int, ...] = CHUNK,
    image_transformations: list[dict[str, Any]] | None = None,
    **attributes: Any,
) -> str:
    """Write an OME-Zarr image of one level; arrays are given as ZYX, whatever the axes."""
    scale = scale or dict(zip("zyx", (size / 1000 for size in SIZE), strict=True))
    steps: list[dict[str, Any]] = [
        {"type": "scale", "scale": [scale.get(axis, 1.0) for axis in axes]}
    ]
    if translation:
        values = [translation.get(axis, 0.0) for axis in axes]
        steps.append({"type": "translation", "translation": values})
    names = [
        {"name": axis, "type": "space"} | ({"unit": unit} if unit else {})
        if axis in "zyx"
        else {"name": axis, "type": {"t": "time", "c": "channel"}[axis]}
        for axis in axes
    ]
    image = {"axes": names, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    if image_transformations:
        image["coordinateTransformations"] = image_transformations
    zarr_format = 2 if version == "0.4" else 3
    group = zarr.create_group(path, zarr_format=zarr_format)
    held = voxels.transpose(["zyx".index(axis) for axis in axes if axis in "zyx"])
    held = np.expand_dims(held, [i for i, axis in enumerate(axes) if axis not in "zyx"])
    chunks = tuple(dict(zip("zyx", chunk_zyx, strict=True)).get(axis, 1) for axis in axes)
    array = group.create_array("0", shape=held.shape, dtype=held.dtype, chunks=chunks)
    array[:] = held
    told: dict[str, Any] = {"multiscales": [{"version": version, **image}], **attributes}
    group.attrs.update(told if version == "0.4" else {"ome": {"version": version, **told}})
    return f"zarr://file://{path}"


def plain_zarr(path: Path, voxels: Voxels, zarr_format: int = 3, **options: Any) -> str:
    options = {"chunks": CHUNK, "attributes": {"resolution": SIZE, "units": "nm"}} | options
    array = zarr.create_array(
        path, shape=voxels.shape, dtype=voxels.dtype, zarr_format=zarr_format, **options
    )
    array[:] = voxels
    return f"zarr://file://{path}"


def n5(path: Path, voxels: Voxels, chunk_zyx: tuple[int, ...] = CHUNK, **attributes: Any) -> str:
    metadata = {
        "dimensions": voxels.shape[::-1],
        "blockSize": chunk_zyx[::-1],
        "dataType": voxels.dtype.name,
        "compression": {"type": "gzip"},
    }
    spec = {"driver": "n5", "kvstore": {"driver": "file", "path": f"{path}/"}, "metadata": metadata}
    ts.open(spec, create=True).result().write(voxels.T).result()
    attributes = attributes or {"resolution": [4, 8, 40], "units": ["nm", "nm", "nm"]}
    file = path / "attributes.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | attributes))
    return f"n5://file://{path}"


def written(
    form: str, path: Path, voxels: Voxels, chunk: tuple[int, ...] = CHUNK
) -> tuple[str, tuple[int, ...]]:
    """Write a volume; return its URI and where it starts."""
    wide = voxels.astype("uint64" if voxels.dtype.itemsize > 4 else "uint32")
    if form == "zarr 2":
        return plain_zarr(path, voxels, 2, chunks=chunk), (0, 0, 0)
    if form == "zarr 3":
        return plain_zarr(path, voxels, 3, chunks=chunk), (0, 0, 0)
    if form == "zarr 3 sharded":
        return plain_zarr(path, voxels, chunks=chunk, shards=[2 * c for c in chunk]), (0, 0, 0)
    if form.startswith("ome"):
        return ome(path, voxels, form.removeprefix("ome "), chunk_zyx=chunk), (0, 0, 0)
    if form == "n5":
        return n5(path, voxels, chunk), (0, 0, 0)
    segmentation = "compressed_segmentation" in form
    uri = precomputed(
        path,
        wide if segmentation else voxels,
        chunk,
        encoding="compressed_segmentation" if segmentation else "raw",
        sharded=form == "sharded",
    )
    if "gz" in form:
        compress(path, every=2 if form == "some gz" else 1)
    return uri, OFFSET


def describe(uri: str, resolution: int = 0) -> dict[str, Any]:
    return archive_of(uri).describe(uri, resolution, "http://127.0.0.1:1", "hush")


def read(uri: str, dtype: str, box: Box, resolution: int = 0) -> Voxels:
    return archive_of(uri).read(uri, resolution, "http://127.0.0.1:1", "hush", dtype, box)


def whole(uri: str) -> Voxels:
    told = describe(uri)
    return read(uri, told["dtype"], Box.of(told["offset_zyx"], told["shape_zyx"]))
