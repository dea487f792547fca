"""What a viewer is served, read back without one."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import neuroglancer.server
import numpy as np
import pytest
from bossflow.look.layer import Layer
from bossflow.look.served import Volume
from bossflow.look.server import Served
from making import noise, write_precomputed
from steps import Cutouts, write_voxels

ASKED = {"stage": False, "block_shape": [16, 16, 16], "x_range": [3, 41], "min_voxels": 2}


def a_layer(source: str, **more: Any) -> Layer:
    return Layer("0" * 16, "image", "image", source, **more)


@contextmanager
def serving(*volumes: Volume) -> Iterator[Served]:
    """Serve volumes; Neuroglancer's server is one a process."""
    try:
        yield Served([*volumes])
    finally:
        neuroglancer.server.stop()


def ask(
    base: str, path: str, method: str = "GET", host: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Ask for a path as it stands, which other clients tidy up."""
    address = urlsplit(base)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    connection.putrequest(method, path, skip_host=host is not None)
    if host is not None:
        connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    told = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return told


def whole(volume: Volume, number: int = 0) -> np.ndarray:
    """Put a level together from all cells that its `info` tells of, as Neuroglancer would (ZYX)."""
    info = volume.info()
    scale = info["scales"][number]
    low, size = scale["voxel_offset"], scale["size"]
    (chunk,) = scale["chunk_sizes"]
    made = np.zeros(size[::-1], f"<{np.dtype(info['data_type']).str[1:]}")
    for corner in product(*(range(0, side, step) for side, step in zip(size, chunk, strict=True))):
        ends = [min(a + c, b) for a, b, c in zip(corner, size, chunk, strict=True)]
        name = "_".join(
            f"{start + a}-{start + b}" for start, a, b in zip(low, corner, ends, strict=True)
        )
        kind, content = volume.answer(f"{scale['key']}/{name}") or ("", b"")
        assert kind == "voxels", name
        where = tuple(slice(a, b) for a, b in zip(corner[::-1], ends[::-1], strict=True))
        made[where] = np.frombuffer(content, made.dtype).reshape(made[where].shape)
    assert json.loads(json.dumps(info)) == info
    return made


@pytest.fixture
def labelled(cutouts: Cutouts, tmp_path: Path) -> dict[str, Any]:
    """Label a mask, to be looked at with an image."""
    mask = (np.random.default_rng(2).random((20, 24, 50)) < 0.3).astype(np.uint8)
    cutouts.volume = write_voxels(tmp_path / "mask", mask)
    image = write_precomputed(tmp_path / "em", noise((18, 90, 120), "uint8"), (2, -5, 10))
    ran = cutouts.label(
        **ASKED,
        component_of="foreground",
        image_source=f"precomputed://{image}",
        name=tmp_path.name,
    )
    assert ran["verdict"] == {"missing": None}, ran["summary"]
    return ran
