"""What goes wrong at an archive while it is read: what passes is overcome, what lasts is told."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from email.utils import formatdate
from typing import Any

import blosc
import numpy as np
import pytest
from bossdb_server import REAL_LIMITS, SMALL, URI, Fault, Serve, archive, part_of, pull
from bossdb_server import host as host
from bossdb_server import quick as quick
from bossdb_server import serve as serve
from bossflow.archive_server.faults import misbehaving
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from voxels.archives import Refused, Unreachable, bossdb
from voxels.archives.bossdb import cutouts, patience
from voxels.boxes import Box


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
