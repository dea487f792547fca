"""The archive: what real intern reads from it and writes to it, and what it refuses."""

import asyncio
from collections.abc import Iterator
from typing import Any

import blosc
import httpx
import numpy as np
import pytest
from archive_server import URI, Serve, all_of, answer, opened, pattern, remote
from archive_server import serve as serve
from bossflow.archive_server import app as archive
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from hypothesis import given, settings
from hypothesis import strategies as st
from intern.resource.boss.resource import CoordinateFrameResource, ExperimentResource
from requests import HTTPError
from starlette.requests import Request
from starlette.responses import Response

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
    with serving(archive.app({URI: volume_of(voxels, (4, 5, 50))})) as host:
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
    assert answer(host, "cutout/lab/mouse/cells/0/1:2/0:1/0:1/", timeout=50).status_code == 200
