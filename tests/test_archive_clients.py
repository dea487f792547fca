"""The archive server and many clients, and slow ones: they take no memory, and nobody waits."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from bossflow.archive_server import app as archive
from bossflow.archive_server import cutouts
from bossflow.archive_server.served import volume_of
from bossflow.archive_server.server import serving
from raw import CELLS, URI, VOXELS, Served, asked, exchange, request, statuses

pytestmark = pytest.mark.faults


def test_clients_that_take_nothing_take_no_memory(tmp_path: Path) -> None:
    """The command by itself: it listens on this machine only, too."""
    side = 8 * 2**20 // 8 // 64 // 64
    random = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", random.integers(0, 2**64, (64, 64, side), "uint64"))
    ready = tmp_path / "ready.json"
    program = "from bossflow.archive_server.command import serve_archive; serve_archive()"
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
    monkeypatch.setattr(cutouts, "_PATIENCE", 0.5)
    voxels = np.random.default_rng(0).integers(0, 2**64, (64, 128, 512), "uint64")
    app = archive.app({URI: volume_of(voxels)}, None, True, max_mib=32)
    with serving(app) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        there = Served(host, int(port), voxels)
        whole = "/v1/cutout/lab/mouse/cells/0/0:512/0:128/0:64/"
        with asked(there, whole), asked(there, whole):
            assert statuses(exchange(there, request("GET", CELLS, b""))) == [200]
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(request("POST", CELLS, b"", b"Content-Length: 50") + b"a")
            assert statuses(slow.recv(2**16)) == [408]
