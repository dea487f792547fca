"""Metadata and voxels read from a real archive through real intern, and what goes wrong there."""

import asyncio
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import blosc
import numpy as np
import numpy.typing as npt
import pytest
from bossflow.archive_server.app import app, serving
from bossflow.archive_server.faults import misbehaving
from bossflow.archive_server.volumes import volume_of
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives import Refused, Unreachable, archive_of, bossdb
from voxels.archives.bossdb import answers, client, cutouts, frames, patience
from voxels.arrays import read_array
from voxels.boxes import Box

BIN = Path(__file__).parent.parent / "bin"
URI = "bossdb://lab/brain/neurons"
OFFSET_ZYX = (5, 500, 7)
SHAPE_ZYX = (30, 40, 540)
WHOLE = Box.of(OFFSET_ZYX, SHAPE_ZYX)
SMALL = Box(508, 520, 505, 520, 10, 20)  # across one cuboid border in each axis
TOKEN = "hush-0f7%a"

Fault = Callable[[Request], Any]
REAL_LIMITS = patience.METADATA_LIMITS, patience.VOXEL_LIMITS


def voxels_of(dtype: str) -> npt.NDArray[Any]:
    return np.random.default_rng(3).integers(
        0, np.iinfo(dtype).max, SHAPE_ZYX, dtype, endpoint=True
    )


VOXELS = voxels_of("uint64")


Serve = Callable[[ASGIApp], str]


@contextmanager
def at_one_address() -> Iterator[Serve]:
    """Serve one application after the other at one address, which starts up but once."""
    served: list[ASGIApp] = []

    async def latest(scope: Scope, receive: Receive, send: Send) -> None:
        await served[-1](scope, receive, send)

    with serving(latest) as address:

        def put(application: ASGIApp) -> str:
            served[:] = [application]
            return address

        yield put


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    with at_one_address() as put:
        yield put


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.Limits(
        connect=5, silence=10, answer=20, attempts=3, first_wait=0.01, longest_retry_after=5
    )
    monkeypatch.setattr(patience, "METADATA_LIMITS", limits)
    monkeypatch.setattr(patience, "VOXEL_LIMITS", limits)
    client.opened.cache_clear()
    bossdb._places.clear()
    client.silent.clear()
    answers.spent.clear()


def archive(
    voxels: npt.NDArray[Any] = VOXELS, token: str | None = None, faults: Fault | None = None
) -> ASGIApp:
    volume = volume_of(voxels, OFFSET_ZYX, (30.0, 4.0, 8.0))
    return app({URI: volume}, token, faults=faults)


@pytest.fixture
def host(serve: Serve) -> str:
    return serve(archive())


def telling(inner: ASGIApp, **changes: Any) -> ASGIApp:
    """An archive whose metadata say something else: changes by attribute, None removes it."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/cutout/" in scope["path"]:
            return await inner(scope, receive, send)
        body = b""

        async def keep(message: Any) -> None:
            nonlocal body
            body += message.get("body", b"")

        await inner(scope, receive, keep)
        told = json.loads(body)
        told |= {name: value for name, value in changes.items() if name in told}
        told = {name: value for name, value in told.items() if value is not None}
        return await JSONResponse(told)(scope, receive, send)

    return outer


def answering(response: Response) -> ASGIApp:
    """A server that has one answer to everything."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    return answer


def pull(host: str, box: Box = SMALL, verify: bool = False) -> npt.NDArray[Any]:
    return bossdb.read(URI, 0, host, "public", "uint64", box, verify)


def part_of(box: Box) -> npt.NDArray[Any]:
    return VOXELS[box.slices(OFFSET_ZYX)]


# What is right


def test_describe_tells_what_a_channel_is(host: str) -> None:
    assert archive_of(URI).describe(URI, 0, host, "public") == {
        "kind": "annotation",
        "dtype": "uint64",
        "shape_zyx": [30, 40, 540],
        "offset_zyx": [5, 500, 7],
        "voxel_size_nm_zyx": [30.0, 4.0, 8.0],
        "chunk_zyx": [16, 512, 512],
    }


