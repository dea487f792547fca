"""Volumes in single files, each as its format's own library writes it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import crackle
import h5py
import mrcfile
import nibabel
import nrrd
import numpy as np
import PIL.Image
import tifffile
from formats import CHUNK, OFFSET, SHAPE, SIZE, Voxels
from voxels.boxes import Box

Written = tuple[str, tuple[int, ...]]
"""A URI, and where the volume starts."""

PLACED = [start * size for start, size in zip(OFFSET, SIZE, strict=True)]

BOXES = [Box(4, 9, -5, 6, 7, 8), Box(3, 31, -4, 19, 9, 26), Box(12, 13, 3, 4, 14, 16)]
"""Odd ones, within OFFSET and SHAPE: XYZ."""


def hdf5(path: Path, voxels: Voxels, **options: Any) -> Written:
    """Write a dataset as CREMI and funlib do, compressed."""
    options = {"chunks": CHUNK, "compression": "gzip", "shuffle": True} | options
    with h5py.File(path / "volume.h5", "w") as file:
        dataset = file.create_dataset("volumes/ids", data=voxels, **options)
        dataset.attrs.update(resolution=SIZE, offset=PLACED, units=["nm"] * 3)
    return f"hdf5://file://{path}/volume.h5#/volumes/ids", OFFSET


def nwb(path: Path, voxels: Voxels) -> Written:
    """Write a series of two volumes as pynwb lays it out, of which the second is meant."""
    with h5py.File(path / "volume.nwb", "w") as file:
        plane = file.create_group("general/optophysiology/plane")
        for name, values in (("grid_spacing", SIZE[::-1]), ("origin_coords", PLACED[::-1])):
            lengths = plane.create_dataset(name, data=[value * 1e-9 for value in values])
            lengths.attrs["unit"] = "meters"
        series = file.create_group("acquisition/stack")
        series.attrs["neurodata_type"] = "TwoPhotonSeries"
        series["imaging_plane"] = h5py.SoftLink("/general/optophysiology/plane")
        data = series.create_dataset(
            "data", (2, *voxels.shape[::-1]), voxels.dtype, chunks=(1, *CHUNK[::-1])
        )
        data[1] = voxels.T
        data.attrs.update(resolution=-1.0, conversion=1.0, unit="n.a.")
    return f"nwb://file://{path}/volume.nwb#/acquisition/stack", OFFSET


def nifti(path: Path, voxels: Voxels, name: str = "volume.nii", **options: Any) -> Written:
    """Write an image whose axes are y, z backwards and x, in millimetres."""
    size, start, length = ({a: v[i] for i, a in enumerate("zyx")} for v in (SIZE, OFFSET, SHAPE))
    affine = np.zeros((4, 4))
    for i, (axis, sign) in enumerate([("y", 1), ("z", -1), ("x", 1)]):
        row = "xyz".index(axis)
        affine[row, i] = sign * size[axis] * 1e-6
        first = start[axis] if sign > 0 else start[axis] + length[axis] - 1
        affine[row, 3] = first * size[axis] * 1e-6
    affine[3, 3] = 1
    image = nibabel.Nifti1Image(voxels.transpose(1, 0, 2)[:, ::-1], affine)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, path / name)
    return f"nifti://file://{path}/{name}", OFFSET


def nrrd_file(path: Path, voxels: Voxels, encoding: str = "raw", **options: Any) -> Written:
    """Write an array of x backwards, y, z, in micrometres."""
    x, y, z = SIZE[::-1]
    last = PLACED[2] + (SHAPE[2] - 1) * x
    header = {
        "encoding": encoding,
        "space": "right-anterior-superior",
        "space directions": np.diag([-x, y, z]) / 1000,
        "space origin": np.array([last, PLACED[1], PLACED[0]]) / 1000,
        "space units": ["um"] * 3,
    }
    nrrd.write(str(path / "volume.nrrd"), voxels.T[::-1], header | options, index_order="F")
    return f"nrrd://file://{path}/volume.nrrd", OFFSET


def mrc(path: Path, voxels: Voxels, by: str = "start") -> Written:
    """Write a map, in angstrom, placed by its start or by its origin."""
    wide = voxels.astype({"uint32": "uint16"}.get(voxels.dtype.name, voxels.dtype))
    with mrcfile.new(path / "volume.mrc", wide, overwrite=True) as file:
        file.set_volume()
        file.voxel_size = tuple(size * 10 for size in SIZE[::-1])
        if by == "start":
            file.nstart = OFFSET[::-1]
        else:
            file.header.origin = tuple(place * 10 for place in PLACED[::-1])
    return f"mrc://file://{path}/volume.mrc", OFFSET


def npy(path: Path, voxels: Voxels, order: str = "C") -> Written:
    """Write an array; it states no voxel size."""
    np.save(path / "volume.npy", np.asarray(voxels, order=order))
    return f"npy://file://{path}/volume.npy", (0, 0, 0)


def ckl(path: Path, voxels: Voxels, name: str = "volume.ckl") -> Written:
    """Write labels; they state no voxel size."""
    crackle.save(np.asfortranarray(voxels.T), str(path / name))
    return f"ckl://file://{path}/{name}", (0, 0, 0)


def ome_tiff(path: Path, voxels: Voxels, **options: Any) -> Written:
    """Write tiles, compressed."""
    sizes = zip("ZYX", SIZE, strict=True)
    metadata = {"axes": "ZYX"} | {f"PhysicalSize{axis}": size / 1000 for axis, size in sizes}
    options = {"tile": (16, 16), "compression": "zlib"} | options
    tifffile.imwrite(path / "volume.ome.tif", voxels, metadata=metadata, **options)
    return f"tiff://file://{path}/volume.ome.tif", (0, 0, 0)


def imagej(path: Path, voxels: Voxels, **options: Any) -> Written:
    """Write a stack as ImageJ does: raw, one plane after the other."""
    metadata = {"axes": "ZYX", "spacing": SIZE[0] / 1000, "unit": "um"}
    dots = (1000 / SIZE[2], 1000 / SIZE[1])
    where = path / "volume.tif"
    options = {"imagej": True, "resolution": dots, "metadata": metadata} | options
    tifffile.imwrite(where, voxels, **options)
    return f"tiff://file://{where}", (0, 0, 0)


def pages(path: Path, voxels: Voxels, **options: Any) -> Written:
    """Write BigTIFF of pages in strips that nothing describes; it states no voxel size."""
    with tifffile.TiffWriter(path / "pages.tif", bigtiff=True) as file:
        for plane in voxels:
            file.write(plane, metadata=None, rowsperstrip=5, contiguous=False, **options)
    return f"tiff://file://{path}/pages.tif", (0, 0, 0)


def planes(path: Path, voxels: Voxels, ending: str = "tif") -> Written:
    """Write a file a plane, numbered from 8 on; they state no voxel size."""
    (path / "stack").mkdir(exist_ok=True)
    for number, plane in enumerate(voxels, 8):
        name = path / "stack" / f"s1_z{number}.{ending}"
        if ending == "tif":
            tifffile.imwrite(name, plane)
        else:
            PIL.Image.fromarray(plane).save(name)
    (path / "stack" / "readme.txt").write_text("about")
    return f"planes://file://{path}/stack", (0, 0, 0)


WRITERS: dict[str, Callable[[Path, Voxels], Written]] = {
    "hdf5": hdf5,
    "nifti": nifti,
    "nifti, gz": partial(nifti, name="volume.nii.gz"),
    "nrrd": nrrd_file,
    "nrrd, gzip": partial(nrrd_file, encoding="gzip"),
    "mrc": mrc,
    "mrc, origin": partial(mrc, by="origin"),
    "npy": npy,
    "npy, Fortran": partial(npy, order="F"),
    "ckl": ckl,
    "tiff": ome_tiff,
    "tiff, ImageJ": imagej,
    "tiff, ImageJ, zlib": partial(imagej, compression="zlib"),
    "tiff pages": partial(pages, compression="zlib"),
    "planes": planes,
    "planes, png": partial(planes, ending="png"),
    "planes, jp2": partial(planes, ending="jp2"),
    "ckl, gz": partial(ckl, name="volume.ckl.gz"),
}
SIZELESS = ("npy", "ckl", "tiff pages", "planes")
"""Formats that state no voxel size."""
