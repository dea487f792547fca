"""The images, the profile docker and set-up.sh --docker, with a real Docker engine and MySQL.

The images are built where they are missing; BASE_IMAGE and MYSQL_IMAGE name stand-ins.
"""

import contextlib
import csv
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
from typing import Any, NamedTuple

import numpy as np
import pytest
from commands import said, tool, tracked
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from lab import Lab, Steps
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
    files = ("requirements/build.txt", "requirements/run.txt", "pyproject.toml")
    wanted = [f"{path}\n", *((path / name).read_text() for name in files)]
    (path / ".venv/run.installed").write_text("".join(wanted))
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


def tags(root: Path) -> dict[str, str]:
    """Return the tag of each image, by `containers/tags`."""
    lines = run(root / "containers/tags").splitlines()
    found = dict(line.split("_TAG=") for line in lines)
    assert all(re.fullmatch("[0-9a-f]{12}", tag) for tag in found.values()), found
    assert {run(root / "containers/tags", name.lower()).strip() for name in found} == {
        *found.values()
    }
    return {name.lower(): tag for name, tag in found.items()}


@pytest.fixture(scope="session")
def images(team: Team) -> dict[str, str]:
    """Return each image's name with its tag."""
    return {image: f"bossflow/{image}:{tag}" for image, tag in tags(team.clone).items()}


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


