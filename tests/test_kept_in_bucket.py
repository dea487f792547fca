"""Channels of BossDB that are kept in a bucket: read there, or left alone."""

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import numpy as np
import pytest
import tensorstore as ts
from bossdb_server import Serve, telling
from bossflow.archive_server.app import app
from bossflow.archive_server.served import Level, Volume
from bossflow.archive_server.server import serving
from bossflow.volumes.channels import channel_row
from bucket import Server
from bucket import serving as serving_s3
from expected import check
from expected import whole as whole_labelled
from frames import SHAPE_ZYX, SIZE_NM_ZYX, URI, counting, pyramid, told, whole
from frames import quick as quick
from frames import serve as serve
from lab import Lab, make_voxels
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives import Refused, Unreachable, bossdb
from voxels.archives.places import kvstores
from voxels.boxes import Box

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
    voxels, offset = make_voxels((20, 40, 40), 3).astype("uint32"), (5, 10, 100)
    volume = Volume("annotation", (Level(voxels, offset, SIZE_NM_ZYX),))
    put_volume(s3, "lab/run", volume)
    archive, asked = kept(volume, "lab/run")
    here = Lab(tmp_path / "lab", voxels, offset)
    with serving(archive) as here.host:
        here.run(source=URI, block_shape=[10, 20, 20], connectivity=26).ok()
        (request,) = here.status()["requests"]
        check(here, request, whole_labelled(voxels, 26, 0), offset)
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
