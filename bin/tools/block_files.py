"""Blocks of a volume as files that other people's tools read, and files that these write."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from functions.rows import kept, of_json
from functions.sheets import read_json
from kit.texts import one_line, sentence
from numpy.typing import NDArray

MODULES = {"nrrd": ("pynrrd",), "nii": ("nibabel",), "nii.gz": ("nibabel",), "tif": ("tifffile",)}
"""Distributions that read and write files of voxels, by their ending."""


def ending(path: str | Path) -> str:
    """Return the ending of a file's name: all from its first dot on."""
    return Path(path).name.partition(".")[2]


def write(voxels: NDArray[Any], path: Path, voxel_size_nm: Sequence[float]) -> None:
    """Write voxels (ZYX) into a new file, by its ending, and their size (nm, ZYX) if it has room.

    The axes of .nii and .nrrd are x, y, z, as is usual there.

    Raises
    ------
    ValueError
        If files of that ending hold no such voxels.
    """
    try:
        match ending(path):
            case "npy":
                np.save(path, voxels, allow_pickle=False)
            case "nrrd":
                import nrrd

                sizes = {"spacings": [*reversed(voxel_size_nm)], "units": ["nm"] * 3}
                nrrd.write(str(path), voxels.T, sizes | {"encoding": "raw"})
            case "nii" | "nii.gz":
                import nibabel

                millimeters = np.diag([*(size / 1e6 for size in reversed(voxel_size_nm)), 1])
                image = cast(Any, nibabel.Nifti1Image)(voxels.T, millimeters, dtype=voxels.dtype)
                image.header.set_xyzt_units("mm")
                nibabel.save(image, path)
            case "tif":
                import tifffile

                tifffile.imwrite(path, voxels, photometric="minisblack", metadata={"axes": "ZYX"})
    except OSError:
        raise
    except Exception as error:  # each library has its own
        raise ValueError(
            f"voxels of {voxels.dtype} can't be written as .{ending(path)}: {sentence(error)}"
        ) from None


def voxels_of(path: Path) -> NDArray[Any]:
    """Return the voxels (ZYX) of a file that a tool wrote.

    Raises
    ------
    ValueError
        If it can't be read, or has its voxels in another file.
    """
    try:
        voxels = _read(path)
    except Exception as error:  # each library has its own
        raise ValueError(f"{path.name} can't be read: {sentence(error)}") from None
    voxels = voxels[np.newaxis] if voxels.ndim == 2 else voxels  # of a block that is one plane
    return voxels.astype(voxels.dtype.newbyteorder("="), copy=False)


def _read(path: Path) -> NDArray[Any]:
    voxels: Any
    match ending(path):
        case "npy":
            voxels = np.load(path, mmap_mode="r", allow_pickle=False)
        case "nrrd":
            import nrrd

            header = nrrd.read_header(str(path))
            if {"data file", "datafile"} & header.keys():
                raise ValueError("its voxels are in another file")
            voxels = nrrd.read(str(path))[0].T
        case "nii" | "nii.gz":
            import nibabel

            voxels = np.asanyarray(nibabel.Nifti1Image.from_filename(path).dataobj).T
        case _:
            import tifffile

            voxels = tifffile.imread(path)
    return np.asarray(voxels)


def rows_of(path: Path) -> pa.Table:
    """Return the rows of a file that a tool wrote; an empty one has none.

    Raises
    ------
    ValueError
        If it can't be read, or its rows can't be kept.
    """
    try:
        if not path.stat().st_size:
            table = pa.table({})
        elif ending(path) == "csv":
            table = pyarrow.csv.read_csv(path)
        elif ending(path) == "jsonl":
            table = of_json([_row(line) for line in path.read_text("utf-8").split("\n") if line])
        else:
            table = pq.ParquetFile(path).read()
        return kept(table)
    except (pa.ArrowException, ValueError) as error:
        raise ValueError(f"{path.name}: {one_line(str(error))}") from None


def _row(line: str) -> dict[str, Any]:
    row = read_json(line)
    if not isinstance(row, dict):
        raise ValueError(f"{one_line(line)[:100]} is no object of JSON, which a row is")
    return row