@pytest.mark.parametrize(
    ("unit", "nanometers"),
    [("nanometers", 0.57), ("micrometers", 570), ("Millimeters", 570e3), ("centimeters", 570e4)],
)
def test_voxel_sizes_are_told_in_nanometers(serve: Serve, unit: str, nanometers: float) -> None:
    host = serve(telling(archive(), voxel_unit=unit, y_voxel_size=0.57))
    assert bossdb.describe(URI, 0, host, "public")["voxel_size_nm_zyx"][1] == nanometers


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64"])
@pytest.mark.parametrize("box", [WHOLE, SMALL, Box(511, 512, 512, 513, 15, 17)])
def test_a_box_is_read_as_it_is(serve: Serve, dtype: str, box: Box) -> None:
    voxels = voxels_of(dtype)
    host = serve(archive(voxels))
    found = bossdb.read(URI, 0, host, "public", dtype, box)
    assert found.dtype == dtype and found.flags.c_contiguous and found.flags.writeable
    np.testing.assert_array_equal(found, voxels[box.slices(OFFSET_ZYX)])


def test_zeros_are_read_as_zeros(serve: Serve) -> None:
    host = serve(archive(np.zeros(SHAPE_ZYX, "uint64")))
    assert not pull(host, WHOLE).any()


# Requests


@given(st.data())
def test_requests_tile_the_box_along_cuboid_borders(data: st.DataObject) -> None:
    sides = data.draw(st.tuples(*[st.integers(1, 1500)] * 3))
    corner = data.draw(st.tuples(*[st.integers(-600, 3000)] * 3))
    itemsize = data.draw(st.sampled_from([1, 2, 4, 8]))
    box = Box.of(corner, (min(sides[0], 200), *sides[1:]))
    parts = cutouts.requests_of(box, itemsize)
    assert sum(part.voxel_count for part in parts) == box.voxel_count
    assert len(set(parts)) == len(parts)
    for part in parts:
        assert box.contains(part)
        one_cuboid = part.shape_zyx[0] <= 16
        assert one_cuboid or part.voxel_count * itemsize <= cutouts.LARGEST_REQUEST_BYTES
        for corner_of_part, corner_of_box, side in zip(
            part.corner_zyx, box.corner_zyx, frames.CUBOID_ZYX, strict=True
        ):
            assert corner_of_part == corner_of_box or corner_of_part % side == 0


@pytest.mark.parametrize(
    ("box", "itemsize", "number"),
    [
        (Box(0, 512, 0, 512, 0, 512), 1, 8),
        (Box(0, 512, 0, 512, 0, 128), 8, 8),
        (Box(0, 128, 0, 128, 0, 128), 8, 4),
        (Box(0, 64, 0, 64, 0, 64), 1, 1),
    ],
)
def test_requests_are_neither_huge_nor_many(box: Box, itemsize: int, number: int) -> None:
    assert len(cutouts.requests_of(box, itemsize)) == number


def test_the_archive_is_asked_for_just_these_requests(serve: Serve) -> None:
    asked = []

    def note(request: Request) -> None:
        path = request.path_params
        asked.append(f"{path['x']}_{path['y']}_{path['z']}".replace(":", "-"))

    host = serve(archive(faults=note))
    pull(host, WHOLE)
    assert sorted(asked) == sorted(part.name for part in cutouts.requests_of(WHOLE, 8))


# Faults


def garbage(request: Request) -> Response:
    return HTMLResponse("<html>502 Bad Gateway</html>" * 50)


def too_small(request: Request) -> Response:
    return Response(blosc.compress(np.zeros(10, "uint8").tobytes(), 1))


def empty(request: Request) -> Response:
    return Response(b"")


def throttled(request: Request) -> Response:
    return Response(status_code=429, headers={"Retry-After": "1"})


def throttled_until(request: Request) -> Response:
    return Response(status_code=429, headers={"Retry-After": formatdate(time.time() + 2)})


def broken_off(request: Request) -> Response:
    return Response(b"short", headers={"Content-Length": "50000"})


def stalled(request: Request) -> Response:
    async def drops() -> AsyncIterator[bytes]:
        yield b"drop"
        await asyncio.sleep(1)

    return StreamingResponse(drops(), headers={"Content-Length": "50000"})


def bomb(request: Request) -> Response:
    return Response(BOMB)


BOMB = blosc.compress(bytes(2**26), 8)