def test_a_tag_follows_what_its_image_is_built_from(tmp_path: Path) -> None:
    for name in tracked("containers", "requirements", "bin", "schema", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    before = tags(tmp_path)
    assert before == tags(ROOT), "wherever it lies"
    for name, changed in {
        "bin/voxels/boxes.py": {"cc3d", "datajoint"},
        "bin/label_block.py": set(),
        "containers/intern/Dockerfile": {"intern"},
        "requirements/build.txt": {"intern", "cc3d", "datajoint"},
        "schema/bossflow/bundle.schema.json": {"datajoint"},
    }.items():
        with (tmp_path / name).open("a") as stream:
            stream.write("\n")
        now = tags(tmp_path)
        assert {image for image in now if now[image] != before[image]} == changed, name
        before = now
    (tmp_path / "schema/bossflow/new.py").touch()
    assert tags(tmp_path)["datajoint"] != before["datajoint"]


@pytest.mark.nextflow
@pytest.mark.parametrize("parser", ["v1", "v2"])
def test_nextflow_asks_for_the_images_of_the_source_that_is_here(parser: str) -> None:
    shown = run(
        *("nextflow", "config", "-profile", "docker", "-flat", ROOT), NXF_SYNTAX_PARSER=parser
    )
    for image, tag in tags(ROOT).items():
        assert f"process.'withLabel:{image}'.container = 'bossflow/{image}:{tag}'" in shown


def test_every_process_names_its_image() -> None:
    for module in tracked("modules/*.nf"):
        text = (ROOT / module).read_text()
        assert sum(f"label '{image}'" in text for image in ("intern", "cc3d", "datajoint")) == 1


@pytest.mark.docker
def test_containers_and_mysql_give_what_the_embedded_default_gives(
    team: Team, tmp_path: Path
) -> None:
    lab = Lab(tmp_path / "lab", np.zeros((1, 1, 1)), (0, 0, 0))
    lab.own = {"BOSSDB_TOKEN": TOKEN}
    lines = (ROOT / "params/demo.yml").read_text().splitlines()
    params = dict(line.split(": ", 1) for line in lines if not line.startswith("#"))
    for name in ("connectivity", "min_voxels", "block_shape"):
        params[name] = json.loads(params[name])
    with archive(tmp_path, tmp_path / "home") as host:
        try:
            Steps(lab).run(params | {"bossdb_host": host}).ok()
            request = (lab.directory / "results/requests.csv").read_text().split()[1]
            command = ("components", request.partition(",")[0], "--format", "csv")
            embedded = lab.bossflow(*command)
        finally:
            lab.bossflow("db", "stop")
    assert embedded.count("\n") > 1000
    assert team.components() == embedded


@pytest.mark.docker
def test_down_and_up_loses_nothing(team: Team) -> None:
    before = team.components()
    team.run("docker", "compose", "down")
    team.run("docker", "compose", "up", "--detach", "--wait", "database")
    assert team.components() == before


@pytest.mark.docker
def test_a_second_demo_finds_everything_recorded(team: Team) -> None:
    again = team.run("./set-up.sh", "--docker", "--demo")
    assert "Images: there already" in again
    assert "nothing to compute: " in again


@pytest.mark.docker
def test_results_say_in_which_image_they_were_made(team: Team, images: dict[str, str]) -> None:
    code = "import bossflow; print(*bossflow.Environment().to_arrays('container'))"
    named = team.run("env", f"PYTHONPATH={team.clone}/schema", sys.executable, "-c", code)
    assert set(named.split()) == {images["intern"], images["cc3d"]}


@pytest.mark.docker
def test_no_password_shows(team: Team) -> None:
    """Not to the engine, not to `ps`, not in other files than its own, not in the database."""
    assert "BASH_ENV" in team.seen.inspected and "bossflow/cc3d" in team.seen.processes
    root = {"MYSQL_PWD": team.passwords[0]}
    dump = ("docker", "compose", "exec", "-T", "-e", "MYSQL_PWD", "database", "mysqldump")
    dumped = run(*dump, "--user=root", "bossflow", cwd=team.clone, **team.environment, **root)
    assert "INSERT INTO `run`" in dumped
    for password in team.passwords:
        assert password not in team.said + team.seen.inspected + team.seen.processes + dumped
    holders = {
        path.relative_to(team.clone).as_posix()
        for path in team.clone.rglob("*")
        if path.is_file()
        and any(password.encode() in path.read_bytes() for password in team.passwords)
    }
    assert holders == {".env", ".secrets/database.password"}


@pytest.mark.docker
def test_a_git_url_is_all_that_a_user_needs(team: Team, place: Path) -> None:
    """From an empty directory, as a user without bossflow, with passwords in the environment."""
    user = place / "user"
    empty = user / "an empty directory"
    home = user / "home"
    for directory in (empty, home):
        directory.mkdir(parents=True)
    bare = user / "bossflow.git"
    run("git", "clone", "--quiet", "--bare", team.clone, bare)
    for path in (user, *user.rglob("*")):
        os.chown(path, USER, USER)
    program = Path(str(shutil.which("nextflow"))).parent
    database = json.loads((team.clone / "datajoint.json").read_text())["database"]
    environment = {
        "PATH": f"{program}:/usr/bin:/bin",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "NXF_OPTS": f"-Duser.home={home}",
        "BOSSDB_TOKEN": TOKEN,
        "DJ_BACKEND": "mysql",
        "DJ_HOST": "127.0.0.1",
        "DJ_PORT": str(database["port"]),
        "DJ_USER": "bossflow",
        "DJ_PASS": team.passwords[1],
    }
    with archive(place, place / "home") as host, Watched() as seen:
        done = subprocess.run(
            ["nextflow", "run", f"file:{bare}", "-r", "v0.1.0", "-profile", "docker"]
            + ["--source", "bossdb://bossflow/demo/segmentation", *CUTOUT]
            + ["--bossdb_host", host, "--archive", "git"]
            + ["--store", str(user / "the user's $(store)")],
            cwd=empty,
            env=environment,
            user=USER,
            group=USER,
            extra_groups=[os.stat("/var/run/docker.sock").st_gid],
            capture_output=True,
            text=True,
            timeout=600,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 complete" in done.stdout
    assert (user / "the user's $(store)/STITCH").is_dir()
    made = [path for path in user.rglob("*") if not path.is_symlink()]
    assert {path.stat().st_uid for path in made} == {USER}
    assert "bossflow/intern" in seen.processes
    text = done.stdout + done.stderr + seen.inspected + seen.processes
    text += "".join(path.read_text(errors="replace") for path in made if path.is_file())
    assert TOKEN not in text
    assert team.passwords[1] not in text


@pytest.mark.docker
def test_volumes_of_a_sample_sheet_are_read_where_they_lie(team: Team, place: Path) -> None:
    """The segmentation that the demo left, in place, at a path that CSV has to quote, twice."""
    volume = (team.clone / "results/requests.csv").read_text().splitlines()[1].split(",")[2]
    there = place / 'a "volume", new'
    shutil.copytree(volume.removeprefix("file://"), there)
    sheet = place / "sheet.csv"
    with sheet.open("w", newline="") as stream:
        header = ["source", "x_range", "y_range", "z_range"]
        rows = [[f"precomputed://{there}", "0:64", "0:64", "0,16"]]
        csv.writer(stream).writerows([header, *rows])
    command = ("nextflow", "run", ".", "-profile", "docker", "--input", sheet)
    assert "1 complete" in team.run(*command, "--outdir", place / "sheet")


@pytest.mark.docker
def test_a_container_never_starts_the_embedded_database(
    team: Team, images: dict[str, str], tmp_path: Path
) -> None:
    mount = ("--volume", f"{tmp_path}:{tmp_path}", "--env", f"BOSSFLOW_HOME={tmp_path}")
    command = ["docker", "run", "--rm", "--user=0", *mount, images["datajoint"], "bossflow"]
    bossflow = (team.clone / ".venv/bin/bossflow", "db")
    home = {"BOSSFLOW_HOME": str(tmp_path)}
    done = subprocess.run([*command, "status"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "start it there with `bossflow db start`" in done.stderr
    assert not list(tmp_path.iterdir())
    try:
        run(*bossflow, "deploy", cwd=tmp_path, **home)
        assert "0 requests" in run(*command, "status")
    finally:
        run(*bossflow, "stop", cwd=tmp_path, **home)


@pytest.mark.docker
@pytest.mark.parametrize("tool_name", ["intern", "cc3d", "datajoint"])
def test_images_hold_no_compiler_and_no_root(images: dict[str, str], tool_name: str) -> None:
    image = images[tool_name]
    (about,) = json.loads(said("docker", "image", "inspect", image))
    assert about["Config"]["User"] == "bossflow"
    assert about["Config"]["Labels"]["org.opencontainers.image.title"] == f"bossflow/{tool_name}"
    assert f"BOSSFLOW_CONTAINER={image}" in about["Config"]["Env"]
    look = "command -v bash && command -v ps && ! command -v gcc && ! command -v pip && id -u"
    assert said("docker", "run", "--rm", image, "bash", "-c", look).split()[-1] != "0"


@pytest.mark.docker
@pytest.mark.parametrize("tool_name", ["intern", "cc3d", "datajoint"])
def test_an_image_says_what_it_is_made_of(images: dict[str, str], tool_name: str) -> None:
    image = images[tool_name]
    (about,) = json.loads(said("docker", "image", "inspect", image))
    path = about["Config"]["Labels"]["bossflow.sbom"]
    text = said("docker", "run", "--rm", image, "cat", path)
    assert not JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == f"bossflow/{tool_name}"
    parts: dict[str, list[dict[str, Any]]] = {}
    for part in bill["components"]:
        kind = part.get("purl", "own").removeprefix("pkg:").partition("/")[0]
        parts.setdefault(kind, []).append(part)
    installed = {
        (part["bom-ref"].split("/")[0], canonicalize_name(part["name"]), part["version"]): part
        for part in parts["pypi"]
    }
    (python,) = parts["generic"]
    target = {"python_full_version": python["version"], "sys_platform": "linux"}
    target["python_version"] = ".".join(python["version"].split(".")[:2])
    locked = 0
    for place, tool_or_aws in {"venv": tool_name, "aws": "aws"}.items():
        if (place, tool_name) == ("aws", "datajoint"):
            continue
        text = (ROOT / f"containers/{tool_or_aws}/requirements.txt").read_text()
        for line, hashes in re.findall(r"^(\S+==[^\\]+)((?:\\\n +--hash\S+ ?)+)", text, re.M):
            wanted = Requirement(line.strip())
            if wanted.marker and not wanted.marker.evaluate(target):
                continue
            (version,) = (one.version for one in wanted.specifier)
            part = installed.pop((place, canonicalize_name(wanted.name), version))
            (digest,) = part["hashes"]
            assert digest["alg"] == "SHA-256" and digest["content"] in hashes
            locked += 1
    assert locked > 15
    assert not installed, "nothing else"
    assert [part["name"] for part in parts.get("own", [])] == ["bossflow"] * (
        tool_name == "datajoint"
    )
    listed = said(
        "docker", "run", "--rm", image, "dpkg-query", "-W", "-f", "${Package} ${Version}\\n"
    )
    debian = [f"{part['name']} {part['version']}" for part in parts["deb"]]
    assert sorted(debian) == sorted(listed.splitlines())
    places = said("docker", "run", "--rm", image, "ls", "/opt").split()
    assert {*places} <= {"aws", "loops", "venv"}, "what writes it stays out"


@pytest.mark.docker
def test_loops_are_compiled_in_the_image(team: Team, images: dict[str, str]) -> None:
    """Whoever runs it, and wherever the programs lie."""
    code = (
        "import os, sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])\n"
        "from voxels import kernels as k; k.compile_all()\n"
        "loops = (k.statistics, k.encode, k.decode, k.downsample)\n"
        "print([sum(f.stats.cache_misses.values()) for f in loops],"
        " [bool(f.stats.cache_hits) for f in loops])"
    )
    programs = team.clone / "bin"
    mount = ("--volume", f"{programs}:{programs}:ro", "--user", str(USER))
    command = ("docker", "run", "--rm", "--read-only", "--tmpfs=/tmp", *mount, images["cc3d"])
    printed = run(*command, "python", "-c", code, programs)
    assert printed.split("\n")[0] == "[0, 0, 0, 0] [True, True, True, True]"


@pytest.mark.docker
def test_nextflow_on_aws_batch_finds_its_command(images: dict[str, str]) -> None:
    for image in (images["intern"], images["cc3d"]):
        assert "aws-cli/" in said("docker", "run", "--rm", image, "aws", "--version")
