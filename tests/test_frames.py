"""Where BossDB is not what one would think: the archive is so too, and what reads it knows.

Expected numbers are those of the Boss's own code (jhuapl-boss/boss and spdb), written out here.
"""

import gzip
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import blosc
import boto3
import httpx
import lab
import numpy as np
import numpy.typing as npt
import pytest
import tensorstore as ts
from bossflow.archive_server.app import MAX_MIB, app, serving
from bossflow.archive_server.faults import misbehaving
from bossflow.archive_server.volumes import Level, Volume
from bossflow.volumes.channels import channel_row
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from test_bossdb import Serve, at_one_address, telling
from test_object_store import Server
from test_object_store import serving as serving_s3
from voxels.archives import Refused, Unreachable, bossdb
from voxels.archives.bossdb import answers, client, patience
from voxels.archives.places import kvstores
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


# ---- levels ----


@pytest.mark.parametrize("deepens", [False, True])
def test_levels_end_where_the_archive_says(serve: Serve, deepens: bool) -> None:
    volume = pyramid(deepens=deepens)
    host = serve(app({URI: volume}))
    extents, sizes = [list(SHAPE_ZYX[::-1])], [list(SIZE_NM_ZYX[::-1])]
    halved = 2 + deepens  # axes, of x, y, z
    for _ in range(2):  # as spdb's get_downsampled_extent_dims and _voxel_dims
        x_y_z, size = extents[-1], sizes[-1]
        extents.append([math.ceil(n / 2.0) for n in x_y_z[:halved]] + x_y_z[halved:])
        sizes.append([n * 2 for n in size[:halved]] + size[halved:])
    assert get(host, f"downsample/{PATH}/").json() == {
        "status": "DOWNSAMPLED",
        "num_hierarchy_levels": 3,
        "extent": {str(i): one for i, one in enumerate(extents)},
        "voxel_size": {str(i): one for i, one in enumerate(sizes)},
        "cuboid_size": {str(i): [512, 512, 16] for i in range(3)},
    }
    for resolution, level in enumerate(volume.levels):
        assert told(host, resolution)["shape_zyx"] == extents[resolution][::-1]
        assert told(host, resolution)["voxel_size_nm_zyx"] == sizes[resolution][::-1]
        np.testing.assert_array_equal(whole(host, resolution), level.array)


def test_past_the_end_of_a_level_are_zeros_as_far_as_the_finest_frame_goes(serve: Serve) -> None:
    volume = pyramid("uint8")
    host = serve(app({URI: volume}))
    answer = cutout(host, 2, "10:53/0:45/0:9")
    found = np.frombuffer(blosc.decompress(answer.content), "uint8").reshape(9, 45, 43)
    np.testing.assert_array_equal(found[:, :12, :4], volume.levels[2].array[:, :, 10:])
    assert not found[:, 12:].any() and not found[:, :, 4:].any()
    assert not any(blosc.decompress(cutout(host, 2, "20:30/0:45/0:9").content))
    for leaves in ("0:54/0:45/0:9", "0:53/0:46/0:9", "0:53/0:45/0:10"):
        refused = cutout(host, 2, leaves)
        assert (refused.status_code, refused.json()["code"]) == (400, 1001)


def test_a_level_that_was_cut_short_ends_where_it_does(serve: Serve) -> None:
    """Other tools round down; the Boss counts on, and answers with zeros there."""
    volume = pyramid()
    level = volume.levels[1]
    short = replace(level, array=level.array[:, :22, :26])
    host = serve(app({URI: replace(volume, levels=(volume.levels[0], short))}))
    assert told(host, 1)["shape_zyx"] == [9, 22, 26]
    np.testing.assert_array_equal(whole(host, 1), short.array)


def test_levels_end_as_the_boss_counts_where_it_can_not_be_asked(serve: Serve) -> None:
    """A server without the service, and the Boss's, which fails if x and y differ."""
    volume = pyramid()
    archive = app({URI: volume})

    async def older(scope: Scope, receive: Receive, send: Send) -> None:
        missing = "/downsample/" in scope["path"]
        await (Response(status_code=404) if missing else archive)(scope, receive, send)

    assert told(serve(older), 2)["shape_zyx"] == [9, 12, 14]
    levels = [
        replace(one, voxel_size_nm_zyx=(30.0, 4.0 * 2**i, 8.0 * 2**i))
        for i, one in enumerate(volume.levels)
    ]
    host = serve(app({URI: replace(volume, levels=tuple(levels))}))
    failed = get(host, f"downsample/{PATH}")
    assert (failed.status_code, failed.json()["code"]) == (400, 9001)
    assert told(host, 2)["shape_zyx"] == [9, 12, 14]
    np.testing.assert_array_equal(whole(host, 2), volume.levels[2].array)


