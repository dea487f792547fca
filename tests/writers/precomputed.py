"""Precomputed volumes of cloud-volume."""

from pathlib import Path
from typing import Any

import numpy as np

from writers import CHUNK, OFFSET, SHAPE, SIZE, Told, by, voxels


def cloudvolume(
    path: Path,
    layer: str = "segmentation",
    dtype: str = "uint32",
    encoding: str = "raw",
    compress: Any = None,
    sharding: Any = None,
    array: Any = None,
    level: int | None = None,
    chunk: tuple[int, ...] = CHUNK,
    **more: Any,
) -> Any:
    from cloudvolume import CloudVolume

    array = voxels(dtype) if array is None else array
    info = CloudVolume.create_new_info(
        num_channels=1,
        layer_type=layer,
        data_type=dtype,
        encoding=encoding,
        resolution=SIZE[::-1],
        voxel_offset=OFFSET[::-1],
        chunk_size=chunk[::-1],
        volume_size=array.shape[::-1],
    )
    cv = CloudVolume(f"file://{path}", info=info, compress=compress, progress=False, **more)
    if level is not None:
        cv.scale["jxl_quality"] = level
    if sharding is not None:
        cv.scale["sharding"] = sharding
    cv.commit_info()
    if sharding is None:
        cv[:] = array.T[..., None]
    return cv


def precomputed(dtype: str = "uint32", kind: str = "annotation", **more: Any) -> Told:
    return {"scheme": "precomputed", "dtype": dtype, "kind": kind, "offset": OFFSET} | more


@by("cloud-volume")
def cloudvolume_default(path: Path) -> Told:
    cloudvolume(path, compress=True)
    return precomputed()


@by("cloud-volume")
def cloudvolume_plain(path: Path) -> Told:
    cloudvolume(path, "image", "uint8", compress=False)
    return precomputed("uint8", "image")


@by("cloud-volume")
def cloudvolume_segmentation(path: Path) -> Told:
    cloudvolume(path, dtype="uint64", encoding="compressed_segmentation", compress="gzip")
    return precomputed("uint64")


@by("cloud-volume")
def cloudvolume_png(path: Path) -> Told:
    cloudvolume(path, "image", "uint8", encoding="png", compress=False)
    return precomputed("uint8", "image")


@by("cloud-volume")
def cloudvolume_null_sharding(path: Path) -> Told:
    cv = cloudvolume(path, compress=True)
    cv.scale["sharding"] = None
    cv.commit_info()
    return precomputed()


@by("cloud-volume")
def cloudvolume_sharded(
    path: Path, encoding: str = "compressed_segmentation", array: Any = None, **more: Any
) -> Told:
    from cloudfiles import CloudFiles

    array = voxels() if array is None else array
    spec = {
        "@type": "neuroglancer_uint64_sharded_v1",
        "hash": "identity",
        "preshift_bits": 1,
        "minishard_bits": 2,
        "shard_bits": 4,
        "data_encoding": "gzip",
        "minishard_index_encoding": "gzip",
    }
    cv = cloudvolume(path, encoding=encoding, sharding=spec, array=array, **more)
    for name, content in _shards(cv, array.T[..., None]).items():
        CloudFiles(f"file://{path}/{cv.key}").put(name, content, compress=None)
    return precomputed()


def _shards(cv: Any, image: Any) -> dict[str, bytes]:
    """Put chunks into shards as igneous does, by cloud-volume's own functions."""
    from cloudvolume import chunks as codec
    from cloudvolume.datasource.precomputed.common import compressed_morton_code
    from cloudvolume.datasource.precomputed.sharding import ShardingSpecification

    spec = ShardingSpecification.from_dict(cv.scale["sharding"])
    sizes, chunk = image.shape[:3], [int(side) for side in cv.chunk_size]
    grid = [-(-n // c) for n, c in zip(sizes, chunk, strict=True)]
    labels = {}
    for at in np.ndindex(*grid):
        low = [i * c for i, c in zip(at, chunk, strict=True)]
        high = [min(s + c, n) for s, c, n in zip(low, chunk, sizes, strict=True)]
        part = np.asfortranarray(image[low[0] : high[0], low[1] : high[1], low[2] : high[2]])
        encoded = codec.encode(part, cv.encoding, block_size=(8, 8, 8))
        code = compressed_morton_code(np.array(at), np.array(grid))
        labels[int(code)] = encoded
    shards = spec.synthesize_shards(labels)
    return {str(name): content for name, content in shards.items()}


@by("cloud-volume")
def cloudvolume_black(path: Path) -> Told:
    black = np.zeros(SHAPE, "uint32")
    cloudvolume(path, compress=False, array=black, delete_black_uploads=True)
    return precomputed(black=True)


@by("cloud-volume", "brotli")
def cloudvolume_brotli(path: Path) -> Told:
    cloudvolume(path, compress="br")
    return precomputed()


@by("cloud-volume", "zstandard")
def cloudvolume_zstd(path: Path) -> Told:
    cloudvolume(path, encoding="compressed_segmentation", compress="zstd")
    return precomputed()


@by("cloud-volume", "crackle-codec")
def cloudvolume_crackle(path: Path) -> Told:
    cloudvolume(path, encoding="crackle", compress=False)
    return precomputed()


@by("cloud-volume", "crackle-codec")
def cloudvolume_sharded_crackle(path: Path) -> Told:
    cloudvolume_sharded(path, "crackle")
    return precomputed()


@by("cloud-volume", "compresso")
def cloudvolume_compresso(path: Path) -> Told:
    cloudvolume(path, encoding="compresso", compress=False)
    return precomputed(needs="compresso")


@by("cloud-volume", "compresso", "brotli")
def cloudvolume_compresso_brotli(path: Path) -> Told:
    cloudvolume(path, dtype="uint64", encoding="compresso", compress="br")
    return precomputed("uint64", needs="compresso")


@by("cloud-volume", "imagecodecs")
def cloudvolume_jxl(path: Path) -> Told:
    cloudvolume(path, "image", "uint8", "jxl", compress=False, level=100)
    return precomputed("uint8", "image", needs="imagecodecs")


@by("cloud-volume", "fpzip")
def cloudvolume_fpzip(path: Path) -> Told:
    cloudvolume(path, "image", "float32", "fpzip", compress=True)
    return precomputed("float32", "image", needs="fpzip")


@by("cloud-volume", "fpzip")
def cloudvolume_kempressed(path: Path) -> Told:
    cloudvolume(path, "image", "float32", "kempressed", compress=False)
    return precomputed("float32", "image", needs="fpzip")


@by("cloud-volume")
def cloudvolume_second_scale(path: Path) -> Told:
    cv = cloudvolume(path, compress=True)
    cv.add_scale((2, 2, 1), chunk_size=CHUNK[::-1])
    cv.commit_info()
    from cloudvolume import CloudVolume

    coarse = CloudVolume(f"file://{path}", mip=1, compress=True, progress=False)
    coarse[:] = voxels()[:, ::2, ::2].T[..., None][tuple(map(slice, coarse.shape[:3]))]
    (x, y, z), (sx, sy, sz) = coarse.voxel_offset, coarse.shape[:3]
    told = {"resolution": 1, "offset": [int(z), int(y), int(x)], "size": [40.0, 16.0, 8.0]}
    return precomputed(**told, every=[1, 2, 2], shape=[int(sz), int(sy), int(sx)])
