"""Volumes on disk as the archive serves them: .npy files, Zarr, OME-Zarr and precomputed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import ArrayLike

from ..voxels.archives import Refused, Unreachable
from ..voxels.archives.volumes import opening, precomputed
from ..voxels.boxes import Box

Triple = tuple[float, float, float]

_UNSTATED = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Level:
    """One resolution of a volume.

    Attributes
    ----------
    array : ndarray or tensorstore.TensorStore
        ZYX voxels; the first one has index 0.
    offset_zyx : tuple of int
        Coordinates of the first voxel, in voxels of this resolution.
    voxel_size_nm_zyx : tuple of float
    """

    array: Any
    offset_zyx: tuple[int, int, int]
    voxel_size_nm_zyx: Triple

    @property
    def box(self) -> Box:
        """All voxels, in the channel's coordinates."""
        return Box.of(self.offset_zyx, self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored voxels."""
        dtype = self.array.dtype
        return dtype if isinstance(dtype, np.dtype) else np.dtype(dtype.numpy_dtype)


@dataclass(frozen=True)
class Volume:
    """What a channel serves.

    Attributes
    ----------
    kind : str
        `image` or `annotation`.
    levels : tuple of Level
        Finest first.
    base_resolution : int
        Which resolution the first level is.
    downsample_status : str
        As the Boss words it; if empty, the levels are whole where the channel has as many as any of
        its experiment.
    num_time_samples : int
        How many its experiment has; only the first is there.
    public : bool
        Whether it needs no token where the archive has one.
    bucket : tuple of str, optional
        Name of a bucket, and the path in it, where the Boss would keep the voxels (`cloudvol`).
    """

    kind: str
    levels: tuple[Level, ...]
    base_resolution: int = 0
    downsample_status: str = ""
    num_time_samples: int = 1
    public: bool = False
    bucket: tuple[str, str] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the served voxels: the Boss serves uint8, uint16 and uint64 only.

        In a bucket there may be others.
        """
        stored = self.levels[0].dtype
        wide = not self.bucket and (self.kind == "annotation" or stored.itemsize > 2)
        return np.dtype("<u8") if wide else stored.newbyteorder("<")

    @property
    def hierarchy_method(self) -> str:
        """How voxels grow from level to level: `anisotropic` means only along x and y."""
        return "isotropic" if _deepens(self.levels) else "anisotropic"


def volume_of(
    array: ArrayLike,
    offset_zyx: tuple[int, int, int] = (0, 0, 0),
    voxel_size_nm_zyx: Triple = _UNSTATED,
) -> Volume:
    """Make a one-level volume of an array; it is an annotation if uint32 or uint64.

    Parameters
    ----------
    array : array_like of uint8, uint16, uint32 or uint64, ZYX
        Used as it is, not copied: writes go into it.
    offset_zyx : tuple of int
        Coordinates of the first voxel.
    voxel_size_nm_zyx : tuple of float

    Raises
    ------
    ValueError
        If the array has not three axes, or another type.
    """
    return _volume([Level(np.asanyarray(array), offset_zyx, voxel_size_nm_zyx)])


def open_volume(
    path: Path, voxel_size_nm_zyx: Triple | None = None, writable: bool = False
) -> Volume:
    """Open a volume on disk; nothing but metadata is read.

    Parameters
    ----------
    path : Path
        A .npy file (ZYX), a Zarr array (v2 or v3, ZYX), an OME-Zarr image (0.4 or 0.5; its
        translation is not served: the first voxel is at 0), or a Neuroglancer precomputed volume.
    voxel_size_nm_zyx : tuple of float, optional
        Of a file that doesn't state it; it has to be given then.
    writable : bool
        Whether to open it for writing too.

    Returns
    -------
    Volume
        With as many levels as the file has that the Boss can describe: each doubles the voxel
        size of the one before along x and y, and along z either always or never, and begins where
        half of that one's coordinates do.

    Raises
    ------
    ValueError
        If `path` is no volume, or not one that can be served.
    """
    size = voxel_size_nm_zyx or _UNSTATED
    kind, is_stated = None, False
    try:
        if path.suffix == ".npy" and path.is_file():
            array = np.load(path, mmap_mode="r+" if writable else "r")
            levels = [Level(array, (0, 0, 0), size)]
        elif any((path / name).is_file() for name in ("info", "zarr.json", ".zarray", ".zattrs")):
            kind, is_stated, levels = _levels(path, size, writable)
        else:
            raise ValueError(
                "name a .npy file, or the directory of a Zarr array, an OME-Zarr image or a "
                "precomputed volume"
            )
        volume = _volume(levels, kind)
        if not is_stated and not voxel_size_nm_zyx:
            raise ValueError("it states no voxel size: give --voxel-size-nm x,y,z")
    except (OSError, ValueError, Refused, Unreachable) as error:
        raise ValueError(f"{path} can't be served as a volume: {error}") from error
    stated = levels[0].voxel_size_nm_zyx
    if voxel_size_nm_zyx and not _same(stated, voxel_size_nm_zyx):
        raise ValueError(
            f"{path} states voxels of {xyz(stated)} nm, not {xyz(voxel_size_nm_zyx)}: "
            "--voxel-size-nm is only for files that state none"
        )
    return volume


def _volume(levels: Sequence[Level], kind: str | None = None) -> Volume:
    """Put levels together, as far as they are a hierarchy, or say why they can't be served."""
    finest = levels[0]
    if len(finest.array.shape) != 3 or 0 in finest.array.shape:
        raise ValueError(f"its shape is {tuple(finest.array.shape)}, and only ZYX can be served")
    if finest.dtype.kind != "u":
        raise ValueError(f"it holds {finest.dtype}, and only unsigned integers can be served")
    known = [finest]
    place = finest.box
    for level in levels[1:]:
        scale_zyx = (2 if _deepens(levels) else 1), 2, 2
        place = reduced(place, scale_zyx)
        sizes = zip(known[-1].voxel_size_nm_zyx, scale_zyx, strict=True)
        z, y, x = (size * scale for size, scale in sizes)
        if not _same(level.voxel_size_nm_zyx, (z, y, x)) or not (
            level.offset_zyx == place.corner_zyx and place.contains(level.box)
        ):
            break  # the Boss has no words for what follows
        known.append(level)
    return Volume(kind or ("annotation" if finest.dtype.itemsize > 2 else "image"), tuple(known))


def reduced(box: Box, scale_zyx: tuple[int, int, int]) -> Box:
    """Return the voxels of a coarser resolution that a box meets, as the Boss counts them."""
    z, y, x = scale_zyx
    x0, x1, y0, y1, z0, z1 = box
    return Box(x0 // x, -(-x1 // x), y0 // y, -(-y1 // y), z0 // z, -(-z1 // z))


def _levels(path: Path, size: Triple, writable: bool) -> tuple[str | None, bool, list[Level]]:
    """Open every level of a volume: its kind, if it tells, whether it states its size, and levels.

    Without one, `size` is that of the finest.
    """
    uri = f"{'precomputed' if (path / 'info').is_file() else 'zarr'}://{path.absolute()}"
    stated = opening.levels(uri)
    levels = []
    for level in stated:
        # what is served is read and written by tensorstore alone
        if precomputed.compressed_files(level):
            raise ValueError("its chunks are compressed files; write them plain")
        if encoding := precomputed.own_encoding(level):
            raise ValueError(f"its encoding {encoding} is not served; write it as another one")
        store = opening.open_zyx(level, uri, writable)
        scale, finest = level.scale_zyx or _UNSTATED, stated[0].scale_zyx or _UNSTATED
        # without a unit, a scale only tells how a level relates to the finest one
        z, y, x = (
            side * unit if unit else base * side / first
            for side, unit, base, first in zip(scale, level.unit_nm_zyx, size, finest, strict=True)
        )
        start_z, start_y, start_x = store.origin if level.precomputed else (0, 0, 0)
        array = store[ts.d[:].translate_to[0]]
        levels.append(Level(array, (start_z, start_y, start_x), (z, y, x)))
    return stated[0].kind, stated[0].has_size, levels


def _deepens(levels: Sequence[Level]) -> bool:
    """Tell whether voxels grow along z too."""
    sizes = [level.voxel_size_nm_zyx[0] for level in levels[:2]]
    return sizes[-1] > 1.5 * sizes[0]


def _same(one: Triple, other: Triple) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(one, other, strict=True))


def xyz(size_zyx: Triple) -> str:
    """Write a voxel size as users do."""
    return ",".join(f"{side:g}" for side in reversed(size_zyx))