@pytest.mark.parametrize("extent", [[14, 12], [14, 12, "deep"], {"x": 1}, None, [14, 12.5, 9]])
def test_extents_that_make_no_sense_are_one_sentence(serve: Serve, extent: Any) -> None:
    host = serve(telling(app({URI: pyramid()}), extent={"2": extent}))
    with pytest.raises(Refused, match=f"tells of {URI} makes no sense"):
        told(host, 2)


# ---- frames that do not begin at 0 ----


@pytest.mark.parametrize(
    ("offset_zyx", "deepens", "begins"),
    [((0, 4, 6), False, "6,4,0"), ((0, 0, 1), False, "1,0,0"), ((4, 0, 0), True, "0,0,4")],
)
def test_a_level_of_which_the_first_voxels_are_refused_is_one_sentence(
    serve: Serve, offset_zyx: tuple[int, int, int], deepens: bool, begins: str
) -> None:
    volume = pyramid(offset_zyx=offset_zyx, deepens=deepens)
    host = serve(app({URI: volume}))
    np.testing.assert_array_equal(whole(host), volume.levels[0].array)
    x0, _, y0, _, z0, _ = volume.levels[1].box
    refused = cutout(host, 1, f"{x0}:{x0 + 9}/{y0}:{y0 + 9}/{z0}:{z0 + 4}")
    assert (refused.status_code, refused.json()["code"]) == (400, 1001)
    with pytest.raises(Refused, match=rf"^resolution 1 of {URI} can't be read whole.* {begins} "):
        told(host, 1)


def test_z_may_begin_anywhere_if_it_stays_as_it_is(serve: Serve) -> None:
    volume = pyramid(offset_zyx=(5, 0, 0))
    host = serve(app({URI: volume}))
    assert told(host, 2)["offset_zyx"] == [5, 0, 0]
    np.testing.assert_array_equal(whole(host, 2), volume.levels[2].array)


def test_negative_coordinates_can_not_be_asked_for(serve: Serve) -> None:
    host = serve(app({URI: pyramid(offset_zyx=(-3, 0, 0))}))
    assert cutout(host, 0, "0:9/0:9/-3:0").status_code == 404
    with pytest.raises(Refused, match=r"begins at 0,0,-3 \(x,y,z\): BossDB can't be asked for neg"):
        told(host)


# ---- which resolutions there are ----


def test_the_first_resolution_may_be_a_coarser_one(serve: Serve) -> None:
    image = pyramid("uint8", n_levels=3)
    coarse = pyramid(n_levels=4)
    volume = replace(coarse, levels=coarse.levels[1:], base_resolution=1)
    host = serve(app({URI: volume, "bossdb://lab/brain/em": image}))
    assert get(host, f"collection/lab/experiment/brain/channel/{PATH.split('/')[-1]}").json()[
        "base_resolution"
    ] == 1  # fmt: skip
    for resolution in (1, 2, 3):  # of the last one, the Boss's service tells no extent
        level = volume.levels[resolution - 1]
        assert told(host, resolution)["voxel_size_nm_zyx"] == list(level.voxel_size_nm_zyx)
        np.testing.assert_array_equal(whole(host, resolution), level.array)
    for resolution in (0, 4):
        refused = cutout(host, resolution, "0:1/0:1/0:1")
        assert (refused.status_code, refused.json()["code"]) == (400, 1002)
        with pytest.raises(Refused, match=f"resolution {resolution} is not one of .* has 1 to 3"):
            told(host, resolution)
    with pytest.raises(ValueError, match="em differs in extent, offset or voxel size from neurons"):
        app({URI: coarse, "bossdb://lab/brain/em": pyramid("uint8", shape_zyx=(9, 45, 54))})


def test_a_resolution_of_two_digits_can_not_be_asked_for(serve: Serve) -> None:
    changed = telling(
        app({URI: pyramid()}), num_hierarchy_levels=12, downsample_status="DOWNSAMPLED"
    )
    host = serve(changed)
    assert cutout(host, 10, "0:1/0:1/0:1").status_code == 404
    with pytest.raises(Refused, match=f"resolution 10 of {URI} can't be asked for: .*one digit"):
        told(host, 10)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("dtype", ["uint8", "uint64"])
