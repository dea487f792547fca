"""What describes a volume that is made here: `info` if it is precomputed, else `zarr.json`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .boxes import CELL
from .pyramid import Level, plain_number

if TYPE_CHECKING:
    from .made_volumes import Volume


def create(volume: "Volume", directory: Path) -> None:
    """Write what describes a volume, and no chunk yet."""
    for name, content in metadata(volume).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def metadata(volume: "Volume") -> dict[str, dict[str, Any]]:
    """Return the files that describe it, as JSON values by name."""
    if volume.format == "precomputed":
        return {"info": _info(volume)}
    arrays = zip(volume.levels, volume.blocks_zyx, strict=True)
    groups = {f"{level.key}/zarr.json": _array(volume, level, block) for level, block in arrays}
    return {"zarr.json": _group(volume), **groups}


def _info(volume: "Volume") -> dict[str, Any]:
    scales = []
    for level in volume.levels:
        scale: dict[str, Any] = {
            "key": level.key,
            "resolution": resolution(volume, level),
            "voxel_offset": level.volume.corner_zyx[::-1],
            "size": level.volume.shape_zyx[::-1],
            "chunk_sizes": [level.chunk_zyx[::-1]],
            "encoding": volume.encoding,
        }
        if volume.encoding == "compressed_segmentation":
            scale["compressed_segmentation_block_size"] = [CELL] * 3
        if level.sharding:
            scale["sharding"] = level.sharding
        scales.append(scale)
    return {
        "@type": "neuroglancer_multiscale_volume",
        "type": "segmentation" if volume.kind == "annotation" else "image",
        "data_type": volume.dtype,
        "num_channels": 1,
        "scales": scales,
    }


def _group(volume: "Volume") -> dict[str, Any]:
    """Return the metadata of an OME-Zarr image, whose coordinates are middles of voxels."""
    datasets = []
    for level in volume.levels:
        of_level = level.factor_zyx, level.volume.corner_zyx
        axes = list(zip(volume.voxel_size_nm_zyx, volume.middle_zyx, *of_level, strict=True))
        sizes = [size * factor for size, _, factor, _ in axes]
        shift = [size * (factor * at + (factor - 1) / 2 + own) for size, own, factor, at in axes]
        placed = [
            {"type": "scale", "scale": sizes},
            {"type": "translation", "translation": shift},
        ]
        datasets.append({"path": level.key, "coordinateTransformations": placed})
    image: dict[str, Any] = {
        "axes": [{"name": axis, "type": "space", "unit": "nanometer"} for axis in "zyx"],
        "datasets": datasets,
    }
    if volume.method:
        image["type"] = volume.method
    ome: dict[str, Any] = {"version": "0.5", "multiscales": [image]}
    if volume.kind == "annotation":
        ome["image-label"] = {}
    return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}


def _array(volume: "Volume", level: Level, block: Sequence[int]) -> dict[str, Any]:
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    own = [{"name": "bytes"} if np.dtype(volume.dtype).itemsize == 1 else little]
    if volume.compression == "gzip":
        own.append({"name": "gzip", "configuration": {"level": 6}})
    elif volume.compression == "zstd":
        own.append({"name": "zstd", "configuration": {"level": 3, "checksum": False}})
    shards = {
        "chunk_shape": list(level.chunk_zyx),
        "codecs": own,
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(level.volume.shape_zyx),
        "data_type": volume.dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(block)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": False if volume.dtype == "bool" else 0,
        "codecs": [{"name": "sharding_indexed", "configuration": shards}],
        "attributes": {},
        "dimension_names": ["z", "y", "x"],
    }


def resolution(volume: "Volume", level: Level) -> list[float]:
    """Return a level's voxel size, XYZ, in nanometres."""
    sizes = zip(volume.voxel_size_nm_zyx, level.factor_zyx, strict=True)
    return [plain_number(size * factor) for size, factor in sizes][::-1]
