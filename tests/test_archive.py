"""The archive: what it opens, and what real intern reads from it and writes to it."""

import asyncio
import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import blosc
import httpx
import numpy as np
import pytest
import tensorstore as ts
from bossflow.archive_server import app as archive
from bossflow.archive_server.volumes import Volume, open_volume, volume_of
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from intern import array
from intern.convenience.array import _BossDBVolumeProvider
from intern.remote.boss import BossRemote
from intern.resource.boss.resource import CoordinateFrameResource, ExperimentResource
from requests import HTTPError
from starlette.requests import Request
from starlette.responses import Response

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
            return servers.enter_context(archive.serving(archive.app(volumes, **options)))

        yield start


def answer(host: str, path: str, **options: Any) -> httpx.Response:
    return httpx.get(f"{host}/v1/{path}", **options)


# ---- reading ----


def test_intern_finds_a_channel_and_all_that_describes_it(serve: Serve) -> None:
    volume = volume_of(pattern((6, 7, 8)), (-3, 20, 100), (40.0, 8.5, 8.0))
    host = serve(
        {
            URI: volume,
            "bossdb://lab/mouse/em": volume_of(
                pattern((6, 7, 8), "uint8"), (-3, 20, 100), (40.0, 8.5, 8.0)
            ),
        }
    )
    cells, em = opened(host), opened(host, "bossdb://lab/mouse/em")
    assert (cells.dtype, cells._channel.type) == ("uint64", "annotation")
    assert (em.dtype, em._channel.type) == ("uint8", "image")
    assert cells.shape == (6, 7, 8)
    assert cells.voxel_size == (8.0, 8.5, 40.0)  # intern: XYZ
    assert cells.voxel_unit == "nanometers"
    assert cells.available_resolutions == [0]
    boss = remote(host)
    experiment = boss.get_project(ExperimentResource("mouse", "lab"))
    frame = boss.get_project(CoordinateFrameResource(experiment.coord_frame))
    assert (frame.x_start, frame.x_stop) == (100, 108)
    assert (frame.y_start, frame.y_stop) == (20, 27)
    assert (frame.z_start, frame.z_stop) == (-3, 3)
    assert boss.list_collections() == ["lab"]
    assert boss.list_experiments("lab") == ["mouse"]
    assert boss.list_channels("lab", "mouse") == ["cells", "em"]
    assert boss.list_coordinate_frames() == [experiment.coord_frame]