def test_levels_that_are_not_made_are_one_sentence(serve: Serve, dtype: str, status: str) -> None:
    volume = pyramid(dtype, downsample_status=status)
    host = serve(app({URI: volume}))
    np.testing.assert_array_equal(whole(host), volume.levels[0].array)
    answer = cutout(host, 1, "0:9/0:9/0:9")
    if dtype == "uint8":
        assert answer.status_code == 200 and not any(blosc.decompress(answer.content))
    else:
        assert answer.status_code == 500
    with pytest.raises(Refused, match=f"resolution 1 of {URI} is not there.*{status}'; only resol"):
        told(host, 1)


def test_the_status_counts_from_the_first_resolution(serve: Serve) -> None:
    coarse = pyramid(n_levels=3)
    volume = replace(
        coarse, levels=coarse.levels[1:], base_resolution=1, downsample_status="QUEUED"
    )
    host = serve(app({URI: volume}))
    np.testing.assert_array_equal(whole(host, 1), volume.levels[0].array)
    with pytest.raises(Refused, match="resolution 2 .* is not there.*only resolution 1 is "):
        told(host, 2)


def test_a_write_outdates_the_levels(serve: Serve) -> None:
    host = serve(app({URI: pyramid()}, writable=True))
    told(host, 1)
    body = blosc.compress(np.ones(1, "uint64"), 8)
    url = f"{host}/v1/cutout/{PATH}/0/0:1/0:1/0:1/"
    assert httpx.post(url, content=body).status_code == 201
    with pytest.raises(Refused, match="downsample_status is 'NOT_DOWNSAMPLED'"):
        told(host, 1)


def test_a_channel_with_fewer_levels_than_its_experiment_has_none(serve: Serve) -> None:
    one = pyramid(n_levels=1)
    host = serve(app({URI: one, "bossdb://lab/brain/em": pyramid("uint8")}))
    np.testing.assert_array_equal(whole(host), one.levels[0].array)
    with pytest.raises(Refused, match="resolution 1 .* is not there"):
        told(host, 1)


def test_several_time_samples_are_one_sentence(serve: Serve) -> None:
    host = serve(app({URI: pyramid(num_time_samples=3)}))
    with pytest.raises(Refused, match=f"^{URI} has 3 time samples: only channels of one"):
        told(host)


def test_a_second_pyramid_is_not_served(serve: Serve) -> None:
    host = serve(app({URI: pyramid()}))
    assert get(host, f"cutout/{PATH}/1/0:1/0:1/0:1/?iso=true").status_code == 400
    assert get(host, f"cutout/{PATH}/1/0:1/0:1/0:1/?iso=false").status_code == 200


def test_uint32_is_not_served(serve: Serve) -> None:
    """The Boss fails with a TypeError over its bits: 500, also for what it keeps in a bucket."""
    host = serve(app({URI: pyramid("uint32", bucket=("b", "/p"))}))
    assert cutout(host, 0, "0:1/0:1/0:1").status_code == 500
    host = serve(telling(app({URI: pyramid()}), datatype="uint32"))
    with pytest.raises(Refused, match=f"^{URI} holds uint32 voxels, which BossDB .* the bucket"):
        told(host)


# ---- answers ----


def test_of_64_bits_a_cutout_may_have_four_times_as_many(serve: Serve) -> None:
    assert MAX_MIB == 520
    for dtype, most in (("uint8", 2**20), ("uint16", 2**19), ("uint64", 2**19)):
        array = np.broadcast_to(np.array(1, dtype), (2**10, 2**10, 2))
        volume = Volume("annotation", (Level(array, (0, 0, 0), SIZE_NM_ZYX),))
        host = serve(app({URI: replace(volume, kind="image")}, max_mib=1))
        rows = most // 2**10
        assert cutout(host, 0, f"0:1/0:{2**10}/0:{rows}").status_code == 200
        refused = cutout(host, 0, f"0:2/0:{2**10}/0:{rows // 2 + 1}")
        assert (refused.status_code, refused.json()["code"]) == (413, 2000)


def only_cutouts(change: Callable[[ASGIApp], ASGIApp]) -> ASGIApp:
    """An archive that is changed where cutouts are asked for."""
    well = app({URI: pyramid()})
    ill = change(well)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await (ill if "/cutout/" in scope["path"] else well)(scope, receive, send)

    return answer


