"""The embedded database: started when needed, by whoever comes first, and mended."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import warm
from conftest import ROOT

COMMAND = "from bossflow.cli import main; main()"


class Home:
    """A BOSSFLOW_HOME of its own, used by `bossflow` commands."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "BOSSFLOW_HOME": str(self.path),
            "PYTHONPATH": str(ROOT / "schema"),
            "PYTHONWARNINGS": "ignore",
        }

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def bossflow(self, *arguments: str) -> tuple[int, str]:
        done = warm.run("-c", COMMAND, *arguments, cwd=self.path.parent, env=self.environment)
        return done.returncode, done.stdout + done.stderr

    @property
    def pid(self) -> int:
        return int((self.path / "database" / "postmaster.pid").read_text().splitlines()[0])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    (home.path / "database.host").unlink(missing_ok=True)
    home.bossflow("db", "stop")


def test_it_starts_when_needed_and_stops(home: Home) -> None:
    assert home.bossflow("status")[0] == 0
    code, text = home.bossflow("db", "status")
    assert code == 0
    assert f"pid       {home.pid}" in text
    assert home.bossflow("db", "stop") == (0, "stopped\n")
    assert home.bossflow("db", "stop") == (0, "no embedded database runs\n")
    assert home.bossflow("db", "start")[0] == 0


def test_several_may_start_and_deploy_it_at_once(home: Home) -> None:
    started = [home.start("status", "--json") for _ in range(4)]
    ended = [(*process.communicate(), process.returncode) for process in started]
    assert [code for _, _, code in ended] == [0] * 4, ended


def test_another_hosts_home_is_refused(home: Home) -> None:
    home.bossflow("db", "start")
    host = home.path / "database.host"
    own = host.read_text()
    host.write_text("elsewhere\n")
    code, text = home.bossflow("status")
    host.write_text(own)
    assert code == 1
    assert "is used by the embedded database of host elsewhere" in text
    assert len(text.strip().splitlines()) == 1


def test_a_killed_server_is_started_again(home: Home) -> None:
    home.bossflow("status")
    os.kill(home.pid, signal.SIGKILL)
    time.sleep(0.5)
    assert home.bossflow("status")[0] == 0


def test_the_first_start_may_be_killed_at_any_point(home: Home) -> None:
    """While initdb works, and between it and the server."""
    for files in ("database*/PG_VERSION", "database*/pg_xact/0000", "database/PG_VERSION"):
        first = home.start("status")
        while not list(home.path.glob(files)):
            assert first.poll() is None
            time.sleep(0.01)
        for process in [psutil.Process(first.pid), *psutil.Process(first.pid).children(True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        first.communicate()
        if (home.path / "database").exists():
            break
    code, text = home.bossflow("status")
    assert code == 0, text
    assert not list(home.path.glob("database-new-*"))


def test_a_dead_servers_number_may_be_another_process_by_now(home: Home) -> None:
    home.bossflow("status")
    old = home.pid
    os.kill(old, signal.SIGKILL)
    time.sleep(0.5)
    file = home.path / "database" / "postmaster.pid"
    file.write_text(file.read_text().replace(str(old), str(os.getpid()), 1))
    assert home.bossflow("status")[0] == 0
    assert home.pid not in (old, os.getpid())


def test_a_home_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    code, text = Home(tmp_path / "home").bossflow("status")
    assert code == 1
    assert text.startswith(f"Error: BOSSFLOW_HOME {tmp_path / 'home'} can't be made")
