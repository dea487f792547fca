"""The volumes of the benchmarks: real, synthetic, and written for their peers."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import absent  # noqa: F401
import common
import numpy as np
import numpy.typing as npt
import tensorstore as ts
from bossflow.archive_server import demo
from common import ROOT, console

SAMPLE = ROOT.parent / "shared" / "data" / "connectomics.npy.ckl.gz"


def load(path: Path | None = None) -> npt.NDArray[Any]:
    """Load a volume: the one named, or the real sample where it is, or the demo segmentation.

    Returns
    -------
    ndarray of unsigned integers, ZYX, C order
    """
    if path is None:
        path = SAMPLE if SAMPLE.exists() else demo.make(common.CACHE / "demo")["segmentation"]
    if path.suffixes[-2:] == [".ckl", ".gz"]:
        import crackle

        voxels = crackle.decompress(gzip.decompress(path.read_bytes())).transpose(2, 1, 0)
    elif path.suffix == ".npy":
        voxels = np.load(path)
    else:
        raise SystemExit(f"--volume {path} is no volume: name a .npy or .npy.ckl.gz file")
    return np.ascontiguousarray(voxels)


def precomputed(
    name: str,
    shape_zyx: Sequence[int],
    dtype: str,
    cut: Callable[[int, int], npt.NDArray[Any]],
    **scale: Any,
) -> Path:
    """Write a precomputed segmentation in the cache, unless it is there from before.

    Parameters
    ----------
    name : str
        The directory's name, which tells all that the volume depends on.
    shape_zyx : sequence of 3 int
    dtype : str
    cut : callable
        Takes the ends of a range of z and returns its voxels, ZYX.
    **scale
        Encoding and chunk size, as tensorstore's `scale_metadata` has them.
    """
    directory = common.CACHE / "volumes" / name
    if directory.exists():
        return directory
    console.print(f"writing {directory}")
    partial = directory.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    spec = {
        "driver": "neuroglancer_precomputed",
        "kvstore": {"driver": "file", "path": f"{partial}/"},
        "multiscale_metadata": {"type": "segmentation", "data_type": dtype, "num_channels": 1},
        "scale_metadata": {"size": list(shape_zyx)[::-1], "resolution": [8, 8, 8], **scale},
    }
    volume = ts.open(spec, create=True).result()
    for low, high in slabs(shape_zyx[0]):
        volume[:, :, low:high, 0] = cut(low, high).T
    partial.rename(directory)
    return directory


def slabs(depth: int, most: int = 256) -> Iterator[tuple[int, int]]:
    """Yield the ends of slabs of z."""
    for low in range(0, depth, most):
        yield low, min(low + most, depth)


def digest(voxels: npt.NDArray[Any]) -> str:
    """Name a volume by its content."""
    return hashlib.sha256(voxels.data).hexdigest()[:12]