def test_a_monthly_limit_is_told_at_once_and_nothing_more_is_asked(serve: Serve) -> None:
    asked: Counter[str] = Counter()
    host = serve(only_cutouts(lambda well: counting(misbehaving(well, {"limit": 1}), asked)))
    sentence = f"{host} does not send box .* of {URI} at resolution 0: the monthly limit"
    for _ in range(2):
        with pytest.raises(Refused, match=sentence):
            bossdb.read(URI, 0, host, "public", "uint64", Box(0, 9, 0, 9, 0, 9))
    assert asked.total() == 1
    with pytest.raises(Refused, match="holds uint64, where uint8"):
        bossdb.read(URI, 0, host, "public", "uint8", Box(0, 9, 0, 9, 0, 9))


def counting(inner: ASGIApp, asked: Counter[str]) -> ASGIApp:
    async def count(scope: Scope, receive: Receive, send: Send) -> None:
        asked[scope["path"]] += 1
        await inner(scope, receive, send)

    return count


@pytest.mark.parametrize(
    ("status", "content", "times", "error", "says"),
    [
        (400, {"code": 9001, "message": "Error"}, 3, Unreachable, "status 400"),
        (404, {"code": 5000, "message": "IO"}, 3, Unreachable, "status 404"),
        (429, {"code": 3004, "message": "slow down"}, 3, Unreachable, "status 429"),
        (429, {"detail": "API is throttled. Expected available tomorrow."}, 1, Refused, "monthly"),
        (400, {"code": 1002, "message": "Unsupported data type"}, 1, Refused, "status 400"),
        (404, {"code": 4005, "message": "marked"}, 1, Refused, "it is marked for deletion"),
        (400, {"code": "9001x"}, 1, Refused, "status 400"),
        (400, {"code": math.inf}, 1, Refused, "status 400"),
        (400, [9001], 1, Refused, "status 400"),
    ],
)
def test_what_passes_is_asked_for_again_and_nothing_else(
    serve: Serve, status: int, content: Any, times: int, error: type[Exception], says: str
) -> None:
    asked: Counter[str] = Counter()
    host = serve(only_cutouts(lambda _: counting(Response(json.dumps(content), status), asked)))
    with pytest.raises(error, match=says):
        bossdb.read(URI, 0, host, "public", "uint64", Box(0, 9, 0, 9, 0, 9))
    assert asked.total() == times


def test_a_wrong_token_shuts_out_of_public_data_too(serve: Serve) -> None:
    secret = "bossdb://lab/brain/secret"
    volume = pyramid()
    host = serve(app({URI: replace(volume, public=True), secret: volume}, token="right"))
    for token in ("public", "right"):
        np.testing.assert_array_equal(whole(host, token=token), volume.levels[0].array)
    assert cutout(host, 0, "0:1/0:1/0:1").status_code == 200
    assert cutout(host, 0, "0:1/0:1/0:1", token="wrong").status_code == 401
    private = get(host, "cutout/lab/brain/secret/0/0:1/0:1/0:1")
    assert (private.status_code, private.json()["code"]) == (403, 3001)
    with pytest.raises(Refused, match=r"are public, try without \(unset BOSSDB_TOKEN\)$"):
        told(host, token="wrong")
    with pytest.raises(Refused, match=f"refuses {secret} to those without a token: set BOSSDB_TOK"):
        bossdb.describe(secret, 0, host, "public")
    assert bossdb.describe(secret, 0, host, "right")["dtype"] == "uint64"


def test_nobody_noted_anything_of_a_channel(serve: Serve) -> None:
    host = serve(app({URI: pyramid()}))
    for path in ("meta/lab", "meta/lab/brain/", f"meta/{PATH}/"):
        assert get(host, path).json() == {"keys": []}
        missing = get(host, f"{path}?key=doi")
        assert (missing.status_code, missing.json()["code"]) == (400, 1003)
    assert get(host, "meta/lab/brain/no").status_code == 404


def test_frames_have_names_that_the_boss_allows(serve: Serve) -> None:
    one, other = "bossdb://a/b_c/neurons", "bossdb://a_b/c/neurons"
    host = serve(app({one: pyramid(), other: pyramid(shape_zyx=(3, 4, 5), n_levels=1)}))
    assert get(host, "coord").json() == {"coords": ["a_b_c", "a_b_c_"]}
    assert bossdb.describe(one, 0, host, "public")["shape_zyx"] == list(SHAPE_ZYX)
    assert bossdb.describe(other, 0, host, "public")["shape_zyx"] == [3, 4, 5]


# ---- channels that are kept in a bucket ----

BUCKET = "open-data"