FAULTS: list[tuple[Fault | str, str]] = [
    ("throttle", "status 429"),
    ("error", "status 500"),
    ("busy", "status 503"),
    ("system", "status 400"),
    ("silence", "no answer within 0.5 s"),
    ("reset", "can't be reached .*(connection broke|reset by peer)"),
    ("break", "can't be reached .*(connection broke|reset by peer)"),
    ("drip", "not whole after 0.8 s"),
    ("truncate", "damaged"),
    ("corrupt", "damaged"),
    ("dtype", "wrong size"),
    ("shape", "wrong size"),
    (garbage, "damaged"),
    (too_small, "wrong size"),
    (empty, "wrong size"),
    (bomb, "it claims to unpack to 67108864 bytes"),
    (stalled, "no answer within 0.5 s"),
]


def faulty(fault: Fault | str, lasting: bool = False) -> ASGIApp:
    """An archive with a fault the first time that each thing is asked for, or with each cutout."""
    if not isinstance(fault, str):
        return archive(faults=fault if lasting else once(fault))
    well, ill = archive(), misbehaving(archive(), {fault: 1 if lasting else [1]})

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await (well if lasting and "/cutout/" not in scope["path"] else ill)(scope, receive, send)

    return answer


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.Limits(connect=5, silence=0.5, answer=0.8, attempts=2, first_wait=0.01)
    monkeypatch.setattr(patience, "VOXEL_LIMITS", limits)


def once(fault: Fault) -> Fault:
    """Let a fault happen the first time that each box is asked for."""
    asked: Counter[str] = Counter()

    def faults(request: Request) -> Any:
        asked[request.url.path] += 1
        return fault(request) if asked[request.url.path] == 1 else None

    return faults


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_a_passing_fault_is_overcome(serve: Serve, fault: Fault | str, reason: str) -> None:
    host = serve(faulty(fault))
    np.testing.assert_array_equal(pull(host), part_of(SMALL))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("fault", "reason"), FAULTS)
def test_a_lasting_fault_is_one_sentence_that_names_the_box(
    serve: Serve, fault: Fault | str, reason: str
) -> None:
    host = serve(faulty(fault, lasting=True))
    with pytest.raises(Unreachable, match=reason) as caught:
        pull(host)
    sentence = str(caught.value)
    assert host in sentence and "\n" not in sentence
    assert any(part.name in sentence for part in cutouts.requests_of(SMALL, 8))


@pytest.mark.parametrize("fault", [throttled, throttled_until])
def test_retry_after_is_honoured(serve: Serve, fault: Fault) -> None:
    box = Box(20, 30, 501, 510, 6, 10)
    host = serve(archive(faults=once(fault)))
    started = time.monotonic()
    np.testing.assert_array_equal(pull(host, box), part_of(box))
    assert time.monotonic() - started >= 0.95


def test_an_archive_that_asks_for_too_long_a_wait_is_not_waited_for(serve: Serve) -> None:
    def closed(request: Request) -> Response:
        return Response(status_code=503, headers={"Retry-After": "3600"})

    host = serve(archive(faults=closed))
    with pytest.raises(Unreachable, match="status 503 and asks to come back in 3600 s"):
        pull(host)


def test_what_is_refused_is_not_asked_again(serve: Serve) -> None:
    asked: Counter[str] = Counter()

    def forbid(request: Request) -> Response:
        asked[request.url.path] += 1
        return Response(f"not for {request.headers['Authorization']}", status_code=403)

    host = serve(archive(faults=forbid))
    with pytest.raises(Refused) as caught:
        pull(host, Box(20, 30, 501, 510, 6, 10))
    assert "box 20-30_501-510_6-10 of bossdb://lab/brain/neurons" in str(caught.value)
    assert "set BOSSDB_TOKEN" in str(caught.value) and "public" not in str(caught.value)
    assert list(asked.values()) == [1]


def test_a_box_outside_the_channel_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="refuses box 0-10_0-10_0-10 of .*status 400"):
        pull(host, Box(0, 10, 0, 10, 0, 10))


def test_a_channel_of_another_dtype_is_refused(host: str) -> None:
    with pytest.raises(Refused, match="holds uint64, where uint16 was expected"):
        bossdb.read(URI, 0, host, "public", "uint16", SMALL)


