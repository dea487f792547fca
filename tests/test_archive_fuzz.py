"""The archive server against whatever a client may send: it refuses, and goes on serving."""

import hmac
from types import SimpleNamespace
from urllib.parse import quote

import blosc
import httpx
import numpy as np
import pytest
from bossflow.archive_server import app as archive
from conftest import COUNTS, examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw import CELLS, GOOD, RIGHT, VOXELS, WRONG, Served, check, exchange, request, statuses
from raw import served as served

pytestmark = pytest.mark.faults


# ---- any request ----

NASTY = [
    "..", ".", "", "%2e%2e", "..%2f..", "\0", "\u202e", "'; --", "$(id)", "-1", "9" * 400, "/etc"
]  # fmt: skip
ANYTHING = st.one_of(st.text(max_size=20), st.sampled_from(NASTY))
NUMBER = st.one_of(
    st.integers(-3, 13), st.sampled_from([2**31, -(2**31), 2**63, 10**15, 10**14, -(10**16)])
)
RANGE = st.one_of(
    st.lists(st.integers(0, 9), min_size=2, max_size=2, unique=True).map(sorted),
    st.tuples(NUMBER, NUMBER),
).map(lambda ends: f"{ends[0]}:{ends[1]}")
USUAL = [
    ["v1", "cutout", "lab", "mouse", "cells", "0", None, None, None],
    ["v1", "collection", "lab", "experiment", "mouse", "channel", "cells"],
    ["v1", "collection", "lab", "experiment"],
    ["v1", "coord", "lab.mouse"],
]


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A path that the archive has, often with a segment that it has not."""
    parts = [part or draw(RANGE) for part in draw(st.sampled_from([*USUAL[:1] * 3, *USUAL]))]
    if draw(st.booleans()):
        parts[draw(st.integers(0, len(parts) - 1))] = draw(ANYTHING)
    if draw(st.integers(0, 9)) == 0:
        parts = draw(st.lists(ANYTHING, max_size=12))
    return "/" + "/".join(quote(part, safe="") for part in parts)


METHODS = st.sampled_from(["GET"] * 5 + ["POST"] * 3 + ["PUT", "DELETE", "HEAD", "OPTIONS", "X"])
HEADERS = st.tuples(
    st.sampled_from(
        ["Host", "Accept", "Range", "Content-Type", "X-Forwarded-For", "Content-Encoding",
         "Upgrade", "Connection", "Expect", "Cookie", "Transfer-Encoding", "Content-Length", "Te"]
    ),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"[", b"a:b:c", b"../..", b"chunked", b"-1", b"9" * 30, b"websocket", b"upgrade",
             b"100-continue", b"bytes=0-1,5-", b"gzip", b"application/blosc", b"a" * 20000]
        ),
    ),
)  # fmt: skip

TOKENS = st.one_of(
    st.just(RIGHT), st.just(RIGHT), st.just(RIGHT), st.binary(max_size=30), st.sampled_from(WRONG)
)
QUERIES = st.one_of(st.just(""), st.text(max_size=20).map(lambda query: "?" + quote(query)))


@settings(max_examples=examples(500), suppress_health_check=list(HealthCheck))
@given(
    method=METHODS,
    path=paths(),
    query=QUERIES,
    token=TOKENS,
    headers=st.lists(HEADERS, max_size=1),
    body=st.one_of(st.just(b""), st.binary(max_size=300)),
)
def test_no_request_is_more_than_refused(
    served: Served,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    query: str,
    token: bytes,
    headers: list[tuple[str, bytes]],
    body: bytes,
) -> None:
    lines = [f"{name}: ".encode() + value for name, value in headers]
    answers = exchange(served, request(method, path + query, token, *lines, body=body))
    found = check(answers, caplog)
    COUNTS["hostile HTTP requests"] += 1
    if token.strip(b" \t") != RIGHT:
        assert not {200, 201} & set(found)
    np.testing.assert_array_equal(served.array, VOXELS)


@settings(max_examples=examples(150), suppress_health_check=list(HealthCheck))
@given(sent=st.one_of(st.binary(max_size=600), st.lists(st.binary(max_size=60)).map(b"\r\n".join)))
def test_no_bytes_are_more_than_refused(
    served: Served, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    COUNTS["hostile HTTP requests"] += 1
    check(exchange(served, sent, ended=True), caplog)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("GET", "/v1/collection///", RIGHT, b"Host: evil.example"), 404),
        (request("GET", "/v1/collection", RIGHT, b"X: " + b"a" * 60_000), 431),
        (request("GET", "/v1/collection", RIGHT, b"X: " + b"a" * 2**20), 400),
        (request("GET", "/v1/collection?" + "a" * 17_000, RIGHT), 431),
        (request("GET", "/v1/collection", RIGHT, b"X: a\r\n" * 40_000), 400),
        (request("GET", "/v1/" + "a" * 2**20, RIGHT), 400),
        (request("GET", "/v1/collection", b"Token h\xfcsh"), 401),
        (request("GET", "/v1/../../secret", RIGHT), 404),
        (request("GET", "/v1/collection/..%2f..%2fsecret", RIGHT), 404),
        (request("GET", GOOD.replace("0:11", "0:9999999"), RIGHT), 400),
        (request("POST", CELLS, RIGHT, b"Content-Length: " + b"9" * 20), 408),
        (request("POST", CELLS, RIGHT, b"Content-Length: 100"), 408),
        (request("POST", CELLS, RIGHT, b"Transfer-Encoding: chunked") + b"fffffff\r\na", 408),
        (request("POST", CELLS, b"Token public", body=b"a" * 2**22), 403),
        (request("POST", CELLS, RIGHT, body=b"a" * 2**22), 413),
        (request("GET", CELLS, RIGHT, body=b"a" * 2**22), 200),
    ],
)
def test_a_known_trick_is_refused(
    served: Served, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    answers = exchange(served, sent)
    found = check(answers, caplog)
    assert found in ([status], [])  # nothing, where it closed while much was still sent
    assert b"evil" not in answers
    np.testing.assert_array_equal(served.array, VOXELS)


def test_a_token_is_compared_in_constant_time(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(archive, "hmac", SimpleNamespace(compare_digest=spy))
    for token in WRONG:
        status = 403 if token in (b"", b"Token public") else 401  # none, or none of ours
        assert statuses(exchange(served, request("GET", GOOD, token))) == [status]
    assert [one for one, _ in compared] == WRONG
    assert {other for _, other in compared} == {RIGHT}


# ---- any body ----


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Blosc of eight voxels with something wrong, mostly."""
    voxels = draw(st.binary(min_size=64, max_size=64))
    level = draw(st.sampled_from([0, 5]))
    packed = bytearray(blosc.compress(voxels, 8, clevel=level, cname=draw(st.sampled_from(CODECS))))
    for _ in range(draw(st.integers(0, 3))):
        packed[draw(st.integers(0, len(packed) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):  # the sizes that it tells: of voxels, of a block, of itself
        place = 4 * draw(st.integers(1, 3))
        packed[place : place + 4] = draw(st.integers(0, 2**32 - 1)).to_bytes(4, "little")
    return bytes(packed[: draw(st.integers(0, len(packed)))] if draw(st.booleans()) else packed)


CODECS = ["lz4", "blosclz", "zlib", "zstd"]


@settings(max_examples=examples(250), suppress_health_check=list(HealthCheck))
@given(body=bodies())
def test_a_body_is_written_whole_or_refused(
    served: Served, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    found = check(exchange(served, request("POST", CELLS, RIGHT, body=body)), caplog)
    COUNTS["hostile HTTP requests"] += 1
    expected = VOXELS.copy()
    if found == [201]:
        written = np.frombuffer(blosc.decompress(body), "<u8")
        expected[:2, :2, :2] = written.reshape(2, 2, 2)
    np.testing.assert_array_equal(served.array, expected)
    served.array[:2, :2, :2] = VOXELS[:2, :2, :2]


def test_a_body_that_claims_to_be_much_is_not_unpacked(served: Served) -> None:
    bomb = bytearray(blosc.compress(bytes(64), 8))
    for claimed in (2**30, 2**31 - 17, 2**32 - 1, 63, 65, 0):
        bomb[4:8] = claimed.to_bytes(4, "little")
        answers = exchange(served, request("POST", CELLS, RIGHT, body=bytes(bomb)))
        assert statuses(answers) == [400] and b"the body is not blosc of 64 bytes" in answers


def test_a_body_that_breaks_off_is_no_failure(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        sent = request("POST", CELLS, RIGHT, b"Content-Length: 70") + b"much"
        check(exchange(served, sent, ended=True), caplog)
    check(exchange(served, request("GET", CELLS, RIGHT)), caplog)


def test_it_still_serves(served: Served) -> None:
    reply = httpx.get(
        f"http://{served.host}:{served.port}{GOOD}",
        headers={"Authorization": RIGHT.decode()},
        timeout=60,
    )
    assert blosc.decompress(reply.content) == VOXELS.tobytes()
