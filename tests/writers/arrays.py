"""Arrays of tensorstore and zarr-python."""

from pathlib import Path
from typing import Any

from writers import CHUNK, OFFSET, SHAPE, SIZE, START, Told, by, nm, told, voxels
from writers.precomputed import precomputed

# ---- tensorstore ----


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