def test_verify_overcomes_a_flipped_bit(serve: Serve) -> None:
    host = serve(faulty("flip"))
    assert np.count_nonzero(pull(host) != part_of(SMALL)) > 0
    host = serve(faulty("flip"))
    np.testing.assert_array_equal(pull(host, verify=True), part_of(SMALL))


def test_verify_gives_up_on_an_archive_that_never_says_the_same_twice(serve: Serve) -> None:
    host = serve(faulty("flip", lasting=True))
    with pytest.raises(Unreachable, match="box .* two reads differ"):
        pull(host, verify=True)


@pytest.mark.usefixtures("impatient")
def test_an_archive_that_hangs_is_asked_once_until_it_answers(serve: Serve) -> None:
    asked: Counter[str] = Counter()

    async def hang(request: Request) -> None:
        asked[request.url.path] += 1
        await asyncio.sleep(1)

    box = Box(20, 30, 501, 510, 6, 10)
    for attempts in (2, 3):
        with pytest.raises(Unreachable, match="no answer within 0.5 s"):
            pull(serve(archive(faults=hang)), box)
        assert list(asked.values()) == [attempts]
    np.testing.assert_array_equal(pull(serve(archive()), box), part_of(box))
    with pytest.raises(Unreachable, match="no answer within 0.5 s"):
        pull(serve(archive(faults=hang)), box)
    assert list(asked.values()) == [5]


def test_patience_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.VOXEL_LIMITS._replace(attempts=1000, patience=0.3)
    monkeypatch.setattr(patience, "VOXEL_LIMITS", limits)
    with pytest.raises(Unreachable, match="status 503"):
        pull(serve(faulty("busy", lasting=True)))


def test_what_hangs_is_given_up_in_minutes() -> None:
    """The last attempt begins when patience ends, at the latest, and after a last wait."""
    for limits in REAL_LIMITS:
        wait = max(limits.longest_wait + limits.first_wait, limits.longest_retry_after)
        assert limits.silence < limits.answer <= 300
        assert limits.patience + wait + limits.answer <= 20 * 60


# Mistakes, and archives that are not there


@pytest.mark.parametrize(
    "uri",
    [
        "bossdb://lab/brain",
        "bossdb://lab/brain/neurons/0",
        "bossdb://lab//neurons",
        "bossdb://lab/brain/neurons/",
        "bossdb://lab/../neurons",
        "bossdb://lab/brain/neu rons",
        "bossdb://lab/brain/neurons.v2",
        "bossdb://lab/brain/neurons?x=1",
        "s3://lab/brain/neurons",
        "neurons",
    ],
)
def test_a_malformed_uri_is_one_sentence(uri: str) -> None:
    with pytest.raises(Refused, match="write bossdb://collection/experiment/channel") as caught:
        archive_of(uri).describe(uri, 0, "http://127.0.0.1:1", "public")
    assert repr(uri) in str(caught.value)


@pytest.mark.parametrize("host", ["localhost:8000", "", "ftp://a", "http://me:secret@a", "http://"])
def test_a_malformed_host_is_one_sentence(host: str) -> None:
    with pytest.raises(Refused, match="^bossdb_host .* is malformed: write http"):
        bossdb.describe(URI, 0, host, "public")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("https://api.bossdb.io", "api.bossdb.io"),
        ("https://API.bossdb.io:0443//", "api.bossdb.io"),
        ("http://api.bossdb.io.:80", "api.bossdb.io"),  # at its own port each scheme has the same
        ("https://api.bossdb.io:80", "api.bossdb.io:80"),
        ("http://Lab:8000/Mouse/", "lab:8000/Mouse"),
        ("http://lab/%7eme/./x/../a%2fb", "lab/~me/a%2Fb"),
        ("http://lab//a", "lab//a"),
        ("http://lab/a/..", "lab"),
        ("http://lab\\a", "lab/%5Ca"),
        ("https://[::A]:443/a", "[::a]/a"),
        ("http://[0:0::1]:8000", "[::1]:8000"),
        ("http://xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_an_archive_has_one_spelling(host: str, name: str) -> None:
    assert bossdb.archive_name(URI, host) == name


@pytest.mark.parametrize("host", ["http://lab:99999", "http://[::1", "http://[lab]", "http://."])
def test_an_address_that_leads_nowhere_has_none(host: str) -> None:
    with pytest.raises(Refused, match="^bossdb_host .* is malformed: write http"):
        bossdb.archive_name(URI, host)


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(
        r"([A-Za-z0-9-]{1,9}\.){0,2}[A-Za-z0-9]{1,9}\.?|\[[0-9A-F]{1,4}::\]", fullmatch=True
    ),
    st.sampled_from(["", ":", ":80", ":443", ":0443", ":8000"]),
    st.text(st.sampled_from("aZ~%2f7e/.:;\\[]"), max_size=12).map(lambda path: f"/{path}"),
)
def test_a_spelling_is_its_own(scheme: str, name: str, port: str, path: str) -> None:
    once = bossdb.archive_name(URI, f"{scheme}://{name}{port}{path}")
    assert bossdb.archive_name(URI, f"{scheme}://{once}") == once
    assert once == bossdb.archive_name(URI, f"{scheme}://{name.upper()}{port}{path}//")
    assert once.lower() == once or path.strip("/")