@pytest.fixture(scope="module")
def numbered() -> Iterator[tuple[np.ndarray, Any]]:
    voxels = pattern((9, 10, 11))
    with archive.serving(archive.app({URI: volume_of(voxels, (4, 5, 50))})) as host:
        yield voxels, opened(host)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_intern_reads_every_box(numbered: tuple[np.ndarray, Any], data: st.DataObject) -> None:
    voxels, cells = numbered
    edges = [
        sorted(data.draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True)))
        for n in voxels.shape
    ]
    (z0, z1), (y0, y1), (x0, x1) = edges
    read = all_of(cells, (z1 - z0, y1 - y0, x1 - x0), (z0 + 4, y0 + 5, x0 + 50))
    np.testing.assert_array_equal(read, voxels[z0:z1, y0:y1, x0:x1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", ">u8", ">u2"])
def test_intern_reads_every_type(serve: Serve, dtype: str) -> None:
    voxels = np.array([[[0, 1], [2, np.iinfo(dtype).max]]], dtype)
    cells = opened(serve(volume_of(voxels)))
    read = cells[0:1, 0:2, 0:2]
    assert cells.dtype == read.dtype == {"uint32": "uint64"}.get(dtype, np.dtype(dtype).name)
    np.testing.assert_array_equal(read, voxels[0])


def test_a_cutout_is_blosc_of_c_order_zyx(serve: Serve) -> None:
    voxels = pattern((2, 3, 4), "uint16")
    reply = answer(serve(volume_of(voxels)), "cutout/lab/mouse/cells/0/1:4/0:2/1:2/")
    assert reply.headers["content-type"] == "application/blosc"
    assert blosc.decompress(reply.content) == voxels[1:2, 0:2, 1:4].tobytes()


def test_a_path_may_end_in_a_slash(serve: Serve) -> None:
    host = serve(volume_of(pattern((2, 3, 4))))
    for path in (
        "collection",
        "collection/lab/experiment/mouse",
        "cutout/lab/mouse/cells/0/0:1/0:1/0:1",
    ):
        assert answer(host, path).content == answer(host, path + "/").content
        assert answer(host, path).status_code == 200


# ---- refusing ----


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("collection/zoo", 404, "there is no collection 'zoo' here"),
        ("collection/lab/experiment/rat", 404, "there is no experiment 'rat' here"),
        ("collection/lab/experiment/mouse/channel/x", 404, "there is no channel 'x' here"),
        ("coord/lab.rat", 404, "there is no coordinate frame 'lab.rat' here"),
        ("cutout/lab/mouse/x/0/0:1/0:1/0:1/", 404, "there is no channel 'x' here"),
        ("teapot", 404, "Not Found"),
        ("cutout/lab/mouse/cells/1/0:1/0:1/0:1/", 400, "resolution 1 is not served: it has 0..0"),
        ("cutout/lab/mouse/cells/-1/0:1/0:1/0:1/", 404, "Not Found"),
        ("cutout/lab/mouse/cells/10/0:1/5:6/4:5/", 404, "Not Found"),
        ("cutout/lab/mouse/cells/0/0:1/5:6/-1:1/", 404, "Not Found"),
        ("cutout/lab/mouse/cells/0/1/5:6/4:5/", 404, "Not Found"),
        (
            "cutout/lab/mouse/cells/0/0:12/5:6/4:5/",
            400,
            "box 0-12_5-6_4-5 leaves the coordinate frame, which is 0-11_5-15_4-13",
        ),
        ("cutout/lab/mouse/cells/0/0:1/4:6/4:5/", 400, "box 0-1_4-6_4-5 leaves the coordinate"),
        ("cutout/lab/mouse/cells/0/3:1/5:6/4:5/", 400, "3:1/5:6/4:5 is no box"),
        ("cutout/lab/mouse/cells/0/1:1/5:6/4:5/", 400, "1:1/5:6/4:5 is no box"),
        (f"cutout/lab/mouse/cells/0/0:{'9' * 5000}/5:6/4:5/", 400, "is no box"),
        ("cutout/lab/mouse/cells/0/0:1/5:6/4:5/?filter=3", 400, "leave filter out"),
    ],
)
def test_what_is_not_there_is_refused_as_the_boss_does(
    serve: Serve, path: str, status: int, message: str
) -> None:
    host = serve(volume_of(pattern((9, 10, 11)), (4, 5, 0)))
    reply = answer(host, path)
    assert reply.status_code == reply.json()["status"] == status
    assert message in reply.json()["message"]
    assert isinstance(reply.json()["code"], int)


def test_a_cutout_that_blosc_cannot_hold_is_refused(serve: Serve) -> None:
    huge = np.broadcast_to(np.uint8(7), (2048, 2048, 2048))
    host = serve(volume_of(huge))
    reply = answer(host, "cutout/lab/mouse/cells/0/0:2048/0:2048/0:2048/")
    assert (reply.status_code, reply.json()["code"]) == (413, 2000)
    assert answer(host, "cutout/lab/mouse/cells/0/9:19/9:19/2000:2048/").status_code == 200
    host = serve(volume_of(np.broadcast_to(np.uint64(7), (64, 2048, 2048))))  # 2 GiB
    assert answer(host, "cutout/lab/mouse/cells/0/0:2048/0:2048/0:64/").status_code == 413


