"""Volumes on disk as the archive serves them: .npy files, Zarr, OME-Zarr and precomputed."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from numpy.typing import ArrayLike

from .voxels.boxes import Box

Triple = tuple[float, float, float]

_NANOMETRES = {"angstrom": 0.1, "nanometer": 1.0, "micrometer": 1e3, "millimeter": 1e6}
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
    """What a channel serves: its kind (`image` or `annotation`) and its levels, finest first."""

    kind: str
    levels: tuple[Level, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the served voxels: the Boss (and intern) know uint8, uint16 and uint64 only."""
        stored = self.levels[0].dtype
        wide = self.kind == "annotation" or stored.itemsize > 2
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
        For a file that doesn't state it; 1 nm if not given.
    writable : bool
        Whether to open it for writing too.

    Returns
    -------
    Volume
        With as many levels as the file has that the Boss can describe: each doubles the voxel
        size of the one before along x and y, and along z either always or never.

    Raises
    ------
    ValueError
        If `path` is no volume, or not one that can be served.
    """
    size = voxel_size_nm_zyx or _UNSTATED
    kind = None
    try:
        if path.suffix == ".npy" and path.is_file():
            array = np.load(path, mmap_mode="r+" if writable else "r")
            levels = [Level(array, (0, 0, 0), size)]
        elif (path / "info").is_file():
            kind, levels = _precomputed(path, writable)
        elif any((path / name).is_file() for name in ("zarr.json", ".zarray", ".zattrs")):
            levels = _zarr(path, size, writable)
        else:
            raise ValueError(
                "name a .npy file, or the directory of a Zarr array, an OME-Zarr image or a "
                "precomputed volume"
            )
        volume = _volume(levels, kind)
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as error:
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
    for level in levels[1:]:
        z, y, x = known[-1].voxel_size_nm_zyx
        if not _same(level.voxel_size_nm_zyx, (z * (2 if _deepens(levels) else 1), 2 * y, 2 * x)):
            break  # the Boss has no words for what follows
        known.append(level)
    return Volume(kind or ("annotation" if finest.dtype.itemsize > 2 else "image"), tuple(known))


def _precomputed(path: Path, writable: bool) -> tuple[str, list[Level]]:
    """Open every scale of a precomputed volume: its kind and levels."""
    info = _json(path / "info")
    levels = []
    for index, scale in enumerate(info["scales"]):
        # tensorstore doesn't see such chunks, and would give zeros for them
        if next((path / scale["key"]).glob("*.gz"), None):
            raise ValueError(f"the files of scale {scale['key']} are gzipped; write them plain")
        spec = {"driver": "neuroglancer_precomputed", "scale_index": index}
        store = _tensorstore(path, spec, writable)
        x, y, z, _ = store.origin
        size_x, size_y, size_z = map(float, scale["resolution"])
        levels.append(Level(_zyx(store.T), (z, y, x), (size_z, size_y, size_x)))
    return "annotation" if info.get("type") == "segmentation" else "image", levels


def _zarr(path: Path, size: Triple, writable: bool) -> list[Level]:
    """Open a Zarr array, or every level of an OME-Zarr image; `size` if none is stated."""
    if (path / "zarr.json").is_file():
        driver, node = "zarr3", _json(path / "zarr.json")
        is_array, attributes = node["node_type"] == "array", node.get("attributes", {})
    else:
        driver, is_array = "zarr", (path / ".zarray").is_file()
        attributes = {} if is_array else _json(path / ".zattrs")
    if is_array:
        return [Level(_zyx(_tensorstore(path, {"driver": driver}, writable)), (0, 0, 0), size)]
    images = attributes.get("ome", attributes).get("multiscales")
    if not images:
        raise ValueError("it is a Zarr group without OME multiscales; name the array in it")
    axes = images[0]["axes"][-3:]
    if [axis["name"] for axis in axes] != ["z", "y", "x"]:
        raise ValueError("its last three axes are not z, y, x")
    units = [_NANOMETRES.get(axis.get("unit", "")) for axis in axes]
    scales = [_ome_scale(images[0], dataset) for dataset in images[0]["datasets"]]
    levels = []
    for dataset, scale in zip(images[0]["datasets"], scales, strict=True):
        # without a unit, a scale only tells how a level relates to the finest one
        z, y, x = (
            side * unit if unit else base * side / finest
            for side, unit, base, finest in zip(scale, units, size, scales[0], strict=True)
        )
        store = _tensorstore(path / dataset["path"], {"driver": driver}, writable)
        levels.append(Level(_zyx(store), (0, 0, 0), (z, y, x)))
    return levels


def _ome_scale(image: dict[str, Any], dataset: dict[str, Any]) -> Triple:
    """Multiply the scales that apply to one level, for z, y, x."""
    scale: list[float] = [1.0, 1.0, 1.0]
    for steps in (dataset, image):
        for step in steps.get("coordinateTransformations", []):
            if step["type"] == "scale":
                scale = [a * b for a, b in zip(scale, step["scale"][-3:], strict=True)]
    return scale[0], scale[1], scale[2]


def _tensorstore(path: Path, spec: dict[str, Any], writable: bool) -> Any:
    kvstore = {"driver": "file", "path": f"{path.absolute()}/"}
    return ts.open({**spec, "kvstore": kvstore}, open=True, read=True, write=writable).result()


def _json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text())
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} is not a JSON object")
    return content


def _zyx(store: Any) -> Any:
    """Drop the axes before z, y, x, such as time and channel, and begin every axis at 0."""
    leading = store.shape[:-3]
    if math.prod(leading) != 1:
        raise ValueError(f"it has {math.prod(leading)} times or channels, and only one is served")
    store = store[tuple(store.origin[:-3])] if leading else store
    return store[ts.d[:].translate_to[0]]


def _deepens(levels: Sequence[Level]) -> bool:
    """Tell whether voxels grow along z too."""
    sizes = [level.voxel_size_nm_zyx[0] for level in levels[:2]]
    return sizes[-1] > 1.5 * sizes[0]


def _same(one: Triple, other: Triple) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(one, other, strict=True))


def xyz(size_zyx: Triple) -> str:
    """Write a voxel size as users do."""
    return ",".join(f"{side:g}" for side in reversed(size_zyx))
