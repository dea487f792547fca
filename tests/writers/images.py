"""OME-Zarr images."""

from pathlib import Path
from typing import Any

import numpy as np

from writers import CHUNK, OFFSET, SHAPE, SIZE, START, Told, by, nm, told, voxels

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
