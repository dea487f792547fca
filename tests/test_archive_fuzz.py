"""The archive server against whatever a client may send: it refuses, and goes on serving."""

import contextlib
import hmac
import json
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple
from urllib.parse import quote

import blosc
import httpx
import numpy as np
import psutil
import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server.volumes import open_volume, volume_of
from conftest import COUNTS, examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.faults

URI = "bossdb://lab/mouse/cells"
TOKEN = "hush-0f7"
SECRET = b"what lies beside the volume"
SHAPE = (9, 10, 11)
VOXELS = np.random.default_rng(1).integers(0, 2**64, SHAPE, "uint64", endpoint=False)
GOOD = "/v1/cutout/lab/mouse/cells/0/0:11/0:10/0:9/"
REFUSED = (400, 401, 403, 404, 405, 408, 413, 431)


class Served(NamedTuple):
    """Where the archive is, and the voxels on its disk."""

    host: str
    port: int
    array: np.ndarray


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A writable volume with a secret beside it, behind a token and without much patience."""
    directory = tmp_path_factory.mktemp("volumes")
    (directory / "secret").write_bytes(SECRET)
    np.save(directory / "cells.npy", VOXELS)
    volume = open_volume(directory / "cells.npy", (30.0, 8.0, 8.0), writable=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        archive.serving(archive.app({URI: volume}, TOKEN, True, max_mib=1)) as address,
    ):
        patch.setattr(archive, "_PATIENCE", 0.5)
        host, _, port = address.removeprefix("http://").rpartition(":")
        yield Served(host, int(port), volume.levels[0].array)


def exchange(served: Served, sent: bytes, ended: bool = False) -> bytes:
    """Send bytes as they are, and return all that is answered until the connection ends."""
    received = bytearray()
    with (
        socket.create_connection((served.host, served.port), timeout=20) as connection,
        contextlib.suppress(ConnectionResetError, BrokenPipeError),  # it had enough
    ):
        connection.sendall(sent)
        if ended:
            connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(2**16):
            received += piece
    return bytes(received)


def statuses(received: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]


def check(received: bytes, logged: pytest.LogCaptureFixture) -> list[int]:
    """No secret, no traceback, no failure of the server's own."""
    found = statuses(received)
    assert all(code in (100, 200, 201, *REFUSED) for code in found), received[:500]
    assert SECRET not in received and b"Traceback" not in received
    assert not [record for record in logged.records if record.levelno >= logging.ERROR]
    return found


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
RIGHT = f"Token {TOKEN}".encode()
WRONG = [b"", b"Token", b"Token public", RIGHT.lower(), RIGHT + b"7", RIGHT[:-1], b"Token h\xfcsh"]
TOKENS = st.one_of(
    st.just(RIGHT), st.just(RIGHT), st.just(RIGHT), st.binary(max_size=30), st.sampled_from(WRONG)
)
QUERIES = st.one_of(st.just(""), st.text(max_size=20).map(lambda query: "?" + quote(query)))


def request(method: str, path: str, token: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Authorization: " + token, *headers]
    if not any(header.startswith(b"Host:") for header in headers):
        lines.append(b"Host: archive")
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


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


CELLS = "/v1/cutout/lab/mouse/cells/0/0:2/0:2/0:2/"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request("GET", "/v1/collection///", RIGHT, b"Host: evil.example"), 404),
        (request("GET", "/v1/collection", RIGHT, b"X: " + b"a" * 100_000), 431),
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
        timeout=20,
    )
    assert blosc.decompress(reply.content) == VOXELS.tobytes()


# ---- many clients, and slow ones ----


def asked(served: Served, path: str) -> socket.socket:
    """A client that asks and takes nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((served.host, served.port))
    client.sendall(request("GET", path, RIGHT))
    return client


def test_clients_that_take_nothing_take_no_memory(tmp_path: Path) -> None:
    """The command by itself: it listens on this machine only, too."""
    side = 8 * 2**20 // 8 // 64 // 64
    random = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", random.integers(0, 2**64, (64, 64, side), "uint64"))
    ready = tmp_path / "ready.json"
    program = "from bossflow.archive_server.app import serve_archive; serve_archive()"
    arguments = ["--volume", tmp_path / "a.npy", "--uri", URI, "--ready-file", ready]
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            program,
            *map(str, arguments),
            "--max-cutout-mib",
            "8",
            "--voxel-size-nm",
            "8,8,30",
        ],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(process.wait)
        cleanup.callback(process.kill)
        while not ready.exists():
            assert process.poll() is None
            time.sleep(0.02)
        host, _, port = json.loads(ready.read_text())["host"].removeprefix("http://").partition(":")
        archive_there = Served(host, int(port), VOXELS)
        (listening,) = psutil.Process(process.pid).net_connections()
        assert listening.laddr.ip == "127.0.0.1"
        whole = f"/v1/cutout/lab/mouse/cells/0/0:{side}/0:64/0:64/"
        before = psutil.Process(process.pid).memory_info().rss
        clients = [asked(archive_there, whole) for _ in range(30)]
        time.sleep(2)
        assert psutil.Process(process.pid).memory_info().rss - before < 100 * 2**20  # not 480
        small = request("GET", "/v1/cutout/lab/mouse/cells/0/0:9/0:9/0:9/", b"")
        for client in clients:
            client.close()
        assert statuses(exchange(archive_there, small)) == [200]


def test_a_client_that_is_slow_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archive, "_PATIENCE", 0.5)
    voxels = np.random.default_rng(0).integers(0, 2**64, (64, 128, 512), "uint64")
    app = archive.app({URI: volume_of(voxels)}, None, True, max_mib=32)
    with archive.serving(app) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        there = Served(host, int(port), voxels)
        whole = "/v1/cutout/lab/mouse/cells/0/0:512/0:128/0:64/"
        with asked(there, whole), asked(there, whole):
            assert statuses(exchange(there, request("GET", CELLS, b""))) == [200]
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(request("POST", CELLS, b"", b"Content-Length: 50") + b"a")
            assert statuses(slow.recv(2**16)) == [408]