def test_a_token_is_needed_if_one_is_set(serve: Serve) -> None:
    voxels = pattern((2, 3, 4))
    host = serve(volume_of(voxels), token="s3cret")
    assert answer(host, "collection/").status_code == 403
    assert answer(host, "teapot").status_code == 403
    for wrong, status in (("public", 403), ("s3cre", 401), ("s3crets", 401)):
        with pytest.raises(HTTPError, match=rf"\({status}\)"):
            opened(host, token=wrong)
    cells = opened(host, token="s3cret")
    np.testing.assert_array_equal(cells[0:2, 0:3, 0:4], voxels)


@pytest.mark.parametrize("token", ["", "cl\u00e9", "a\nb"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="the archive's token must be"):
        archive.app({}, token=token)


# ---- writing ----


def test_intern_writes_and_reads_back(serve: Serve) -> None:
    voxels = np.zeros((6, 7, 8), "uint64")
    cells = opened(serve(volume_of(voxels, (10, 20, 30)), writable=True))
    new = pattern((2, 3, 4)) + np.uint64(1)
    cells[12:14, 23:26, 31:35] = new
    np.testing.assert_array_equal(voxels[2:4, 3:6, 1:5], new)
    assert np.count_nonzero(voxels) == new.size
    np.testing.assert_array_equal(cells[12:14, 23:26, 31:35], new)


def test_nothing_is_written_unless_that_was_asked_for(serve: Serve) -> None:
    voxels = np.zeros((6, 7, 8), "uint64")
    cells = opened(serve(volume_of(voxels)))
    with pytest.raises(HTTPError, match=r"\(403\).*reading only"):
        cells[0:1, 0:1, 0:2] = np.ones((1, 1, 2), "uint64")
    assert not voxels.any()


def test_ids_that_the_volume_cannot_hold_are_refused(serve: Serve) -> None:
    voxels = np.zeros((2, 2, 2), "uint32")
    cells = opened(serve(volume_of(voxels), writable=True))
    cells[0:1, 0:1, 0:2] = np.array([[[1, 2**32 - 1]]], "uint64")
    with pytest.raises(HTTPError, match=r"\(400\).*4294967296 doesn't fit"):
        cells[0:1, 0:1, 0:2] = np.array([[[1, 2**32]]], "uint64")
    assert voxels.max() == 2**32 - 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"garbage that is no blosc", 400),
        (blosc.compress(bytes(7), 8), 400),
        (blosc.compress(bytes(64 * 2**20), 8), 413),
        (blosc.compress(bytes(800), 8), 400),
        (blosc.compress(bytes(8), 8)[:-1], 400),
        (b"\0" * 2**20, 413),
    ],
)
def test_bodies_that_are_not_the_box_are_refused(serve: Serve, body: bytes, status: int) -> None:
    voxels = pattern((2, 2, 2))
    host = serve(volume_of(voxels), writable=True)
    url = f"{host}/v1/cutout/lab/mouse/cells/0/0:1/0:1/0:1/"
    assert httpx.post(url, content=body).status_code in (status, 413 if len(body) > 24 else status)
    np.testing.assert_array_equal(voxels, pattern((2, 2, 2)))


# ---- faults ----


def test_a_fault_is_sent_instead_of_a_cutout(serve: Serve) -> None:
    asked = []

    def faults(request: Request) -> Response | None:
        asked.append(request.path_params["x"])
        return Response(status_code=503, headers={"Retry-After": "1"}) if len(asked) == 1 else None

    cells = opened(serve(volume_of(pattern((2, 3, 4))), faults=faults))
    with pytest.raises(HTTPError, match=r"\(503\)"):
        cells[0:2, 0:3, 0:4]
    np.testing.assert_array_equal(cells[0:2, 0:3, 1:4], pattern((2, 3, 4))[:, :, 1:])
    assert asked == ["0:4", "1:4"]


