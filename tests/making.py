"""The workflows that make volumes of others, in the test's process, and how volumes are read."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
from create_pyramid import create_pyramid
from downsample_block import downsample_block
from pull_block import pull_block
from steps import Cutouts


class Downsampling(Cutouts):
    """A volume on disk whose cutouts are downsampled."""

    workflow = "downsample"
    volume = Path()
    programs = {
        "PULL_BLOCK": pull_block,
        "CREATE_PYRAMID": create_pyramid,
        "DOWNSAMPLE_BLOCK": downsample_block,
    }

    def make(self, **params: Any) -> dict[str, Any]:
        """Run it all on the volume where it lies; return what `run` does."""
        return self.run([], **{"stage": False} | params)


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