@pytest.fixture(scope="module")
def s3() -> Iterator[Server]:
    with serving_s3() as server:
        httpx.put(f"{server.url}/{BUCKET}").raise_for_status()
        yield server


def put_volume(s3: Server, path: str, volume: Volume, **changes: Any) -> None:
    """Write the levels of a volume into the bucket, as the scales of a precomputed volume."""
    kvstore = {"driver": "s3", "bucket": BUCKET, "path": f"{path}/", "endpoint": s3.url}
    for level in volume.levels:
        array = level.array.astype(changes.get("dtype", level.dtype))
        size = [side * 1.0 for side in reversed(level.voxel_size_nm_zyx)]
        spec = {
            "driver": "neuroglancer_precomputed",
            "kvstore": kvstore | {"aws_region": "us-east-1"},
            "multiscale_metadata": {
                "type": "segmentation" if volume.kind == "annotation" else "image",
                "data_type": array.dtype.name,
                "num_channels": 1,
            },
            "scale_metadata": {
                "size": list(reversed(array.shape)),
                "voxel_offset": changes.get("offset", list(reversed(level.offset_zyx))),
                "resolution": size,
                "chunk_size": [16, 16, 4],
                "encoding": "raw",
            },
        }
        ts.open(spec, create=True, open=True).result().write(array.T[..., None]).result()


def kept(volume: Volume, path: str) -> tuple[ASGIApp, Counter[str]]:
    """An archive that says that a channel's voxels are in the bucket; and its cutouts."""
    asked: Counter[str] = Counter()

    def note(request: Request) -> None:
        asked[request.url.path] += 1

    return app({URI: replace(volume, bucket=(BUCKET, path))}, faults=note), asked


@pytest.mark.s3
@pytest.mark.parametrize(
    ("case", "volume"),
    [
        ("plain", pyramid()),
        ("uint32", pyramid("uint32")),
        ("image", pyramid("uint8", deepens=True)),
        ("away-from-0", pyramid(offset_zyx=(3, 11, 7))),
        ("negative", pyramid("uint16", offset_zyx=(-3, -11, 7))),
    ],
)
def test_a_channel_in_a_bucket_is_read_there(
    serve: Serve, s3: Server, case: str, volume: Volume
) -> None:
    put_volume(s3, f"lab/{case}", volume)
    archive, asked = kept(volume, f"/lab/{case}/")
    host = serve(archive)
    for resolution, level in enumerate(volume.levels):
        found = told(host, resolution)
        assert (found["dtype"], found["chunk_zyx"]) == (level.dtype.name, [4, 16, 16])
        np.testing.assert_array_equal(whole(host, resolution), level.array)
    assert not asked


@pytest.mark.s3
@pytest.mark.parametrize(
    ("case", "put", "why"),
    [
        ("missing", None, "there is no precomputed volume at"),
        ("dtype", {"dtype": "uint32"}, "its dtype is uint32, BossDB's uint64"),
        ("offset", {"offset": [1, 0, 0]}, r"its offset_zyx is \[0, 0, 1\], BossDB's \[0, 0, 0\]"),
        ("size", {"shape": (9, 45, 54)}, r"its shape_zyx is \[9, 45, 54\], BossDB's \[9, 45, 53\]"),
    ],
)
def test_a_bucket_that_does_not_agree_is_left_alone(
    serve: Serve, s3: Server, case: str, put: dict[str, Any] | None, why: str
) -> None:
    volume = pyramid(n_levels=1)
    path = f"lab/not-{case}"
    if put is not None:
        stored = pyramid(n_levels=1, shape_zyx=put.get("shape", SHAPE_ZYX))
        put_volume(s3, path, stored, **put)
    archive, asked = kept(volume, path)
    host = serve(archive)
    assert told(host)["chunk_zyx"] == [16, 512, 512]
    np.testing.assert_array_equal(whole(host), volume.levels[0].array)
    assert asked
    changed = telling(archive, x_start=-1, x_stop=52)
    with pytest.raises(Refused, match=f"negative coordinates. But .*{path}"):
        told(serve(changed))
    if case == "missing":
        with pytest.raises(Refused, match=f"which BossDB knows but does not serve.* But .*{why}"):
            told(serve(telling(archive, datatype="uint32")))