def test_a_slow_fault_keeps_nobody_else_waiting(serve: Serve) -> None:
    async def faults(request: Request) -> Response | None:
        await asyncio.sleep(60 if request.path_params["x"] == "0:1" else 0)
        return None

    host = serve(volume_of(pattern((2, 3, 4))), faults=faults)
    with pytest.raises(httpx.ReadTimeout):
        answer(host, "cutout/lab/mouse/cells/0/0:1/0:1/0:1/", timeout=0.2)
    assert answer(host, "cutout/lab/mouse/cells/0/1:2/0:1/0:1/", timeout=5).status_code == 200


# ---- volumes on disk ----


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


@pytest.mark.parametrize("order", ["C", "F"])
def test_intern_reads_and_writes_an_npy_file(serve: Serve, tmp_path: Path, order: str) -> None:
    voxels = np.array(pattern((5, 6, 7)), order=order)
    np.save(tmp_path / "a.npy", voxels)
    volume = open_volume(tmp_path / "a.npy", (40.0, 8.0, 8.0), writable=True)
    cells = opened(serve(volume, writable=True))
    np.testing.assert_array_equal(all_of(cells, voxels.shape), voxels)
    cells[0:2, 0:2, 0:2] = np.full((2, 2, 2), 2**63 + 5, "uint64")
    assert (np.load(tmp_path / "a.npy")[:2, :2, :2] == 2**63 + 5).all()
    assert cells.voxel_size == (8.0, 8.0, 40.0)


@pytest.mark.parametrize("version", [2, 3])
def test_intern_reads_and_writes_a_zarr_array(serve: Serve, tmp_path: Path, version: int) -> None:
    voxels = pattern((5, 6, 7), "uint16")
    zarr_array(tmp_path / "a.zarr", version, voxels)
    size = (40.0, 8.0, 8.0)
    cells = opened(serve(open_volume(tmp_path / "a.zarr", size, writable=True), writable=True))
    np.testing.assert_array_equal(all_of(cells, voxels.shape), voxels)
    cells[1:3, 1:3, 1:3] = np.full((2, 2, 2), 777, "uint16")
    again = opened(serve(open_volume(tmp_path / "a.zarr", size)))
    assert (again[1:3, 1:3, 1:3] == 777).all()


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(("unit", "size"), [("micrometer", (30.0, 8.0, 8.0)), (None, (1.0, 5, 5))])
def test_every_level_of_an_ome_zarr_image_is_a_resolution(
    serve: Serve, tmp_path: Path, version: str, unit: str | None, size: tuple[float, float, float]
) -> None:
    levels = [pattern(shape, "uint8") for shape in ((5, 8, 8), (5, 4, 4), (5, 2, 2))]
    ome_zarr(tmp_path, version, levels, unit)
    volume = open_volume(tmp_path, None if unit else size)
    if not unit:
        with pytest.raises(ValueError, match="it states no voxel size: give --voxel-size-nm"):
            open_volume(tmp_path)
    sizes = [(size[0], size[1] * 2**n, size[2] * 2**n) for n in range(3)]
    np.testing.assert_allclose([level.voxel_size_nm_zyx for level in volume.levels], sizes)
    host = serve(volume)
    assert opened(host).available_resolutions == [0, 1, 2]
    for number, voxels in enumerate(levels):
        cells = opened(host, resolution=number)
        assert cells.shape == voxels.shape
        np.testing.assert_array_equal(all_of(cells, voxels.shape), voxels)
    if unit:
        with pytest.raises(ValueError, match="states voxels of 8,8,30 nm, not 1,1,1"):
            open_volume(tmp_path, (1.0, 1.0, 1.0))