@pytest.mark.parametrize("name", ["lab/brain/glia", "lab/liver/neurons", "shop/brain/neurons"])
def test_a_channel_that_does_not_exist_is_one_sentence(host: str, name: str) -> None:
    with pytest.raises(Refused, match=f"^{host} has no bossdb://{name}$"):
        bossdb.describe(f"bossdb://{name}", 0, host, "public")
    with pytest.raises(Refused, match=f"^{host} has no bossdb://{name}$"):
        bossdb.read(f"bossdb://{name}", 0, host, "public", "uint64", SMALL)


@pytest.mark.parametrize(
    "change",
    [
        {"voxel_unit": "inches"},
        {"hierarchy_method": "octree"},
        {"hierarchy_method": "near_iso"},  # the pyramid under ?iso=true, which nobody asks for
        {"x_start": None},
        {"x_voxel_size": 0},
        {"z_stop": "deep"},
        {"type": "table"},
        {"datatype": "float32"},
        {"y_stop": 500},
        {"num_hierarchy_levels": None},
    ],
)
def test_metadata_that_make_no_sense_are_one_sentence(serve: Serve, change: dict[str, Any]) -> None:
    host = serve(telling(archive(), **change))
    with pytest.raises(Refused, match=URI):
        bossdb.describe(URI, 0, host, "public")


@pytest.mark.parametrize("token", [None, "wrong", "public"])
def test_a_refused_token_is_one_sentence_that_does_not_show_it(
    serve: Serve, token: str | None
) -> None:
    host = serve(archive(token=TOKEN))
    for call in (
        lambda: bossdb.describe(URI, 0, host, token or "public"),
        lambda: bossdb.read(URI, 0, host, token or "public", "uint64", SMALL),
    ):
        with pytest.raises(Refused, match="set BOSSDB_TOKEN to one that may read") as caught:
            call()
        assert "wrong" not in str(caught.value) and TOKEN not in str(caught.value)


def test_the_right_token_opens_the_archive(serve: Serve) -> None:
    host = serve(archive(token=TOKEN))
    assert bossdb.describe(URI, 0, host, TOKEN)["dtype"] == "uint64"
    found = bossdb.read(URI, 0, host, TOKEN, "uint64", SMALL)
    np.testing.assert_array_equal(found, part_of(SMALL))


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "schlüssel"])
def test_a_malformed_token_is_not_shown(host: str, token: str) -> None:
    for call in (
        lambda: bossdb.describe(URI, 0, host, token),
        lambda: bossdb.read(URI, 0, host, token, "uint64", SMALL),
    ):
        with pytest.raises(Refused, match="BOSSDB_TOKEN is malformed") as caught:
            call()
        assert not token or token not in str(caught.value)


def test_an_archive_that_is_not_there_is_one_sentence() -> None:
    nowhere = "http://127.0.0.1:1"
    with pytest.raises(Unreachable, match=f"^{nowhere} can't be reached for {URI}: conn.*refused$"):
        bossdb.describe(URI, 0, nowhere, "public")
    with pytest.raises(Unreachable, match=f"^{nowhere} can't be reached for {URI}"):
        pull(nowhere)
    with pytest.raises(Unreachable, match="^http://no.such.invalid can't be reached"):
        bossdb.describe(URI, 0, "http://no.such.invalid", "public")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(status_code=503), "status 503"),
        (HTMLResponse("<html>Welcome</html>"), "not the JSON"),
        (JSONResponse([1]), "not the JSON"),
        (broken_off(Request({"type": "http"})), "connection broke"),
    ],
)
def test_a_server_that_is_no_archive_is_one_sentence(
    serve: Serve, response: Response, reason: str
) -> None:
    host = serve(answering(response))
    with pytest.raises(Unreachable, match=reason) as caught:
        bossdb.describe(URI, 0, host, "public")
    assert URI in str(caught.value) and "Welcome" not in str(caught.value)


