"""The archive in the process of a test, volumes for it on disk, and real intern as its client."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tensorstore as ts
from bossflow.archive_server import app as archive
from bossflow.archive_server.served import Volume
from bossflow.archive_server.server import serving
from intern import array
from intern.convenience.array import _BossDBVolumeProvider
from intern.remote.boss import BossRemote

URI = "bossdb://lab/mouse/cells"
Serve = Callable[..., str]


def pattern(shape: tuple[int, ...], dtype: str = "uint64") -> np.ndarray:
    """Voxels that all differ, as far as the type allows."""
    step = 2**40 + 1 if dtype == "uint64" else 1
    return (np.arange(np.prod(shape)) * step).astype(dtype).reshape(shape)


def remote(host: str, token: str = "public") -> BossRemote:
    return BossRemote({"protocol": "http", "host": host.removeprefix("http://"), "token": token})


def opened(host: str, uri: str = URI, resolution: int = 0, token: str = "public") -> Any:
    provider = _BossDBVolumeProvider(remote(host, token))
    return array(uri, resolution=resolution, volume_provider=provider)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with contextlib.ExitStack() as servers:

        def start(volumes: Volume | Mapping[str, Volume], **options: Any) -> str:
            volumes = {URI: volumes} if isinstance(volumes, Volume) else volumes
            return servers.enter_context(serving(archive.app(volumes, **options)))

        yield start


def answer(host: str, path: str, **options: Any) -> httpx.Response:
    return httpx.get(f"{host}/v1/{path}", **options)


def created(spec: dict[str, Any], path: Path, voxels: np.ndarray) -> None:
    """Write a volume with tensorstore."""
    store = ts.open(
        {**spec, "kvstore": {"driver": "file", "path": f"{path}/"}}, create=True, open=True
    ).result()
    store.write(voxels).result()


def precomputed(
    path: Path, scales: list[tuple[np.ndarray, list[int], list[int]]], kind: str
) -> None:
    """Write a precomputed volume of ZYX voxels, offsets XYZ and resolutions XYZ."""
    for voxels, offset, resolution in scales:
        spec = {
            "driver": "neuroglancer_precomputed",
            "multiscale_metadata": {
                "type": kind,
                "data_type": voxels.dtype.name,
                "num_channels": 1,
            },
            "scale_metadata": {
                "size": list(voxels.shape[::-1]),
                "voxel_offset": offset,
                "resolution": resolution,
                "chunk_size": [4, 4, 4],
                "encoding": "raw",
            },
        }
        created(spec, path, voxels.T[..., None])


def zarr_array(path: Path, version: int, voxels: np.ndarray) -> None:
    if version == 2:
        metadata = {"shape": voxels.shape, "chunks": [4] * voxels.ndim, "dtype": voxels.dtype.str}
        created({"driver": "zarr", "metadata": metadata}, path, voxels)
    else:
        metadata = {"shape": voxels.shape, "data_type": voxels.dtype.name}
        created({"driver": "zarr3", "metadata": metadata}, path, voxels)


def ome_zarr(path: Path, version: str, levels: list[np.ndarray], unit: str | None) -> None:
    """Write an OME-Zarr image of (t, c, z, y, x) whose levels halve along y and x."""
    datasets = []
    for number, voxels in enumerate(levels):
        zarr_array(path / str(number), 2 if version == "0.4" else 3, voxels[None, None])
        scale = [1.0, 1.0, 0.03, 0.008 * 2**number, 0.008 * 2**number]
        steps = [{"type": "scale", "scale": scale}]
        datasets.append({"path": str(number), "coordinateTransformations": steps})
    axes: list[dict[str, str]] = [{"name": name} for name in "tczyx"]
    for axis in axes[2:]:
        axis |= {"unit": unit} if unit else {}
    image = [{"axes": axes, "datasets": datasets, "version": version}]
    if version == "0.4":
        (path / ".zgroup").write_text('{"zarr_format": 2}')
        (path / ".zattrs").write_text(json.dumps({"multiscales": image}))
    else:
        ome = {"version": version, "multiscales": image}
        node = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
        (path / "zarr.json").write_text(json.dumps(node))


def all_of(cells: Any, shape: tuple[int, ...], offset: tuple[int, ...] = (0, 0, 0)) -> np.ndarray:
    (z0, z1), (y0, y1), (x0, x1) = (
        [start, start + n] for start, n in zip(offset, shape, strict=True)
    )
    # not cells[...]: it can't drop two axes of length 1
    return cells.volume_provider.boss.get_cutout(
        cells._channel, cells.resolution, [x0, x1], [y0, y1], [z0, z1], parallel=False
    )
