"""An archive whose channel has a pyramid, and what is told and read of it."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from bossdb_server import Serve, at_one_address
from bossflow.archive_server.served import Level, Volume
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives import bossdb
from voxels.archives.bossdb import answers, client, patience
from voxels.archives.volumes import opening
from voxels.boxes import Box

URI = "bossdb://lab/brain/neurons"
PATH = URI.removeprefix("bossdb://")
SIZE_NM_ZYX = (30.0, 8.0, 8.0)
SHAPE_ZYX = (9, 45, 53)  # halves to 23, 12 and 27, 14
STATUSES = ("NOT_DOWNSAMPLED", "IN_PROGRESS", "QUEUED", "FAILED")


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    with at_one_address() as put:
        yield put


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.Limits(connect=5, silence=10, answer=20, attempts=3, first_wait=0.01)
    monkeypatch.setattr(patience, "METADATA_LIMITS", limits)
    monkeypatch.setattr(patience, "VOXEL_LIMITS", limits)
    client.opened.cache_clear()
    opening.opened_level.cache_clear()
    bossdb._places.clear()
    client.silent.clear()
    answers.spent.clear()
    bossdb._away.clear()


def pyramid(
    dtype: str = "uint64",
    offset_zyx: tuple[int, int, int] = (0, 0, 0),
    deepens: bool = False,
    n_levels: int = 3,
    shape_zyx: tuple[int, int, int] = SHAPE_ZYX,
    **fields: Any,
) -> Volume:
    """A volume whose levels are every second voxel, from coordinate 0 on, and end as the Boss's."""
    levels = []
    for number in range(n_levels):
        scale = (2**number if deepens else 1), 2**number, 2**number
        start = [first // by for first, by in zip(offset_zyx, scale, strict=True)]
        ends = [first + n for first, n in zip(offset_zyx, shape_zyx, strict=True)]
        ends = [math.ceil(end / by) for end, by in zip(ends, scale, strict=True)]
        shape = [end - first for first, end in zip(start, ends, strict=True)]
        seeded = np.random.default_rng(number)
        array = seeded.integers(1, np.iinfo(dtype).max, shape, dtype, endpoint=True)
        size = tuple(side * by for side, by in zip(SIZE_NM_ZYX, scale, strict=True))
        levels.append(Level(array, tuple(start), size))  # type: ignore[arg-type]
    kind = "image" if dtype in ("uint8", "uint16") else "annotation"
    return Volume(kind, tuple(levels), **fields)


def get(host: str, path: str, token: str | None = None) -> httpx.Response:
    headers = {"Authorization": f"Token {token}"} if token else {}
    return httpx.get(f"{host}/v1/{path}", headers=headers)


def cutout(host: str, resolution: int, ranges: str, **options: Any) -> httpx.Response:
    return get(host, f"cutout/{PATH}/{resolution}/{ranges}/", **options)


def told(host: str, resolution: int = 0, token: str = "public") -> dict[str, Any]:
    return bossdb.describe(URI, resolution, host, token)


def whole(host: str, resolution: int = 0, token: str = "public") -> npt.NDArray[Any]:
    """Read all that is described."""
    found = told(host, resolution, token)
    box = Box.of(found["offset_zyx"], found["shape_zyx"])
    return bossdb.read(URI, resolution, host, token, found["dtype"], box)


def counting(inner: ASGIApp, asked: Counter[str]) -> ASGIApp:
    async def count(scope: Scope, receive: Receive, send: Send) -> None:
        asked[scope["path"]] += 1
        await inner(scope, receive, send)

    return count
