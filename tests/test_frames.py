"""Where BossDB is not what one would think: the archive is so too, and what reads it knows.

Expected numbers are those of the Boss's own code (jhuapl-boss/boss and spdb), written out here.
"""

import math
from dataclasses import replace
from typing import Any

import blosc
import httpx
import numpy as np
import pytest
from bossdb_server import Serve, telling
from bossflow.archive_server.app import app
from frames import PATH, SHAPE_ZYX, SIZE_NM_ZYX, STATUSES, URI, cutout, get, pyramid, told, whole
from frames import quick as quick
from frames import serve as serve
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from voxels.archives import Refused

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
        shifts = [(1 - n / m) / 2 for n, m in zip(sizes[0], sizes[resolution], strict=True)][::-1]
        assert told(host, resolution).get("middle_zyx", [0.0] * 3) == shifts
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