def test_a_precomputed_volume_keeps_its_place_and_its_scales(serve: Serve, tmp_path: Path) -> None:
    fine, coarse = pattern((5, 6, 8), "uint32"), pattern((5, 3, 4), "uint32")
    scales = [(fine, [0, 0, 6], [8, 8, 30]), (coarse, [0, 0, 6], [16, 16, 30])]
    precomputed(tmp_path, scales, "segmentation")
    host = serve(open_volume(tmp_path, writable=True), writable=True)
    cells = opened(host)
    assert (cells._channel.type, cells.dtype, cells.shape) == ("annotation", "uint64", (5, 6, 8))
    assert cells._channel.downsample_status == "DOWNSAMPLED"
    np.testing.assert_array_equal(all_of(cells, (5, 6, 8), (6, 0, 0)), fine)
    cells = opened(host, resolution=1)
    assert cells.shape == (5, 3, 4)
    np.testing.assert_array_equal(all_of(cells, (5, 3, 4), (6, 0, 0)), coarse)
    cells[6:7, 0:1, 0:2] = np.array([[[8, 9]]], "uint64")
    again = opened(serve(open_volume(tmp_path)), resolution=1)
    assert all_of(again, (1, 1, 2), (6, 0, 0)).tolist() == [[[8, 9]]]


