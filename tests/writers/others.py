"""Arrays of other tools, alone or with dask, xarray."""

from pathlib import Path
from typing import Any

import numpy as np

from writers import CHUNK, OFFSET, SHAPE, SIZE, START, Told, by, nm, told, voxels
from writers.arrays import SIZED


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
