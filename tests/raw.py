"""The archive server, sent anything, request by request, and what it may answer."""

import contextlib
import logging
import re
import socket
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server import cutouts
from bossflow.archive_server.served import open_volume
from bossflow.archive_server.server import serving

URI = "bossdb://lab/mouse/cells"
TOKEN = "hush-0f7"
SECRET = b"what lies beside the volume"
SHAPE = (9, 10, 11)
VOXELS = np.random.default_rng(1).integers(0, 2**64, SHAPE, "uint64", endpoint=False)
CELLS = "/v1/cutout/lab/mouse/cells/0/0:2/0:2/0:2/"
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
        serving(archive.app({URI: volume}, TOKEN, True, max_mib=1)) as address,
    ):
        patch.setattr(cutouts, "_PATIENCE", 0.5)
        host, _, port = address.removeprefix("http://").rpartition(":")
        yield Served(host, int(port), volume.levels[0].array)


def exchange(served: Served, sent: bytes, ended: bool = False) -> bytes:
    """Send bytes as they are, and return all that is answered until the connection ends."""
    received = bytearray()
    with (
        socket.create_connection((served.host, served.port), timeout=60) as connection,
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

RIGHT = f"Token {TOKEN}".encode()
WRONG = [b"", b"Token", b"Token public", RIGHT.lower(), RIGHT + b"7", RIGHT[:-1], b"Token h\xfcsh"]


def request(method: str, path: str, token: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Authorization: " + token, *headers]
    if not any(header.startswith(b"Host:") for header in headers):
        lines.append(b"Host: archive")
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"Connection: close", b"", body])


# ---- many clients, and slow ones ----


def asked(served: Served, path: str) -> socket.socket:
    """A client that asks and takes nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((served.host, served.port))
    client.sendall(request("GET", path, RIGHT))
    return client
