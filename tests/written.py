"""Volumes as their own tools write them; `data/written.tar.xz` holds what came of it.

    python tests/written.py DIRECTORY     # writes those whose tools are installed
    python tests/written.py DIRECTORY --pack

No environment holds all tools: the same directory is given to each, and packed at the end. The
releases that wrote what is packed are in its `written.json`.
"""

import importlib.metadata
import json
import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PACKED = Path(__file__).parent / "data" / "written.tar.xz"
SHAPE, CHUNK, OFFSET = (20, 22, 26), (8, 9, 10), (5, -7, 11)
SIZE = (40.0, 8.0, 4.0)
NOWHERE = (0, 0, 0)


def voxels(dtype: str = "uint32", shape: tuple[int, ...] = SHAPE) -> Any:
    """Segments in blobs of 3x4x5, of which some touch: components that chunks cut."""
    few = np.random.default_rng(9).integers(0, 4, [-(-n // 3) for n in shape], np.uint8)
    return few.repeat(3, 0).repeat(3, 1).repeat(3, 2)[tuple(map(slice, shape))].astype(dtype)


def nm(values: tuple[float, ...], factor: float = 1.0) -> list[float]:
    return [value * factor for value in values]


START = tuple(a * b for a, b in zip(OFFSET, SIZE, strict=True))
Told = dict[str, Any]
WRITERS: dict[str, tuple[str, Callable[[Path], Told]]] = {}


def by(*tools: str) -> Callable[[Callable[[Path], Told]], Callable[[Path], Told]]:
    """Note which tools a writer takes: `zarr>=3`, the first is the one that writes."""

    def noted(write: Callable[[Path], Told]) -> Callable[[Path], Told]:
        WRITERS[write.__name__] = " ".join(tools), write
        return write

    return noted


def is_here(tools: str) -> bool:
    for tool in tools.split():
        name, sign, release = re.fullmatch(r"([\w.-]+?)(?:(>=|<|==)([\d.]+))?", tool).groups()
        try:
            there = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return False
        major, wanted = (int(one.partition(".")[0]) for one in (there, release or "0"))
        fits = {">=": major >= wanted, "<": major < wanted, "==": there.startswith(f"{release}.")}
        if not fits.get(sign, True):
            return False
    return True


# ---- cloud-volume ----


def cloudvolume(
    path: Path,
    layer: str = "segmentation",
    dtype: str = "uint32",
    encoding: str = "raw",
    compress: Any = None,
    sharding: Any = None,
    array: Any = None,
    **more: Any,
) -> Any:
    from cloudvolume import CloudVolume

    info = CloudVolume.create_new_info(
        num_channels=1,
        layer_type=layer,
        data_type=dtype,
        encoding=encoding,
        resolution=SIZE[::-1],
        voxel_offset=OFFSET[::-1],
        chunk_size=CHUNK[::-1],
        volume_size=SHAPE[::-1],
    )
    cv = CloudVolume(f"file://{path}", info=info, compress=compress, progress=False, **more)
    if sharding is not None:
        cv.scale["sharding"] = sharding
    cv.commit_info()
    if sharding is None:
        cv[:] = (voxels(dtype) if array is None else array).T[..., None]
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
def cloudvolume_sharded(path: Path) -> Told:
    from cloudfiles import CloudFiles

    spec = {
        "@type": "neuroglancer_uint64_sharded_v1",
        "hash": "identity",
        "preshift_bits": 1,
        "minishard_bits": 2,
        "shard_bits": 4,
        "data_encoding": "gzip",
        "minishard_index_encoding": "gzip",
    }
    cv = cloudvolume(path, encoding="compressed_segmentation", sharding=spec)
    for name, content in _shards(cv, voxels().T[..., None]).items():
        CloudFiles(f"file://{path}/{cv.key}").put(name, content, compress=None)
    return precomputed()


def _shards(cv: Any, image: Any) -> dict[str, bytes]:
    """Put chunks into shards as igneous does, by cloud-volume's own functions."""
    from cloudvolume import chunks as codec
    from cloudvolume.datasource.precomputed.common import compressed_morton_code
    from cloudvolume.datasource.precomputed.sharding import ShardingSpecification

    spec = ShardingSpecification.from_dict(cv.scale["sharding"])
    grid = [-(-n // c) for n, c in zip(SHAPE[::-1], CHUNK[::-1], strict=True)]
    labels = {}
    for at in np.ndindex(*grid):
        low = [i * c for i, c in zip(at, CHUNK[::-1], strict=True)]
        high = [min(s + c, n) for s, c, n in zip(low, CHUNK[::-1], SHAPE[::-1], strict=True)]
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
    return {"scheme": "precomputed", "says": "has chunks compressed as .br, which only CloudV"}


@by("cloud-volume", "crackle-codec")
def cloudvolume_crackle(path: Path) -> Told:
    cloudvolume(path, encoding="crackle", compress=False)
    return {"scheme": "precomputed", "says": "can't be read: .*crackle"}


@by("cloud-volume", "compresso")
def cloudvolume_compresso(path: Path) -> Told:
    cloudvolume(path, encoding="compresso", compress=False)
    return {"scheme": "precomputed", "says": "can't be read: .*compresso"}


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


# ---- tensorstore ----


def told(scheme: str, **more: Any) -> Told:
    return {"scheme": scheme, "dtype": "uint32", "kind": "annotation"} | more


def tensorstore(path: Path, spec: Told, array: Any, **schema: Any) -> None:
    import tensorstore as ts

    spec |= {"kvstore": {"driver": "file", "path": f"{path}/"}}
    ts.open(spec, create=True, **schema).result().write(array).result()


@by("tensorstore")
def tensorstore_precomputed(path: Path) -> Told:

    spec = {"driver": "neuroglancer_precomputed", "scale_metadata": {"voxel_offset": OFFSET[::-1]}}
    spec["scale_metadata"] |= {"resolution": SIZE[::-1], "size": SHAPE[::-1]}
    spec["scale_metadata"] |= {"chunk_size": CHUNK[::-1], "encoding": "compressed_segmentation"}
    spec["scale_metadata"] |= {"compressed_segmentation_block_size": [8, 8, 8], "key": "em"}
    spec["multiscale_metadata"] = {"data_type": "uint64", "num_channels": 1}
    spec["multiscale_metadata"] |= {"type": "segmentation"}
    tensorstore(path, spec, voxels("uint64").T[..., None])
    return precomputed("uint64")


@by("tensorstore")
def tensorstore_zarr3(path: Path) -> Told:
    import tensorstore as ts

    layout = ts.ChunkLayout(write_chunk_shape=[16, 18, 20], read_chunk_shape=CHUNK)
    domain = ts.IndexDomain(labels=["z", "y", "x"], shape=SHAPE)
    units = ["40 nm", "8 nm", "4 nm"]
    more = {"chunk_layout": layout, "domain": domain, "dimension_units": units}
    tensorstore(path, {"driver": "zarr3"}, voxels(), dtype="uint32", **more)
    return told("zarr")


@by("tensorstore")
def tensorstore_n5(path: Path) -> Told:
    import tensorstore as ts

    layout = ts.ChunkLayout(chunk_shape=CHUNK[::-1])
    domain = ts.IndexDomain(labels=["X", "Y", "Z"], shape=SHAPE[::-1])
    units = ["4 nm", "8 nm", "40 nm"]
    more = {"chunk_layout": layout, "domain": domain, "dimension_units": units}
    tensorstore(path, {"driver": "n5"}, voxels().T, dtype="uint32", **more)
    return told("n5")


@by("tensorstore")
def tensorstore_n5_without_size(path: Path) -> Told:
    metadata = {"dimensions": SHAPE[::-1], "blockSize": CHUNK[::-1], "dataType": "uint32"}
    metadata["compression"] = {"type": "gzip"}
    tensorstore(path, {"driver": "n5", "metadata": metadata}, voxels().T)
    return {"scheme": "n5", "says": r"states no voxel size: .* such as \[4, 8, 40\] .*x, y, z"}


# ---- zarr-python ----

SIZED = {"resolution": nm(SIZE), "units": ["nm"] * 3, "offset": nm(START)}


def zarr_array(path: Path, array: Any, attributes: Told, **options: Any) -> None:
    import zarr

    options = {"chunks": CHUNK, "attributes": attributes} | options
    made = zarr.create_array(path, shape=array.shape, dtype=array.dtype, **options)
    made[:] = array


@by("zarr>=3")
def zarr3_default(path: Path) -> Told:
    zarr_array(path, voxels(), SIZED)
    return told("zarr", offset=OFFSET)


@by("zarr>=3")
def zarr3_sharded_named(path: Path) -> Told:
    names = {"dimension_names": ["X", "Y", "Z"], "chunks": CHUNK[::-1]}
    about = {key: value[::-1] for key, value in SIZED.items()}
    zarr_array(path, voxels().T, about, shards=tuple(2 * n for n in CHUNK[::-1]), **names)
    return told("zarr", offset=OFFSET)


@by("zarr>=3")
def zarr3_of_format_2(path: Path) -> Told:
    keys = {"name": "v2", "separator": "/"}
    zarr_array(path, voxels(), SIZED, zarr_format=2, chunk_key_encoding=keys)
    return told("zarr", offset=OFFSET)


@by("zarr>=3")
def zarr3_unnamed_axes(path: Path) -> Told:
    zarr_array(path, voxels(), SIZED, dimension_names=["dim_0", "dim_1", "dim_2"])
    return {"scheme": "zarr", "says": "names its 3 axes dim_0, dim_1, dim_2: that does not tell"}


@by("zarr>=3")
def zarr3_without_size(path: Path) -> Told:
    zarr_array(path, voxels(), {})
    return {"scheme": "zarr", "says": r"states no voxel size: .* such as \[40, 8, 4\]"}


@by("zarr>=3")
def zarr3_placed_otherwise(path: Path) -> Told:
    zarr_array(path, voxels(), SIZED | {"offset": None, "translation": nm(START)})
    return {"scheme": "zarr", "says": r"states translation \[200.0, -56.0, 44.0\], which is not"}


@by("zarr<3")
def zarr2_nested_store(path: Path) -> Told:
    import zarr

    store = zarr.NestedDirectoryStore(str(path))
    made = zarr.create(SHAPE, chunks=CHUNK, dtype="uint32", store=store, overwrite=True)
    made[:] = voxels()
    made.attrs.update(SIZED)
    return told("zarr", offset=OFFSET)


@by("zarr==2.7")
def zarr27_nested_store(path: Path) -> Told:
    """Before 2.8, .zarray did not state how chunks are named."""
    zarr2_nested_store(path)
    return {"scheme": "zarr", "says": "there is 0/0/0, but its .zarray states no dimension_sep"}


@by("zarr<3")
def zarr2_directory_store(path: Path) -> Told:
    import zarr

    store = zarr.DirectoryStore(str(path))
    made = zarr.create(SHAPE, chunks=CHUNK, dtype="uint16", store=store, order="F")
    made[:] = voxels("uint16")
    made.attrs.update({"resolution": nm(SIZE, 1e-3), "units": "micrometer"})
    return told("zarr", dtype="uint16", kind="image")


@by("zarr<3")
def zarr2_n5_store(path: Path) -> Told:
    import zarr

    made = zarr.create(SHAPE, chunks=CHUNK, dtype="uint32", store=zarr.N5Store(str(path)))
    made[:] = voxels()
    made.attrs.update({"resolution": nm(SIZE[::-1]), "units": ["nm"] * 3, "offset": START[::-1]})
    return told("n5", offset=OFFSET)


@by("zarr<3")
def zarr2_n5_of_imagej(path: Path) -> Told:
    import zarr

    made = zarr.create(SHAPE, chunks=CHUNK, dtype="uint32", store=zarr.N5Store(str(path)))
    made[:] = voxels()
    about = {"pixelWidth": 0.004, "pixelHeight": 0.008, "pixelDepth": 0.04, "pixelUnit": "\u00b5m"}
    made.attrs.update(about | {"numChannels": 1, "numSlices": SHAPE[0], "numFrames": 1})
    return told("n5")


# ---- others, alone or with dask, xarray ----


@by("z5py")
def z5py_n5(path: Path) -> Told:
    import z5py

    file = z5py.File(str(path / "a.n5"), "w")
    made = file.create_dataset("em/s0", data=voxels("uint64"), chunks=CHUNK, compression="gzip")
    made.attrs["pixelResolution"] = {"dimensions": nm(SIZE[::-1]), "unit": "nm"}
    return told("n5", dtype="uint64", path="a.n5/em/s0")


@by("z5py")
def z5py_zarr(path: Path) -> Told:
    import z5py

    file = z5py.File(str(path / "a.zr"), "w")
    made = file.create_dataset("seg", data=voxels(), chunks=CHUNK, compression="zlib")
    made.attrs.update(SIZED)
    return told("zarr", path="a.zr/seg", offset=OFFSET)


@by("xarray", "zarr>=3")
def xarray_zarr(path: Path) -> Told:
    import xarray

    made = xarray.DataArray(voxels(), dims=["z", "y", "x"], name="cells", attrs=SIZED)
    made.to_dataset().to_zarr(path, zarr_format=2, encoding={"cells": {"chunks": CHUNK}})
    return told("zarr", path="cells", offset=OFFSET)


@by("xarray", "zarr>=3")
def xarray_coordinates(path: Path) -> Told:
    import xarray

    sides = zip("zyx", SIZE, START, SHAPE, strict=True)
    coords = {
        axis: (axis, start + size * np.arange(n), {"units": "nm"}) for axis, size, start, n in sides
    }
    made = xarray.DataArray(voxels(), coords=coords, dims=["z", "y", "x"], name="cells")
    made.to_dataset().to_zarr(path, zarr_format=3, encoding={"cells": {"chunks": CHUNK}})
    return told("zarr", path="cells", offset=OFFSET)


@by("dask", "zarr>=3")
def dask_zarr(path: Path) -> Told:
    import dask.array

    dask.array.from_array(voxels(), chunks=CHUNK).to_zarr(str(path))
    return {"scheme": "zarr", "says": "states no voxel size"}


@by("funlib.persistence")
def funlib_zarr(path: Path) -> Told:
    from funlib.geometry import Coordinate
    from funlib.persistence import prepare_ds

    where = {"offset": Coordinate(map(int, START)), "voxel_size": Coordinate(map(int, SIZE))}
    made = prepare_ds(
        path, (1, *SHAPE), axis_names=["c^", "z", "y", "x"], units=["nm"] * 3,
        chunk_shape=(1, *CHUNK), dtype=np.uint32, mode="w", **where,
    )  # fmt: skip
    made._source_data[:] = voxels()[None]
    return told("zarr", offset=OFFSET)


def organelle(kind: str, store: Any) -> None:
    from fibsem_tools.io.core import create_multiscale_group
    from xarray import DataArray

    levels = []
    for step in (1, 2):
        size = (SIZE[0], SIZE[1] * step, SIZE[2] * step)
        array = voxels()[:, ::step, ::step]
        coords = [
            DataArray(
                start + size[i] * np.arange(array.shape[i]), dims=(axis,), attrs={"units": "nm"}
            )
            for i, (axis, start) in enumerate(zip("zyx", START, strict=True))
        ]
        levels.append(DataArray(array, dims=list("zyx"), coords=coords))
    group = create_multiscale_group(
        store=store, path="em", arrays=dict(zip(["s0", "s1"], levels, strict=True)),
        metadata_type=kind, chunks=CHUNK,
    )  # fmt: skip
    for name, level in zip(["s0", "s1"], levels, strict=True):
        group[name][:] = level.data


@by("fibsem-tools", "zarr<3")
def fibsem_omezarr(path: Path) -> Told:
    import zarr

    organelle("ome-ngff", zarr.NestedDirectoryStore(str(path)))
    return told("zarr", path="em", offset=OFFSET)


@by("fibsem-tools", "zarr<3")
def fibsem_cosem_n5(path: Path) -> Told:
    import zarr

    organelle("cosem", zarr.N5FSStore(str(path)))
    return told("n5", path="em", offset=OFFSET)


@by("fibsem-tools", "zarr<3")
def fibsem_neuroglancer_n5(path: Path) -> Told:
    import zarr

    organelle("neuroglancer", zarr.N5FSStore(str(path)))
    return told("n5", path="em")


# ---- OME-Zarr ----

MICRO = {axis: size / 1000 for axis, size in zip("zyx", SIZE, strict=True)}
AXES = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]


def steps(*factors: int) -> list[list[Told]]:
    """Scale and translation of levels, in micrometres."""
    scales = [[0.04, 0.008 * factor, 0.004 * factor] for factor in factors]
    start = [value / 1000 for value in START]
    return [
        [{"type": "scale", "scale": scale}, {"type": "translation", "translation": start}]
        for scale in scales
    ]


def ome(path: Path, version: str, array: Any = None, axes: Any = AXES, **more: Any) -> None:
    import ome_zarr.format
    import zarr
    from ome_zarr.writer import write_multiscale

    form = getattr(ome_zarr.format, f"FormatV{version.replace('.', '')}")()
    modern = {"zarr_format": form.zarr_format} if hasattr(form, "zarr_format") else {}
    group = zarr.open_group(str(path), mode="w", **modern)
    array = voxels() if array is None else array
    chunks = (1,) * (array.ndim - 3) + CHUNK
    pyramid = [array, array[..., ::2, ::2]]
    more = {"coordinate_transformations": steps(1, 2), "axes": axes} | more
    storage = {"storage_options": {"chunks": chunks}}
    write_multiscale(pyramid, group, fmt=form, **storage, **more)


@by("ome-zarr", "zarr>=3")
def omezarr_04(path: Path) -> Told:
    ome(path, "0.4")
    return told("zarr", offset=OFFSET)


@by("ome-zarr", "zarr>=3")
def omezarr_05(path: Path) -> Told:
    ome(path, "0.5")
    return told("zarr", offset=OFFSET)


@by("ome-zarr", "zarr>=3")
def omezarr_05_five_axes(path: Path) -> Told:
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *AXES]
    more = [
        [{"type": "scale", "scale": [1.0, 1.0, *one["scale"]]} for one in level[:1]]
        for level in steps(1, 2)
    ]
    ome(path, "0.5", voxels("uint16")[None, None], axes, coordinate_transformations=more)
    return told("zarr", dtype="uint16", kind="image")


@by("ome-zarr", "zarr>=3")
def omezarr_second_level(path: Path) -> Told:
    ome(path, "0.4")
    more = {"resolution": 1, "size": [40.0, 16.0, 8.0], "offset": [5, -4, 5]}
    return told("zarr", shape=[20, 11, 13], every=[1, 2, 2], **more)


@by("ome-zarr", "zarr>=3")
def omezarr_labels(path: Path) -> Told:
    """Written as by default, without scale and unit: those of the image are meant."""
    import zarr
    from ome_zarr.writer import write_labels

    ome(path, "0.5", voxels("uint8"))
    storage = {"storage_options": {"chunks": CHUNK}}
    group = zarr.open_group(str(path), mode="a")
    write_labels(voxels(), group, "cells", axes="zyx", scale_factors=[2], **storage)
    return told("zarr", path="labels/cells", offset=OFFSET)


@by("ome-zarr", "zarr>=3")
def omezarr_without_units(path: Path) -> Told:
    ome(path, "0.5", axes="zyx")
    return {"scheme": "zarr", "says": "states no known unit for the voxel size along z and y and x"}


@by("ome-zarr", "zarr<3")
def omezarr_01(path: Path) -> Told:
    ome(path, "0.1", voxels()[None, None], None, coordinate_transformations=None)
    return {"scheme": "zarr", "says": "OME-Zarr 0.1, which has no place for a voxel size"}


@by("ome-zarr", "zarr<3")
def omezarr_02(path: Path) -> Told:
    ome(path, "0.2", voxels()[None, None], None, coordinate_transformations=None)
    return {"scheme": "zarr", "says": "OME-Zarr 0.2, which has no place for a voxel size"}


@by("ome-zarr", "zarr<3")
def omezarr_03(path: Path) -> Told:
    ome(path, "0.3", axes="zyx", coordinate_transformations=None)
    return {"scheme": "zarr", "says": "OME-Zarr 0.3, which has no place for a voxel size"}


@by("ome-zarr", "zarr<3")
def omezarr_of_zarr2(path: Path) -> Told:
    ome(path, "0.4")
    return told("zarr", offset=OFFSET)


def ngff(path: Path, version: str, dims: str, array: Any) -> None:
    import ngff_zarr

    start = {axis: value / 1000 for axis, value in zip("zyx", START, strict=True)}
    image = ngff_zarr.to_ngff_image(
        array, list(dims), MICRO, start, axes_units=dict.fromkeys("zyx", "micrometer")
    )
    chunks = dict(zip("zyx", CHUNK, strict=True))
    multiscales = ngff_zarr.to_multiscales(image, scale_factors=[2], chunks=chunks)
    ngff_zarr.to_ngff_zarr(str(path), multiscales, version=version)


@by("ngff-zarr")
def ngffzarr_04(path: Path) -> Told:
    ngff(path, "0.4", "zyx", voxels())
    return told("zarr", offset=OFFSET)


@by("ngff-zarr")
def ngffzarr_05_xyz(path: Path) -> Told:
    ngff(path, "0.5", "xyz", voxels("uint8").T)
    return told("zarr", offset=OFFSET, dtype="uint8", kind="image")


@by("ngff-zarr")
def ngffzarr_06(path: Path) -> Told:
    ngff(path, "0.6", "zyx", voxels())
    return {"scheme": "zarr", "says": "OME-Zarr 0.6.*0.4 and 0.5 are read"}


@by("bioio-ome-zarr")
def bioio_omezarr(path: Path) -> Told:
    from bioio_ome_zarr.writers import OMEZarrWriter

    writer = OMEZarrWriter(
        str(path), SHAPE, "uint16", chunk_shape=CHUNK, axes_names=list("zyx"),
        axes_types=["space"] * 3, axes_units=["nanometer"] * 3, physical_pixel_size=nm(SIZE),
    )  # fmt: skip
    writer.write_full_volume(voxels("uint16"))
    return told("zarr", dtype="uint16", kind="image")


@by("acquire-zarr")
def acquire_omezarr(path: Path) -> Told:
    import acquire_zarr as az

    kinds = az.DimensionType.SPACE
    sides = zip("zyx", SHAPE, CHUNK, SIZE, strict=True)
    dimensions = [
        az.Dimension(
            name=axis, kind=kinds, array_size_px=n, chunk_size_px=chunk, shard_size_chunks=1,
            unit="nanometer", scale=size,
        )
        for axis, n, chunk, size in sides
    ]  # fmt: skip
    method = az.DownsamplingMethod.DECIMATE  # without levels there is no voxel size
    array = az.ArraySettings(
        output_key="em", data_type=np.uint16, dimensions=dimensions, downsampling_method=method
    )
    settings = az.StreamSettings(store_path=str(path), arrays=[array])
    stream = az.ZarrStream(settings)
    for plane in voxels("uint16"):
        stream.append(np.ascontiguousarray(plane), "em")
    stream.close()
    return told("zarr", path="em", dtype="uint16", kind="image")


@by("pydantic-ome-ngff", "zarr<3")
def pydantic_omezarr(path: Path) -> Told:
    import zarr
    from pydantic_ome_ngff.v04.axis import Axis
    from pydantic_ome_ngff.v04.multiscale import MultiscaleGroup

    axes = [Axis(name=axis, type="space", unit="nanometer") for axis in "zyx"]
    more = {"scales": [SIZE], "translations": [START], "chunks": CHUNK}
    group = MultiscaleGroup.from_arrays([voxels()], paths=["s0"], axes=axes, **more)
    made = group.to_zarr(zarr.NestedDirectoryStore(str(path)), path="")
    made["s0"][:] = voxels()
    return told("zarr", offset=OFFSET)


@by("iohub", "zarr<3")
def iohub_omezarr(path: Path) -> Told:
    from iohub.ngff import TransformationMeta, open_ome_zarr

    with open_ome_zarr(str(path), layout="fov", mode="w", channel_names=["em"]) as made:
        scale = TransformationMeta(type="scale", scale=[1.0, 1.0, *(one / 1000 for one in SIZE)])
        image = voxels("uint16")[None, None]
        made.create_image("0", image, chunks=(1, 1, *CHUNK), transform=[scale])
    return told("zarr", dtype="uint16", kind="image")


@by("webknossos")
def webknossos_zarr3(path: Path) -> Told:
    import webknossos as wk

    made = wk.Dataset(path, voxel_size=SIZE[::-1])
    box = wk.BoundingBox((0, 0, 0), SHAPE[::-1])
    layer = made.add_layer("cells", "segmentation", dtype="uint32", bounding_box=box,
                           largest_segment_id=4)  # fmt: skip
    mag = layer.add_mag(1, chunk_shape=(8, 8, 8), shard_shape=(32, 32, 32))
    mag.write(voxels().T)
    return told("zarr", path="cells", shape=[32, 32, 32])


def main() -> None:
    directory = Path(sys.argv[1])
    manifest = directory / "written.json"
    directory.mkdir(exist_ok=True)
    if "--pack" in sys.argv:
        with tarfile.open(PACKED, "w:xz") as packed:
            packed.add(directory, ".", filter=_plain)
        return
    known = json.loads(manifest.read_text()) if manifest.exists() else {}
    for name, (tools, write) in WRITERS.items():
        if is_here(tools) and not (directory / name).exists():
            names = [re.match(r"[\w.-]+", tool)[0] for tool in tools.split()]
            releases = {tool: importlib.metadata.version(tool) for tool in names}
            known[name] = write(directory / name) | {"releases": releases}
            print(name)
    manifest.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who wrote what when."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
