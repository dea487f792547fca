"""The workflows that make volumes of others, in the test's process, and how volumes are read."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from create_pyramid import create_pyramid
from create_volume import create_volume
from downsample_block import downsample_block
from pull_block import pull_block
from steps import Cutouts
from transfer_block import transfer_block


class Downsampling(Cutouts):
    """A volume on disk whose cutouts are downsampled."""

    workflow = "downsample"
    volume = Path()
    programs = {
        "PULL_BLOCK": pull_block,
        "CREATE_PYRAMID": create_pyramid,
        "DOWNSAMPLE_BLOCK": downsample_block,
    }

    def make(self, **params: Any) -> Any:
        """Run it all on the volume where it lies; return what `run` does."""
        return self.run([], **{"stage": False} | params)


class Transferring(Downsampling):
    """A volume on disk whose cutouts are written anew."""

    workflow = "transfer"
    programs = {
        "PULL_BLOCK": pull_block,
        "CREATE_VOLUME": create_volume,
        "TRANSFER_BLOCK": transfer_block,
    }


def noise(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """Return voxels from 0 to 199, of 32-bit integers from 0 to 3."""
    voxels = np.random.default_rng(seed).integers(0, 200, shape)
    return (voxels // 50 if dtype == "uint32" else voxels).astype(dtype)


def write_precomputed(
    path: Path, voxels: np.ndarray, offset_zyx: Any = (0, 0, 0), kind: str = "image", **scale: Any
) -> Path:
    """Write an array (ZYX) as a precomputed volume of 4 x 4 x 40 nm, in chunks of 16^3 voxels."""
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": str(path)},
        "multiscale_metadata": {"data_type": voxels.dtype.name, "num_channels": 1, "type": kind},
        "scale_metadata": {
            "resolution": [4, 4, 40],
            "encoding": "raw",
            "voxel_offset": [int(start) for start in offset_zyx][::-1],
            "size": voxels.shape[::-1],
            "chunk_size": [16, 16, 16],
            **scale,
        },
    }
    ts.open(spec, create=True).result()[..., 0].write(voxels.T).result()
    return path


def read_level(url: str, number: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return a level's voxels (ZYX) and where they begin, read without bossflow."""
    path = Path(url.removeprefix("file://"))
    if (path / "info").exists():
        kvstore = {"driver": "file", "path": str(path)}
        spec = {"driver": "neuroglancer_precomputed", "kvstore": kvstore, "scale_index": number}
        store = ts.open(spec).result()[..., 0].transpose([2, 1, 0])
        return store.read(order="C").result(), store.origin
    kvstore = {"driver": "file", "path": str(path / str(number))}
    return ts.open({"driver": "zarr3", "kvstore": kvstore}).result().read().result(), (0, 0, 0)