@pytest.mark.s3
def test_a_bucket_that_does_not_answer_is_waited_for_once(
    serve: Serve, s3: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some machines reach BossDB and no bucket."""
    monkeypatch.setattr(kvstores, "METADATA_LIMITS", kvstores.Limits(10, 0, "1s"))
    monkeypatch.setattr(s3, "answer", lambda method, path: "503 Slow Down")
    volume = pyramid(n_levels=1)
    host = serve(kept(volume, "lab/away")[0])
    before = len(s3.asked)
    told(host)
    waited = len(s3.asked)
    np.testing.assert_array_equal(whole(host), volume.levels[0].array)
    assert before < waited == len(s3.asked)
    with pytest.raises(Unreachable, match="holds uint32 .* But .* can't be reached"):
        told(serve(telling(kept(volume, "lab/away")[0], datatype="uint32")))


@pytest.mark.s3
def test_a_bucket_without_chunks_is_told_of(serve: Serve, s3: Server) -> None:
    volume = pyramid(n_levels=1)
    put_volume(s3, "lab/bare", volume)
    client = boto3.client("s3", endpoint_url=s3.url)
    for one in client.list_objects_v2(Bucket=BUCKET, Prefix="lab/bare/8")["Contents"]:
        client.delete_object(Bucket=BUCKET, Key=one["Key"])
    box = Box(0, 53, 0, 45, 0, 9)
    for archive, says in ((kept(volume, "lab/bare")[0], True), (app({URI: volume}), False)):
        asked: Counter[str] = Counter()
        host = serve(counting(archive, asked))
        bossdb._places.clear()
        told(host)
        note = bossdb.unwritten(URI, 0, host, "public", [box], None)
        assert asked.total() == 3
        assert bool(note) == says


@pytest.mark.s3
def test_chunks_that_the_bucket_says_are_compressed_are_read(serve: Serve, s3: Server) -> None:
    """As CloudVolume writes them to S3, and so most of BossDB's own bucket is."""
    volume = pyramid(n_levels=1)
    put_volume(s3, "lab/packed", volume)
    client = boto3.client("s3", endpoint_url=s3.url)
    for one in client.list_objects_v2(Bucket=BUCKET, Prefix="lab/packed/8")["Contents"]:
        where = {"Bucket": BUCKET, "Key": one["Key"]}
        packed = gzip.compress(client.get_object(**where)["Body"].read())
        client.put_object(**where, Body=packed, ContentEncoding="gzip")
    archive, asked = kept(volume, "lab/packed")
    np.testing.assert_array_equal(whole(serve(archive)), volume.levels[0].array)
    assert not asked


@pytest.mark.s3
def test_a_channel_is_the_same_wherever_it_is_read(serve: Serve, s3: Server) -> None:
    volume = pyramid()
    put_volume(s3, "lab/same", volume)

    def row(archive: ASGIApp) -> dict[str, Any]:
        metadata = told(serve(archive), 1)
        given = {"archive": "lab", "source": URI, "resolution": 1, "metadata": metadata}
        return channel_row(given)

    assert row(kept(volume, "lab/same")[0]) == row(app({URI: volume}))


@pytest.mark.s3
def test_a_run_over_a_channel_in_a_bucket_makes_what_is_right(s3: Server, tmp_path: Path) -> None:
    voxels, offset = lab.make_voxels((20, 40, 40), 3).astype("uint32"), (5, 10, 100)
    volume = Volume("annotation", (Level(voxels, offset, SIZE_NM_ZYX),))
    put_volume(s3, "lab/run", volume)
    archive, asked = kept(volume, "lab/run")
    here = lab.Lab(tmp_path / "lab", voxels, offset)
    with serving(archive) as here.host:
        here.run(source=URI, block_shape=[10, 20, 20], connectivity=26).ok()
        (request,) = here.status()["requests"]
        lab.check(here, request, lab.whole(voxels, 26, 0), offset)
    here.bossflow("db", "stop")
    assert request["source"] == URI and not asked


@pytest.mark.parametrize(
    ("name", "path"),
    [(None, "/p"), ("", "/p"), ("b", None), ("b", "//"), ("a/b", "p"), ("b", "../c"), (7, "p")],
)
def test_a_bucket_that_has_no_sensible_name_is_left_alone(
    serve: Serve, name: Any, path: Any
) -> None:
    volume = pyramid(n_levels=1)

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].endswith("/channel/neurons"):
            return await app({URI: volume})(scope, receive, send)
        answer = httpx.get(f"{plain}{scope['path']}").json()
        answer |= {"storage_type": "cloudvol", "bucket": name, "cv_path": path}
        return await JSONResponse(answer)(scope, receive, send)

    with serving(app({URI: volume})) as plain:
        np.testing.assert_array_equal(whole(serve(outer)), volume.levels[0].array)