@pytest.mark.parametrize(
    ("resolutions", "levels", "method"),
    [
        ([[8, 8, 30], [16, 16, 30], [32, 32, 30]], 3, "anisotropic"),
        ([[8, 8, 30], [16, 16, 60], [32, 32, 120]], 3, "isotropic"),
        ([[8, 8, 30], [16, 16, 30], [32, 32, 60]], 2, "anisotropic"),
        ([[8, 8, 30], [32, 32, 30]], 1, "anisotropic"),
    ],
)
def test_levels_are_served_as_far_as_the_boss_can_describe_them(
    serve: Serve, tmp_path: Path, resolutions: list[list[int]], levels: int, method: str
) -> None:
    scales = [
        (pattern((120 // z, 32 // y, 32 // x), "uint8"), [0, 0, 0], [x, y, z])
        for x, y, z in resolutions
    ]
    precomputed(tmp_path, scales, "image")
    reply = answer(serve(open_volume(tmp_path)), "collection/lab/experiment/mouse").json()
    assert (reply["num_hierarchy_levels"], reply["hierarchy_method"]) == (levels, method)


def not_a_volume(path: Path) -> None:
    path.mkdir()


def signed(path: Path) -> None:
    zarr_array(path, 3, pattern((2, 2, 2), "int32"))


def flat(path: Path) -> None:
    zarr_array(path, 3, pattern((2, 2), "uint8"))


def five_dimensional(path: Path) -> None:
    zarr_array(path, 2, pattern((1, 3, 2, 2, 2), "uint8"))


def plain_group(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')


def unreadable_info(path: Path) -> None:
    path.mkdir()
    (path / "info").write_text("{}")


def gzipped(path: Path) -> None:
    precomputed(path, [(pattern((4, 4, 4), "uint8"), [0, 0, 0], [8, 8, 8])], "image")
    (chunk,) = (path / "8_8_8").iterdir()
    chunk.with_name(chunk.name + ".gz").write_bytes(gzip.compress(chunk.read_bytes()))
    chunk.unlink()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (not_a_volume, "name a .npy file, or the directory of"),
        (signed, "holds int32, and only unsigned"),
        (flat, "has 2 dimensions: it needs z, y and x"),
        (five_dimensional, "has 3 along axis dimension 1: only one"),
        (plain_group, "a Zarr group without multiscales"),
        (unreadable_info, "its info file lists no scales"),
        (gzipped, "its chunks are compressed files"),
    ],
)
def test_a_volume_that_cannot_be_served_is_one_sentence(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    make(tmp_path / "volume")
    with pytest.raises(ValueError, match="can't be served as a volume") as caught:
        open_volume(tmp_path / "volume")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_channels_of_an_experiment_share_its_frame() -> None:
    one, other = volume_of(pattern((2, 3, 4))), volume_of(pattern((2, 3, 5)))
    with pytest.raises(ValueError, match="em differs in extent, offset or voxel size from cells"):
        archive.app({URI: one, "bossdb://lab/mouse/em": other})
    archive.app({URI: one, "bossdb://lab/rat/em": other})


@pytest.mark.parametrize(
    "uri", ["bossdb://a/b", "s3://a/b/c", "bossdb://a/b/c/0", "bossdb://a/../c"]
)
def test_a_malformed_uri_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="is no channel: write bossdb://collection/"):
        archive.app({uri: volume_of(pattern((2, 3, 4)))})


# ---- the command ----


@contextlib.contextmanager
def command(*arguments: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run serve-archive as a program of its own."""
    paths = [path for path in sys.path if path.endswith("schema")]
    program = "from bossflow.archive_server.app import serve_archive; serve_archive()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_command_serves_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, em = pattern((5, 6, 7)), pattern((5, 6, 7), "uint8")
    np.save(tmp_path / "cells.npy", cells)
    zarr_array(tmp_path / "em.zarr", 3, em)
    ready = tmp_path / "ready.json"
    with command(
        "--volume", str(tmp_path / "cells.npy"), "--uri", URI,
        "--volume", str(tmp_path / "em.zarr"), "--uri", "bossdb://lab/mouse/em",
        "--voxel-size-nm", "8,8,40", "--port", "0", "--ready-file", str(ready),
        env={"BOSSFLOW_ARCHIVE_TOKEN": "s3cret"},
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 20
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        told = json.loads(ready.read_text())
        assert told["channels"] == [URI, "bossdb://lab/mouse/em"]
        assert answer(told["host"], "collection").status_code == 403
        monkeypatch.setenv("HOME", str(tmp_path))  # no ~/.intern/intern.cfg
        monkeypatch.setenv("INTERN_PROTOCOL", "http")
        monkeypatch.setenv("INTERN_HOST", told["host"].removeprefix("http://"))
        monkeypatch.setenv("INTERN_TOKEN", "s3cret")
        np.testing.assert_array_equal(array(URI)[0:5, 0:6, 0:7], cells)
        np.testing.assert_array_equal(array("bossdb://lab/mouse/em")[0:5, 0:6, 0:7], em)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert not ready.exists()
    assert printed == (
        f"{told['host']} serves whoever has the token: "
        f"{URI} (annotation uint64 0-7_0-6_0-5, voxels of 8,8,40 nm), "
        "bossdb://lab/mouse/em (image uint8 0-7_0-6_0-5, voxels of 8,8,40 nm)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to serve"),
        (["--volume", "a.npy"], "give each --volume a --uri of its own"),
        (["--volume", "no.npy", "--uri", URI], "'no.npy' does not exist"),
        (
            ["--volume", "a.npy", "--uri", "bossdb://a/b", "--voxel-size-nm", "8,8,30"],
            "'bossdb://a/b' is no channel",
        ),
        (
            ["--volume", "a.npy", "--uri", URI],
            "it states no voxel size: give --voxel-size-nm x,y,z",
        ),
        (["--volume", "b.npy", "--uri", URI], "b.npy can't be served as a volume"),
        (["--volume", "a.npy", "--uri", URI, "--voxel-size-nm", "8,8"], "'8,8' is no voxel size"),
        (["--volume", "a.npy", "--uri", URI, "--voxel-size-nm", "8,8,0"], "is no voxel size"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", pattern((2, 3, 4)))
    Path("b.npy").write_text("no array")
    result = CliRunner().invoke(archive.serve_archive, arguments)
    assert result.exit_code != 0
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", pattern((2, 3, 4)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(
            archive.serve_archive,
            ["--volume", str(tmp_path / "a.npy"), "--uri", URI, "--port", port]
            + ["--voxel-size-nm", "8,8,30"],
        )
    assert result.exit_code == 1
    assert f"can't serve on 127.0.0.1 port {port}: " in result.output
