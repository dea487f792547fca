"""A clone that is set up with Docker, its MySQL, and the images of its source."""

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import said, tool
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
USER = 4711  # has no entry in /etc/passwd, as in most containers
TOKEN = secrets.token_hex(20)  # not in this file, of which a git URL brings a copy
CUTOUT = ["--x_range", "0,100", "--y_range", "0,100", "--z_range", "0,60"]


def run(*command: object, cwd: Path | None = None, **more: str) -> str:
    """Return what a command says; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        # Compose takes the environment's before that of .env; this one is another server's.
        env={name: value for name, value in os.environ.items() if name != "MYSQL_PORT"} | more,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Watched:
    """What anybody who may ask the engine or `ps` sees while something runs."""

    def __init__(self) -> None:
        self.inspected, self.processes = "", ""
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.3):
            ids = said("docker", "ps", "--quiet").split()
            inspect = ["docker", "inspect", *ids]
            if ids:  # one that ended meanwhile is no failure
                self.inspected += subprocess.run(inspect, capture_output=True, text=True).stdout
            self.processes += said("ps", "axww", "-o", "args")


class Team(NamedTuple):
    """A clone after `./set-up.sh --docker --demo`, and what was seen meanwhile."""

    clone: Path
    environment: dict[str, str]
    said: str
    seen: Watched

    def run(self, *command: object) -> str:
        return run(*command, cwd=self.clone, **self.environment)

    def components(self) -> str:
        listed = (self.clone / "results/requests.csv").read_text().splitlines()
        request = listed[1].partition(",")[0]
        return self.run(".venv/bin/bossflow", "components", request, "--format", "csv")

    @property
    def passwords(self) -> list[str]:
        root = (self.clone / ".env").read_text().partition("MYSQL_ROOT_PASSWORD=")[2]
        user = (self.clone / ".secrets/database.password").read_text()
        return [root.split()[0], user.strip()]


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """Return a directory that users of this machine may reach."""
    path = Path(tempfile.mkdtemp(prefix="bossflow-docker-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def clone(place: Path) -> Path:
    """Return a clone of what is here, in which the slow steps of set-up.sh are done."""
    for name in ("docker", "nextflow", "git"):
        tool(name)
    path = place / "clone"
    listed = said("git", "ls-files", "--cached", "--others", "--exclude-standard")
    for name in listed.splitlines():  # links to directories too
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, path / name, follow_symlinks=False)
    git = ("git", "-C", path, "-c", "user.name=test", "-c", "user.email=test@localhost")
    run("git", "init", "--quiet", "--initial-branch=main", path)
    run(*git, "add", "--all")
    run(*git, "commit", "--quiet", "--message=all")
    run(*git, "tag", "v0.1.0")
    programs = path / ".venv/bin"
    programs.mkdir(parents=True)
    prefix = f'#!/bin/sh\nPYTHONPATH={path}/schema exec "{sys.executable}"'
    for name, script in {
        "python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
        "bossflow": f'{prefix} -c "from bossflow.command.main import main; main()" "$@"\n',
        "nextflow": f'#!/bin/sh\nexec "{shutil.which("nextflow")}" "$@"\n',
    }.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    files = ("requirements/build.txt", "requirements/look.txt", "pyproject.toml")
    wanted = [f"{path}\n", *((path / name).read_text() for name in files)]
    (path / ".venv/look.installed").write_text("".join(wanted))
    return path


@pytest.fixture(scope="session")
def team(clone: Path, place: Path) -> Iterator[Team]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environment = {
        "BOSSFLOW_HOME": str(place / "home"),
        "COMPOSE_PROJECT_NAME": f"bossflow-test-{os.getpid()}",
        "MYSQL_PORT": str(port),
    }
    try:
        with Watched() as seen:
            heard = run("./set-up.sh", "--docker", "--demo", cwd=clone, **environment)
        environment.pop("MYSQL_PORT")
        yield Team(clone, environment, heard, seen)
    finally:
        compose = ("docker", "compose", "--profile=demo", "down", "--volumes", "--timeout", "5")
        run(*compose, cwd=clone, **environment)


def tags(root: Path, *arguments: str) -> dict[str, str]:
    """Return the tag of each image, or of a workflow's, by `containers/tags`."""
    lines = run(root / "containers/tags", *arguments).splitlines()
    found = dict(line.split("_TAG=") for line in lines)
    assert all(re.fullmatch("[0-9a-f]{12}", tag) for tag in found.values()), found
    return {name.lower(): tag for name, tag in found.items()}


@pytest.fixture(scope="session")
def images(team: Team) -> dict[str, str]:
    """Return each name with its tag, of the images that set-up.sh builds unless told otherwise."""
    built = tags(team.clone, "--workflow", "label")
    return {image: f"bossflow/{image}:{tag}" for image, tag in built.items()}


def pinned_of(image: str, python: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield group, name, version and hashes of what is locked for an image with this Python."""
    target = {"python_full_version": python, "sys_platform": "linux"}
    target["python_version"] = ".".join(python.split(".")[:2])
    for group, folder in {"venv": image, "aws": "aws"}.items():
        if (group, image) == ("aws", "datajoint"):
            continue
        text = (ROOT / f"containers/{folder}/requirements.txt").read_text()
        for line, hashes in re.findall(r"^(\S+==[^\\]+)((?:\\\n +--hash\S+ ?)+)", text, re.M):
            wanted = Requirement(line.strip())
            if not wanted.marker or wanted.marker.evaluate(target):
                (version,) = (one.version for one in wanted.specifier)
                yield group, canonicalize_name(wanted.name), version, hashes


@contextlib.contextmanager
def archive(directory: Path, home: Path) -> Iterator[str]:
    """Serve the demo volume to whoever has the token; give the address."""
    ready = directory / "ready.json"
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from bossflow.command.main import main; main()",
            "serve-archive",
            "--demo",
        ]
        + ["--ready-file", str(ready)],
        env=os.environ
        | {"BOSSFLOW_ARCHIVE_TOKEN": TOKEN, "BOSSFLOW_HOME": str(home)}
        | {"PYTHONPATH": str(ROOT / "schema")},
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (ready.exists() and ready.stat().st_size):
            assert server.poll() is None
            threading.Event().wait(0.1)
        yield json.loads(ready.read_text())["host"]
    finally:
        server.terminate()
        server.wait()
