"""Where the answers of BossDB are not what one would think.

Expected numbers are those of the Boss's own code, as in test_frames.py.
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from bossdb_server import Serve
from bossflow.archive_server.app import app
from bossflow.archive_server.cutouts import MAX_MIB
from bossflow.archive_server.faults import misbehaving
from bossflow.archive_server.served import Level, Volume
from frames import PATH, SHAPE_ZYX, SIZE_NM_ZYX, URI, counting, cutout, get, pyramid, told, whole
from frames import quick as quick
from frames import serve as serve
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives import Refused, Unreachable, bossdb
from voxels.boxes import Box


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
