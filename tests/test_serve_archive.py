"""`bossflow serve-archive`, the command."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from archive_server import URI, answer, pattern, zarr_array
from bossflow.archive_server.command import serve_archive
from click.testing import CliRunner
from intern import array


@contextlib.contextmanager
def command(*arguments: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run serve-archive as a program of its own."""
    paths = [path for path in sys.path if path.endswith("schema")]
    program = "from bossflow.archive_server.command import serve_archive; serve_archive()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | env,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_command_serves_until_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, em = pattern((5, 6, 7)), pattern((5, 6, 7), "uint8")
    np.save(tmp_path / "cells.npy", cells)
    zarr_array(tmp_path / "em.zarr", 3, em)
    ready = tmp_path / "ready.json"
    with command(
        "--volume", str(tmp_path / "cells.npy"), "--uri", URI,
        "--volume", str(tmp_path / "em.zarr"), "--uri", "bossdb://lab/mouse/em",
        "--voxel-size-nm", "8,8,40", "--port", "0", "--ready-file", str(ready),
        env={"BOSSFLOW_ARCHIVE_TOKEN": "s3cret"},
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 120
        while not ready.exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        told = json.loads(ready.read_text())
        assert told["channels"] == [URI, "bossdb://lab/mouse/em"]
        assert answer(told["host"], "collection").status_code == 403
        monkeypatch.setenv("HOME", str(tmp_path))  # no ~/.intern/intern.cfg
        monkeypatch.setenv("INTERN_PROTOCOL", "http")
        monkeypatch.setenv("INTERN_HOST", told["host"].removeprefix("http://"))
        monkeypatch.setenv("INTERN_TOKEN", "s3cret")
        np.testing.assert_array_equal(array(URI)[0:5, 0:6, 0:7], cells)
        np.testing.assert_array_equal(array("bossdb://lab/mouse/em")[0:5, 0:6, 0:7], em)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert not ready.exists()
    assert printed == (
        f"{told['host']} serves whoever has the token: "
        f"{URI} (annotation uint64 0-7_0-6_0-5, voxels of 8,8,40 nm), "
        "bossdb://lab/mouse/em (image uint8 0-7_0-6_0-5, voxels of 8,8,40 nm)\n"
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to serve"),
        (["--volume", "a.npy"], "give each --volume a --uri of its own"),
        (["--volume", "no.npy", "--uri", URI], "'no.npy' does not exist"),
        (
            ["--volume", "a.npy", "--uri", "bossdb://a/b", "--voxel-size-nm", "8,8,30"],
            "'bossdb://a/b' is no channel",
        ),
        (
            ["--volume", "a.npy", "--uri", URI],
            "it states no voxel size: give --voxel-size-nm x,y,z",
        ),
        (["--volume", "b.npy", "--uri", URI], "b.npy can't be served as a volume"),
        (["--volume", "a.npy", "--uri", URI, "--voxel-size-nm", "8,8"], "'8,8' is no voxel size"),
        (["--volume", "a.npy", "--uri", URI, "--voxel-size-nm", "8,8,0"], "is no voxel size"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", pattern((2, 3, 4)))
    Path("b.npy").write_text("no array")
    result = CliRunner().invoke(serve_archive, arguments)
    assert result.exit_code != 0
    assert says in result.output
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", pattern((2, 3, 4)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(
            serve_archive,
            ["--volume", str(tmp_path / "a.npy"), "--uri", URI, "--port", port]
            + ["--voxel-size-nm", "8,8,30"],
        )
    assert result.exit_code == 1
    assert f"can't serve on 127.0.0.1 port {port}: " in result.output