def test_a_silent_archive_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = patience.Limits(connect=5, silence=0.3, answer=1, attempts=2, first_wait=0.01)
    monkeypatch.setattr(patience, "METADATA_LIMITS", limits)

    async def silence(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(1)

    host = serve(silence)
    with pytest.raises(Unreachable, match="no answer within 0.3 s"):
        bossdb.describe(URI, 0, host, "public")


# The home, and the program


def test_what_lies_in_the_home_changes_nothing_and_nothing_is_left_there(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".intern").mkdir(parents=True)
    (home / ".intern" / "intern.cfg").write_text(
        "[Default]\nprotocol = http\nhost = 127.0.0.1:1\ntoken = theirs\n"
    )
    (home / ".netrc").write_text("machine 127.0.0.1 login me password theirs\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("NETRC", raising=False)
    for name, value in {"PROTOCOL": "http", "HOST": "127.0.0.1:1", "TOKEN": "theirs"}.items():
        monkeypatch.setenv(f"INTERN_{name}", value)
    before = sorted(home.rglob("*"))
    host = serve(archive(token=TOKEN))
    assert bossdb.describe(URI, 0, host, TOKEN)["kind"] == "annotation"
    bossdb.read(URI, 0, host, TOKEN, "uint64", SMALL)
    assert sorted(home.rglob("*")) == before


def pull_block(tmp_path: Path, host: str, token: str) -> tuple[dict[str, Any], str]:
    """Run the program on one block; return its receipt and what it printed."""
    unit = {
        "unit_id": "a1" * 16,
        "process": "PULL_BLOCK",
        "key": {"channel_id": "c" * 16, "block": SMALL.name},
        "arguments": {
            "uri": URI,
            "resolution": 0,
            "dtype": "uint64",
            "box": SMALL.name,
        },
        "settings": {"host": host, "verify": True, "metadata": {"dtype": "uint64"}},
        "inputs": [],
    }
    header = {
        "process": "PULL_BLOCK",
        "run_id": "r",
        "store": str(tmp_path / "store"),
        "code": "c",
    }
    task = tmp_path / "task.jsonl"
    task.write_text(json.dumps(header) + "\n" + json.dumps(unit) + "\n")
    done = subprocess.run(
        [sys.executable, BIN / "pull_block.py", task],
        cwd=tmp_path,
        env={"BOSSDB_TOKEN": token, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    receipt = json.loads((tmp_path / "receipts.jsonl").read_text())
    return receipt, done.stdout + done.stderr + json.dumps(receipt)


def test_pull_block_leaves_the_voxels_and_their_digest(serve: Serve, tmp_path: Path) -> None:
    host = serve(archive(token=TOKEN))
    receipt, said = pull_block(tmp_path, host, f"{TOKEN}\n")
    assert receipt["state"] == "made", said
    directory = tmp_path / "store" / "PULL_BLOCK" / "a1" / ("a1" * 16)
    bundle = json.loads((directory / "bundle.json").read_text())
    assert bundle["attributes"] == {
        "voxels_sha256": hashlib.sha256(part_of(SMALL).tobytes()).hexdigest(),
    }
    np.testing.assert_array_equal(read_array(directory / "voxels.zarr"), part_of(SMALL))
    assert TOKEN not in said + (directory / "bundle.json").read_text()


def test_pull_block_says_why_it_failed_without_showing_the_token(
    serve: Serve, tmp_path: Path
) -> None:
    host = serve(archive(token=TOKEN))
    receipt, said = pull_block(tmp_path, host, "not-this-one")
    assert receipt["state"] == "failed"
    assert receipt["error"].startswith(f"{host} refuses the token for {URI}")
    assert "not-this-one" not in said and TOKEN not in said
