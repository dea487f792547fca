"""Volumes as files of arrays: NumPy's .npy, OME-TIFF, OME-Zarr; written piece by piece."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..voxels.made_files import write
from ..voxels.made_metadata import create
from ..voxels.made_volumes import Volume
from ..voxels.pyramid import Level
from .voxels import Source

Progress = Callable[[int], None]
"""Is told how many voxels were written."""

BLOCK_ZYX, CHUNK_ZYX = (256, 256, 256), (64, 64, 64)
"""Of OME-Zarr: a shard, and a chunk."""

TILE = 256
_TIFF = {f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32)}
_TIFF |= {"float32", "float64"}


def npy(source: Source, directory: Path, progress: Progress) -> list[str]:
    """Write a level as .npy (ZYX, C order), and beside it, as JSON, what it is.

    Takes the memory of a piece. Nothing is mapped: a full disk would be a signal, not an error.
    """
    path = directory / f"{_name(source)}.npy"
    whole = source.box
    header = {
        "descr": np.lib.format.dtype_to_descr(source.dtype),
        "fortran_order": False,
        "shape": whole.shape_zyx,
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        begin = file.tell()
        for box in source.pieces():  # whole along x
            z, y, _ = (at - low for at, low in zip(box.corner_zyx, whole.corner_zyx, strict=True))
            for plane, voxels in enumerate(source.read(box), z):
                row = plane * whole.shape_zyx[1] + y
                file.seek(begin + row * whole.shape_zyx[2] * source.dtype.itemsize)
                file.write(np.ascontiguousarray(voxels, source.dtype).data)
            progress(box.voxel_count)
    about = path.with_suffix(".json")
    about.write_text(json.dumps(source.told(), indent=1) + "\n", encoding="utf-8")
    return [f"{path.name}: {_words(source)}; {about.name} says so for programs"]


def refuse_in_tiff(source: Source) -> None:
    """Refuse what OME-TIFF can't hold.

    Raises
    ------
    ValueError
    """
    if source.dtype.name not in _TIFF:
        raise ValueError(
            f"the volume holds {source.dtype.name}, which OME-TIFF has no type for, nor has "
            "ImageJ: give --format npy or ome-zarr"
        )


def tiff(source: Source, directory: Path, progress: Progress) -> list[str]:
    """Write a level as one OME-TIFF (BigTIFF, tiles, a plane a page), with size and place.

    Takes the memory of a piece.
    """
    import tifffile

    path = directory / f"{_name(source)}.ome.tif"
    sizes = zip("ZYX", source.voxel_size_nm_zyx, strict=True)
    about: dict[str, Any] = {"axes": "ZYX", "Name": source.volume.layer.name}
    for axis, size in sizes:
        about |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "nm"}
    about["Plane"] = _places(source)
    with tifffile.TiffWriter(path, bigtiff=True, ome=True) as file:
        file.write(
            _tiles(source, progress),
            shape=source.box.shape_zyx,
            dtype=source.dtype,
            photometric="minisblack",
            tile=(TILE, TILE),
            compression="zlib",
            metadata=about,
        )
    return [f"{path.name}: {_words(source)}; OME-TIFF, a plane of z a page"]


def _places(source: Source) -> dict[str, list[Any]]:
    """Return where each plane begins (nm)."""
    (depth, *_), (z, y, x) = source.box.shape_zyx, source.box.corner_zyx
    nm_z, nm_y, nm_x = source.voxel_size_nm_zyx
    starts = {
        "X": [x * nm_x] * depth,
        "Y": [y * nm_y] * depth,
        "Z": [(z + plane) * nm_z for plane in range(depth)],
    }
    units = {f"Position{axis}Unit": ["nm"] * depth for axis in starts}
    return {f"Position{axis}": places for axis, places in starts.items()} | units


def _tiles(source: Source, progress: Progress) -> Iterator[NDArray[Any]]:
    """Yield tiles plane by plane; those at an end are cut."""
    depth, rows, width = source.layers()
    if rows < source.box.shape_zyx[1]:  # no layer of chunks fits: plane by plane, rows of tiles
        depth, rows = 1, TILE
    for box in source.pieces((depth, rows, width)):
        voxels = source.read(box)
        for plane in voxels:
            for y in range(0, plane.shape[0], TILE):
                for x in range(0, plane.shape[1], TILE):
                    yield np.ascontiguousarray(plane[y : y + TILE, x : x + TILE])
        progress(box.voxel_count)


def ome_zarr(sources: list[Source], directory: Path, progress: Progress) -> list[str]:
    """Write all levels as an OME-Zarr 0.5 image, as workflow transfer does, in shards.

    Takes the memory of a few blocks. What is written is read back and compared.
    """
    first = sources[0]
    path = directory / f"{first.volume.layer.name}.ome.zarr"
    volume = _volume(sources)
    for number, source in enumerate(sources):
        for box in source.pieces(BLOCK_ZYX):
            write(volume, number, source.read(box), box, path)
            progress(box.voxel_count)
    create(volume, path)
    return [f"{path.name}: {_words(first)}; OME-Zarr 0.5, levels: {len(sources)}"]


def _volume(sources: list[Source]) -> Volume:
    first = sources[0]
    levels = []
    for number, source in enumerate(sources):
        sizes = zip(source.voxel_size_nm_zyx, first.voxel_size_nm_zyx, strict=True)
        z, y, x = (round(size / finest) for size, finest in sizes)
        levels.append(Level((z, y, x), source.box, CHUNK_ZYX, str(number)))
    return Volume(
        "zarr",
        first.dtype.name,
        "annotation" if first.volume.kind == "segmentation" else "image",
        "raw",
        "zstd",
        "",
        tuple(levels),
        (BLOCK_ZYX,) * len(levels),
        first.voxel_size_nm_zyx,
        first.middle_zyx,
    )


def _name(source: Source) -> str:
    level = f"_level{source.number}" if source.number else ""
    return f"{source.volume.layer.name}{level}"


def _words(source: Source) -> str:
    """Return what a level is, in words."""
    shape, start = source.box.shape_zyx, source.box.corner_zyx
    size = ", ".join(f"{side:.15g}" for side in source.voxel_size_nm_zyx)
    return (
        f"{source.dtype.name}, z, y, x: {', '.join(map(str, shape))} voxels from "
        f"{', '.join(map(str, start))} on, of {size} nm"
    )
